/**
 * What a report of a fault should hold, as one JSON file: `docs/diagnostics.md` lists it for users.
 *
 * It is built from an allow-list: each field below is named here, and nothing that is not named gets in, whatever later versions write
 * into the places it is read from. Fields are figures, words of a fixed form and times; of the few sentences the private parts are
 * replaced (`anonymiser.ts`). Never in it: strategies, parameters, orders, positions, prices, run results, the database, the catalog,
 * the environment, command lines. Data of log records that is not on the list is named and left out, so that a reader knows there was some.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import { basename, join, resolve } from "node:path";
import { CATALOGUE, TinoError } from "#contracts/catalogue";
import { PROTOCOL } from "#contracts/handshake";
import { KEPT_FILES } from "../supervisor/log.ts";
import { Anonymiser } from "./anonymiser.ts";
import { reasonOf, verdictOf } from "./check.ts";
import type { Diagnosis } from "./diagnose.ts";
import { type Claim, listClaims } from "./locks.ts";
import type { Subject } from "./subject.ts";

const FORMAT = 1;
/** Of each log, so that the whole can still be read through. */
const RECORDS = 200;
const TAIL_BYTES = 512 * 1024;
const LONGEST_TEXT = 300;
const MOST_FRAMES = 12;

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Bundle = { readonly [section: string]: Json };

/** Put it together; nothing is written. @throws internal when a secret got in: then there is no bundle */
export async function buildBundle(subject: Subject, diagnosis: Diagnosis): Promise<Bundle> {
  const { place, machine, asker } = subject;
  const { paths, clock, installation } = place;
  const claims = claimsOf(subject);
  const anonymiser = new Anonymiser(place, claims);
  const sentence = (text: string) => cut(anonymiser.text(text), LONGEST_TEXT * 2);
  const answer = await subject.answer();
  const logs = [paths.engineLog, paths.clientLog, paths.windowLog].map(
    (path) => [basename(path), logOf(path, anonymiser, installation.engineDirectory)] as const,
  );
  const bundle: Bundle = {
    about: {
      format: FORMAT,
      made: new Date(clock.now()).toISOString(),
      by: asker,
      version: installation.version,
      protocol: PROTOCOL,
      note: "Made by tino for a report. Nothing of it was sent anywhere.",
    },
    machine: {
      system: machine.system,
      node: machine.nodeVersion,
      processors: cpus().length,
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      minutesFromUtc: -new Date(clock.now()).getTimezoneOffset(),
    },
    doctor: diagnosis.checks.map((check) => ({
      name: check.name,
      verdict: verdictOf(check),
      findings: check.findings.map(({ verdict, text, fix }) => ({ verdict, text: sentence(text), fix: fix && sentence(fix) })),
    })),
    engine: answer && engineOf(answer.status),
    claims: claims.map(({ lock, liveness }) => ({ kind: word(lock?.kind), version: version(lock?.version), startedAt: number(lock?.startedAt), liveness })),
    storage: Object.fromEntries(["run", "db", "data", "runs", "logs"].map((name) => [name, extentOf(join(paths.home, name))])),
    logs: Object.fromEntries(logs),
  };
  if (anonymiser.holdsSecret(JSON.stringify(bundle)))
    throw TinoError.of("internal", { reference: "a secret got into the bundle, so it was dropped", log: paths.clientLog });
  return bundle;
}

/** As it is shown and saved: what has no parts of its own, such as a record of a log, on one line. */
export function bundleText(bundle: Bundle): string {
  const isLeaf = (value: Json) =>
    typeof value !== "object" || value === null || Object.values(value).every((part) => typeof part !== "object" || part === null);
  const write = (value: Json, indent: string): string => {
    if (typeof value !== "object" || value === null || (indent.length > 2 && isLeaf(value)) || "ts" in value) return JSON.stringify(value);
    const inner = `${indent}  `;
    const items = Array.isArray(value)
      ? value.map((item) => write(item, inner))
      : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${write(item as Json, inner)}`);
    const [open, close] = Array.isArray(value) ? "[]" : "{}";
    return items.length === 0 ? `${open}${close}` : `${open}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close}`;
  };
  return `${write(bundle, "")}\n`;
}

/** Write it for this user alone; never over another file. @returns the whole path @throws file_not_written */
export function saveBundle(file: string, cwd: string, text: string): string {
  const path = resolve(cwd, file);
  try {
    const descriptor = openSync(path, "wx", 0o600);
    try {
      writeSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw TinoError.of("file_not_written", { path, reason: reasonOf(error) }, { cause: error });
  }
  return path;
}

function claimsOf(subject: Subject): Claim[] {
  try {
    return listClaims(subject);
  } catch {
    return []; // The check of the locks says why.
  }
}

/** The engine of its own account, field by field: another's shape is a stranger's text. */
function engineOf(status: { readonly [key: string]: unknown }): Json {
  const list = (value: unknown) => (Array.isArray(value) ? value : []);
  return {
    state: word(status.state),
    mode: word(status.mode),
    version: version(status.version),
    protocol: number(status.protocol),
    startedAt: number(status.startedAt),
    memoryBytes: number(status.memoryBytes),
    runsRunning: number(status.runsRunning),
    runsQueued: number(status.runsQueued),
    clients: list(status.clients).map((client) => ({ kind: word(client?.kind), since: number(client?.since), connected: flag(client?.connected) })),
    children: list(status.children).map((child) => ({ role: word(child?.role), memoryBytes: number(child?.memoryBytes) })),
  };
}

/** How many files a folder holds, and how much they take; no names. */
function extentOf(folder: string): Json {
  let files = 0;
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files += 1;
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : { unreadable: reasonOf(error) };
  }
  return { files, bytes };
}

/** The last records of a log and of the file before it, if it was just rotated. */
function logOf(path: string, anonymiser: Anonymiser, engineDirectory: string): Json {
  const lines: string[] = [];
  for (let rotation = 0; rotation < KEPT_FILES && lines.length < RECORDS; rotation += 1) {
    const older = tailOf(rotation === 0 ? path : `${path}.${rotation}`);
    if (older === null) break;
    lines.unshift(...older);
  }
  return lines.slice(-RECORDS).map((line) => recordOf(line, anonymiser, engineDirectory));
}

function tailOf(path: string): string[] | null {
  try {
    const bytes = readFileSync(path);
    const lines = bytes
      .subarray(Math.max(0, bytes.length - TAIL_BYTES))
      .toString("utf8")
      .split("\n");
    // The first may be half of one.
    return (bytes.length > TAIL_BYTES ? lines.slice(1) : lines).filter(Boolean);
  } catch {
    return null; // Not there, or not to be read; the check of the run directory says so.
  }
}

/** One record by the list; what is not on it is counted by name. */
function recordOf(line: string, anonymiser: Anonymiser, engineDirectory: string): Json {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line);
  } catch {
    return { ts: null, unreadable: line.length };
  }
  const kept: Record<string, Json> = {};
  const left: string[] = [];
  for (const [name, value] of Object.entries(record ?? {})) {
    if (value === null || value === undefined) continue;
    const clean = RECORD_FIELDS[name]?.(value, { anonymiser, engineDirectory, component: String(record.component) }) ?? null;
    if (clean !== null) kept[name] = clean;
    else if (NAME.test(name)) left.push(name);
  }
  return { ts: null, ...kept, ...(left.length > 0 && { left_out: left }) };
}

interface Surroundings {
  readonly anonymiser: Anonymiser;
  readonly engineDirectory: string;
  readonly component: string;
}
/** What a field may be; null: not that. */
type Field = (value: unknown, surroundings: Surroundings) => Json;

const NAME = /^[a-z][a-z0-9_]{0,40}$/;
/** Parts of tino whose sentences are about processes and files, not about strategies. */
const TELLING = new Set(["supervision", "supervisor", "client", "cli", "extension", "language", "engine", "log"]);

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const flag = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);
const word = (value: unknown): string | null => (typeof value === "string" && /^[A-Za-z][A-Za-z_.-]{0,40}\d{0,3}$/.test(value) ? value : null);
const wordOrNumber: Field = (value) => number(value) ?? word(value);
const version = (value: unknown): string | null =>
  typeof value === "string" && /^\d{1,4}(?:\.\d{1,5}){1,2}(?:[-+.]?[a-z]{1,6}\.?\d{0,3})?$/.test(value) ? value : null;
const time: Field = (value) => (typeof value === "string" && /^[\d:.TZ-]{20,32}$/.test(value) ? value : null);
const marked: Field = (value, { anonymiser }) => (typeof value === "string" ? anonymiser.mark(value) : null);
const code: Field = (value) => (typeof value === "string" && value in CATALOGUE ? value : null);
const told: Field = (value, { anonymiser, component }) =>
  typeof value === "string" && TELLING.has(component) ? cut(anonymiser.text(value), LONGEST_TEXT) : null;

const RECORD_FIELDS: Readonly<Record<string, Field>> = {
  ts: time,
  level: word,
  component: word,
  event: word,
  run_id: marked,
  trader_id: marked,
  instance: marked,
  code,
  reason: told,
  exception: (value, { engineDirectory }) => (typeof value === "string" ? framesOf(value, engineDirectory) : null),
  version,
  ...Object.fromEntries(["status", "kind", "from", "to", "how", "signal", "state", "type", "phase", "call"].map((name) => [name, wordOrNumber])),
  ...Object.fromEntries(
    ["pid", "engine_pid", "child_pid", "port", "count", "seconds", "ends", "expected", "received", "protocol", "engine", "client", "exit_code"].map((name) => [
      name,
      number,
    ]),
  ),
};

/** The kind of error and the places in tino's and its libraries' code that led to it: no messages, no lines of source, no foreign files. */
function framesOf(trace: string, engineDirectory: string): Json {
  const lines = trace.split("\n");
  const frames = lines.flatMap((line) => {
    const python = /^\s*File "([^"]+)", line (\d+)(?:, in ([\w<>.]+))?/.exec(line);
    const node = /^\s*at (?:([\w.<>[\] #]+) \()?(?:file:\/\/)?([^()\s][^()]*):(\d+):\d+\)?$/.exec(line);
    if (python) return [`${placeOf(python[1] as string, engineDirectory)}:${python[2]}`];
    return node ? [`${placeOf(node[2] as string, engineDirectory)}:${node[3]}`] : [];
  });
  const kinds = lines.flatMap((line) => /^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Group|Warning))\b/.exec(line)?.[1] ?? []);
  return { kinds: [...new Set(kinds)].filter((kind) => kind.length <= 60), frames: frames.slice(-MOST_FRAMES) };
}

function placeOf(path: string, engineDirectory: string): string {
  const file = path.replaceAll("\\", "/");
  const own = file.startsWith(`${engineDirectory.replaceAll("\\", "/")}/tino_engine/`) ? file.slice(engineDirectory.length + 1) : null;
  const library = /\/(?:site-packages|node_modules|lib\/python3\.\d+)\/([\w./@-]+)$/.exec(file)?.[1];
  const built = /\/dist\/((?:cli\/[\w-]+|extension)\.c?js)$/.exec(file)?.[1];
  return own ?? library ?? built ?? (file.startsWith("node:") && /^node:[\w/]+$/.test(file) ? file : "<elsewhere>");
}

const cut = (text: string, longest: number): string => (text.length <= longest ? text : `${text.slice(0, longest)}…`);

/** The running engine as others see it: who has its port, whether its clock agrees, whether all parts are of one version. */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOL } from "#contracts/handshake";
import type { Clock } from "../supervisor/clock.ts";
import { readEngineInfo } from "../supervisor/discovery.ts";
import { type Check, type Finding, ok, problem, reasonOf, warning } from "./check.ts";
import { listClaims, removalOfEngineInfo } from "./locks.ts";
import { reinstall, type Subject } from "./subject.ts";

const LOOK_MS = 300;
/** Less than this is the time that looking takes. */
const STEP_MS = 100;
const SKEW_MS = 1_000;
const FUTURE_MS = 60_000;
/** tino is younger than this, so a clock before it is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1);

const SET_CLOCK = "Have the system set its clock from the network: orders, fills and bars are stamped with it.";

export async function checkPort(subject: Subject): Promise<Check> {
  const { paths, processes } = subject.place;
  const engine = await subject.engine();
  const about = {
    name: "port",
    title: "Port",
    looked: engine.kind === "none" ? `${paths.engineInfo}, and whether a port can be had` : `${paths.engineInfo}, and who answers there`,
  };
  const findings: Finding[] = [];
  if (engine.kind === "running") {
    const { pid, port } = engine.connection;
    findings.push(ok(`${port}, answered by the engine (process ${pid}), which proved itself`));
  } else if (engine.kind === "impostor") {
    const { port } = engine.info;
    const holder = processes.listener(port);
    const who = holder ? `${holder.name ?? "a program"} (process ${holder.pid})` : "another program";
    findings.push(
      problem(
        `${port} is answered by ${who}, not by the engine that wrote ${paths.engineInfo}.`,
        "Nothing was sent to it. `tino down --force` clears the record; the next engine takes another port.",
      ),
    );
  } else if (engine.kind === "silent") {
    findings.push(
      problem(
        `The engine (process ${engine.info.pid}) has port ${engine.info.port} and does not answer.`,
        "Wait a moment; if it stays silent, `tino down --force`. The next start makes a new one.",
      ),
    );
  } else if (engine.kind === "refused") {
    findings.push(warning(`The engine (process ${engine.info.pid}) listens on no port: it is just ending.`, "Wait until it has."));
  } else if (engine.kind === "stale") {
    findings.push(
      warning(
        `The record names process ${engine.info.pid}, which is gone: the engine was killed.`,
        "Nothing: the next start replaces the record.",
        removalOfEngineInfo(subject),
      ),
    );
  } else {
    findings.push(whyNoRecord(paths.engineInfo));
  }
  const why = await subject.machine.whyNoPort();
  if (why)
    findings.push(
      problem(`No port of this machine's own address can be had: ${why}.`, "A firewall or a sandbox forbids it; allow local connections to 127.0.0.1."),
    );
  return { ...about, findings };
}

/** Without a record that can be read there is no engine, or it cannot be said. */
function whyNoRecord(path: string): Finding {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return ok("no engine runs; one that is started takes a free port");
    return warning("The record of the engine is not of its form.", "Nothing: the next start replaces it.");
  } catch (error) {
    return warning(`Whether an engine runs cannot be said: ${reasonOf(error)}.`, "See “Run directory”.");
  }
}

/** The clock against a second one that never steps, against the engine's, and against what was written earlier. */
export async function checkClock(subject: Subject): Promise<Check> {
  const { clock, paths } = subject.place;
  const began = readClocks(clock);
  const answer = await subject.answer();
  const rest = LOOK_MS - (clock.monotonic() - began.to);
  if (rest > 0) await clock.sleep(rest);
  const ended = readClocks(clock);
  const now = ended.wall;
  const step = stepBetween(began, ended);
  const findings: Finding[] = [];
  if (now < EARLIEST) findings.push(problem(`It says ${utc(now)}, which is past.`, SET_CLOCK));
  if (Math.abs(step) > STEP_MS)
    findings.push(warning(`It was set by ${Math.round(step)} ms while it was looked at.`, "Look again; if it goes on, something sets it over and over."));
  let agrees = "";
  const engines = answer?.status.now ?? null;
  if (answer && engines !== null) {
    // The engine read its clock at some instant between our two looks.
    const skew = engines < answer.askedAt ? engines - answer.askedAt : Math.max(0, engines - answer.answeredAt);
    if (Math.abs(skew) > SKEW_MS)
      findings.push(problem(`The engine's differs by ${Math.round(skew)} ms.`, `End the engine (\`tino down\`) and start it again. ${SET_CLOCK}`));
    else agrees = ", and the engine's agrees";
  }
  const written = earlierWrites(subject).filter(({ at }) => at > now + FUTURE_MS);
  for (const { what, at } of written) findings.push(warning(`${what} was written at ${utc(at)}, which is yet to come: the clock was set back.`, SET_CLOCK));
  const looked = `the system's, for ${LOOK_MS} ms${answer ? ", the engine's" : ""}, and the times in ${paths.run}`;
  return { name: "clock", title: "Clock", looked, findings: findings.length > 0 ? findings : [ok(`${utc(now)}, runs evenly${agrees}`)] };
}

export async function checkVersions(subject: Subject): Promise<Check> {
  const { installation } = subject.place;
  const { machine, asker } = subject;
  const findings: Finding[] = [];
  const needed = neededNode(installation.root);
  if (needed && isOlder(machine.nodeVersion, needed))
    findings.push(problem(`Node.js is ${machine.nodeVersion}; tino needs ${needed}.`, "Install a newer Node.js."));
  const inspected = await subject.inspect();
  if (inspected.ok && inspected.inspection.version !== installation.version) {
    findings.push(problem(`The engine's files are of ${inspected.inspection.version}, this program of ${installation.version}.`, reinstall(subject.place)));
  }
  const engine = await subject.engine();
  let running = "";
  if (engine.kind === "running") {
    const { version, protocol } = engine.connection;
    if (protocol < PROTOCOL) {
      findings.push(
        warning(
          `The running engine speaks protocol ${protocol} (version ${version}), this program ${PROTOCOL}.`,
          "Restart the engine: `tino down`, then `tino up`.",
        ),
      );
    } else if (protocol > PROTOCOL) {
      findings.push(
        warning(
          `The running engine speaks protocol ${protocol} (version ${version}), this program only ${PROTOCOL}.`,
          "Update this program, or reload the window if it was just updated.",
        ),
      );
    } else if (version !== installation.version) {
      findings.push(
        warning(
          `The running engine is ${version}, this program ${installation.version}; they understand each other.`,
          "Restart the engine when nothing runs: `tino down`, then `tino up`.",
        ),
      );
    } else running = ", the running engine too";
  }
  const all = `tino ${installation.version}${running}; protocol ${PROTOCOL}; Node.js ${machine.nodeVersion}${asker === "tino" ? "" : `; ${asker}`}`;
  return {
    name: "versions",
    title: "Versions",
    looked: "this program, the engine's files, the running engine, Node.js",
    findings: findings.length > 0 ? findings : [ok(all)],
  };
}

/** Both clocks; the wall clock was read at some instant between two of the other, however long this process was kept from running. */
interface Reading {
  readonly from: number;
  readonly wall: number;
  readonly to: number;
}

function readClocks(clock: Clock): Reading {
  const from = clock.monotonic();
  const wall = clock.now();
  return { from, wall, to: clock.monotonic() };
}

/** By how much the wall clock was certainly set between two readings. */
function stepBetween(one: Reading, other: Reading): number {
  const passed = other.wall - one.wall;
  const [least, most] = [other.from - one.to, other.to - one.from];
  return passed < least ? passed - least : Math.max(0, passed - most);
}

/** Times that somebody wrote down before now. */
function earlierWrites(subject: Subject): { what: string; at: number }[] {
  const info = readEngineInfo(subject.place.paths);
  let claims: ReturnType<typeof listClaims>;
  try {
    claims = listClaims(subject);
  } catch {
    claims = []; // The check of the locks says why.
  }
  return [
    ...(info ? [{ what: "engine.pid", at: info.startedAt }] : []),
    ...claims.flatMap(({ lock }) => (lock ? [{ what: `The lock file of process ${lock.pid}`, at: lock.startedAt }] : [])),
  ];
}

function neededNode(root: string): string | null {
  try {
    return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node.replace(">=", "");
  } catch {
    return null; // It was read when the installation was found; a broken one has other troubles.
  }
}

const isOlder = (version: string, than: string): boolean => version.localeCompare(than, "en", { numeric: true }) < 0;
const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

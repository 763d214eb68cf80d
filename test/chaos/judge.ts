/**
 * What a schedule must not have done, judged from what everybody said and what is left. Each finding is one sentence with the kind of
 * promise that it breaks.
 *
 * DURABLE EVENTS are those of the ledger. Promised is:
 *   - the ledger counts without a gap, is whole, and set nothing aside;
 *   - each client, from its first snapshot to its end, heard every number once and in order, across engines, and each is in the
 *     ledger with the same content;
 *   - each run that an engine acknowledged was queued once and ended once, and did not fail;
 *   - within the life of one engine a client joins, then leaves, then perhaps joins again;
 *   - engines write one after the other: what one wrote never stands between two writings of another.
 */
import type { Report } from "./client.ts";
import { type EngineLife, overlapsOf } from "./witness.ts";

export interface LedgerRow {
  readonly seq: number;
  readonly type: string;
  readonly key: string;
  readonly run: string | null;
  readonly status: string | null;
  readonly pid: number | null;
  readonly since: number | null;
}

export interface Ledger {
  readonly integrity: string;
  readonly events: readonly LedgerRow[];
  /** Status of each run in its own table. */
  readonly runs: Readonly<Record<string, string>>;
  readonly poison: number;
}

export interface Evidence {
  /** What each client process said, in its order. */
  readonly clients: readonly { readonly pid: number; readonly reports: readonly Report[] }[];
  readonly lives: readonly EngineLife[];
  readonly ledger: Ledger;
  /** Processes that were left when everybody was gone, in words. */
  readonly orphans: readonly string[];
}

export type Promised = "orphan" | "overlap" | "lost" | "doubled" | "foreignSignal" | "notBack" | "notEnded" | "database" | "run";
export interface Finding {
  readonly promise: Promised;
  readonly what: string;
}

const ENDED = ["finished", "failed", "cancelled", "interrupted"];

/** Every broken promise. */
export function judge({ clients, lives, ledger, orphans }: Evidence): Finding[] {
  return [
    ...orphans.map((what): Finding => ({ promise: "orphan", what })),
    ...overlapsOf(lives).map(
      ([one, other]): Finding => ({
        promise: "overlap",
        what: `engine ${one.pid} was there ${one.seenAt - other.healthyAt} ms after engine ${other.pid} was healthy`,
      }),
    ),
    ...judgeLedger(ledger),
    ...clients.flatMap(({ pid, reports }) => judgeClient(pid, reports, ledger)),
  ];
}

function judgeLedger({ integrity, events, runs, poison }: Ledger): Finding[] {
  const found: Finding[] = [];
  if (integrity !== "ok") found.push({ promise: "database", what: integrity });
  if (poison > 0) found.push({ promise: "database", what: `${poison} writes were refused and set aside` });
  events.forEach(({ seq }, index) => {
    if (seq !== index + 1) found.push({ promise: "lost", what: `the ledger has ${seq} where ${index + 1} should be` });
  });
  const steps = new Map<string, string[]>();
  for (const { run, status } of events) if (run && status) steps.set(run, [...(steps.get(run) ?? []), status]);
  for (const [run, statuses] of steps) {
    const ends = statuses.filter((status) => ENDED.includes(status));
    if (new Set(statuses).size < statuses.length || ends.length > 1) found.push({ promise: "doubled", what: `run ${run} went ${statuses.join(", ")}` });
    if (statuses[0] !== "queued" || ends.length === 0) found.push({ promise: "lost", what: `run ${run} went ${statuses.join(", ")}` });
    if (ends[0] !== runs[run]) found.push({ promise: "lost", what: `run ${run} ended as ${ends[0]} in the ledger and as ${runs[run]} in its table` });
    if (ends[0] === "failed") found.push({ promise: "run", what: `run ${run} failed` });
  }
  return [...found, ...judgeComings(events)];
}

/** Comings and goings, which carry the instance of the engine that wrote them as the first part of their key. */
function judgeComings(events: readonly LedgerRow[]): Finding[] {
  const found: Finding[] = [];
  const engines = new Set<string>();
  const present = new Set<string>();
  let writing = "";
  for (const { type, key, pid, since } of events) {
    if (type !== "client.joined" && type !== "client.left") continue;
    const [instance = ""] = key.split(":");
    if (instance !== writing) {
      if (engines.has(instance)) found.push({ promise: "overlap", what: `engine ${instance} wrote again after ${writing}` });
      engines.add(instance);
      present.clear();
      writing = instance;
    }
    const client = `${pid} of ${since}`;
    if (type === "client.joined" && present.has(client)) found.push({ promise: "doubled", what: `client ${client} joined twice` });
    if (type === "client.left" && !present.delete(client)) found.push({ promise: "lost", what: `client ${client} left without having joined` });
    if (type === "client.joined") present.add(client);
  }
  return found;
}

function judgeClient(pid: number, reports: readonly Report[], { events, runs }: Ledger): Finding[] {
  const found: Finding[] = [];
  const rows = new Map(events.map((row) => [row.seq, row]));
  let known: number | null = null;
  for (const report of reports) {
    if ("snapshot" in report) {
      if (known !== null && report.snapshot > known) found.push({ promise: "lost", what: `client ${pid} was not told ${known + 1} to ${report.snapshot}` });
      if (known !== null && report.snapshot < known)
        found.push({ promise: "lost", what: `client ${pid} knew ${known}, the next engine only ${report.snapshot}` });
      known = report.snapshot;
    } else if ("durable" in report) {
      const { durable, subject } = report;
      if (known === null || durable > known + 1) found.push({ promise: "lost", what: `client ${pid} heard ${durable} after ${known}` });
      if (known !== null && durable <= known) found.push({ promise: "doubled", what: `client ${pid} heard ${durable} after ${known}` });
      known = Math.max(known ?? 0, durable);
      const row = rows.get(durable);
      const same =
        row && row.type === subject.type && row.pid === (subject.pid ?? null) && (!subject.run || (row.run === subject.run && row.status === subject.status));
      if (!same) found.push({ promise: "lost", what: `client ${pid} heard ${JSON.stringify(report)}, the ledger has ${JSON.stringify(row)}` });
    } else if ("accepted" in report) {
      if (!runs[report.accepted]) found.push({ promise: "lost", what: `run ${report.accepted} was acknowledged and is not stored` });
    } else if ("signal" in report && !report.ours) {
      found.push({ promise: "foreignSignal", what: `client ${pid} sent ${report.signal} to process ${report.pid}` });
    } else if ("ended" in report && typeof report.ended === "string") {
      found.push({ promise: "notEnded", what: `client ${pid} could not end the engine by force: ${report.ended}` });
    }
  }
  return found;
}

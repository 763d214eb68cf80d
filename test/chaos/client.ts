/**
 * A window or a terminal in a process of its own, made of what the product ships: the link with its lease, its stream and its repair. It
 * connects at once (`waiting`: when it is told to), does what it is told on standard input, and writes one line for each thing that a schedule is judged by.
 *
 * Signals it sends are noted at the seam, together with whether their receiver was an engine of this home in the instant before.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BacktestRequest, Event } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { EngineLink } from "../../extension/client/engineLink.ts";
import { systemClock } from "../../extension/supervisor/clock.ts";
import { locateInstallation } from "../../extension/supervisor/locate.ts";
import { fileLog } from "../../extension/supervisor/log.ts";
import { pathsOf } from "../../extension/supervisor/paths.ts";
import { type Place, placeOf } from "../../extension/supervisor/place.ts";

/** What a durable event is about, so that it can be found again in the ledger. */
export type Subject = { readonly type: string; readonly run?: string; readonly status?: string; readonly pid?: number | null };

/** One line of a client, with the machine's time in milliseconds. */
export type Report = { readonly at: number } & (
  | { readonly state: string; readonly pid?: number; readonly instance?: string; readonly code?: string }
  /** State as of a durable event. */
  | { readonly snapshot: number; readonly instance: string }
  /** A durable event, told live or by a later engine. */
  | { readonly durable: number; readonly subject: Subject }
  /** The engine acknowledged a run. */
  | { readonly accepted: string }
  | { readonly refused: string }
  | { readonly signal: string; readonly pid: number; readonly ours: boolean }
  | { readonly left: string }
);

const say = (report: object) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...report })}\n`);
const [as, request] = process.argv.slice(2);
const kind = as === "window" || as === "waiting" ? "vscode" : "cli";
const paths = pathsOf();
let link = begin();

/** Use the engine from now on. */
function begin(): EngineLink {
  const begun = new EngineLink({
    place: noted(placeOf(paths, locateInstallation(import.meta.dirname), fileLog(paths.clientLog, systemClock))),
    kind,
    workspace: null,
    trustedFolders: [join(locateInstallation(import.meta.dirname).root, "examples")],
  });
  begun.listen({
    onState(state) {
      if (state.kind === "live" || state.kind === "silent") say({ state: state.kind, pid: state.connection.pid, instance: state.connection.instance });
      else if (state.kind === "failed") say({ state: state.kind, code: state.error.code });
      else say({ state: state.kind });
    },
    onSnapshot: ({ ledgerSeq, instance }) => say({ snapshot: ledgerSeq, instance }),
    onEvent: (event, { ledgerSeq }) => {
      if (ledgerSeq !== null) say({ durable: ledgerSeq, subject: subjectOf(event) });
    },
    onMissed: ({ event, ledgerSeq }) => say({ durable: ledgerSeq, subject: subjectOf(event) }),
  });
  if (as !== "waiting") begun.connect().catch(() => undefined);
  return begun;
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (command) => {
  if (command === "go") link.connect().catch(() => undefined);
  else if (command === "rest") {
    // As if the window were closed, but the process stays for the next round.
    link.dispose();
    link = begin();
    say({ left: "disposed" });
  } else if (command === "again") link.startAgain().catch(() => undefined);
  else if (command === "backtest") void backtest(JSON.parse(request as string));
  else if (command === "leave") void leave(() => (kind === "cli" ? link.leave() : Promise.resolve(link.dispose())));
});

async function leave(work: () => Promise<unknown>): Promise<void> {
  say({ left: String((await work()) ?? "disposed") });
  lines.close();
  process.stdin.destroy();
}

/** Start a run. Only what the engine acknowledged counts: a request that an engine took to its grave may have been stored or not. */
async function backtest(body: BacktestRequest): Promise<void> {
  try {
    say({ accepted: (await link.call("startBacktest", { body })).id });
  } catch (error) {
    say({ refused: TinoError.is(error) ? error.code : String(error) });
  }
}

function subjectOf(event: Event): Subject {
  if (event.type === "run.changed") return { type: event.type, run: event.run.id, status: event.run.status };
  if (event.type === "client.joined" || event.type === "client.left") return { type: event.type, pid: event.client.pid };
  return { type: event.type };
}

function noted(place: Place): Place {
  const signal: Place["processes"]["signal"] = (pid, name) => {
    say({ signal: name, pid, ours: isEngineHere(pid) });
    return place.processes.signal(pid, name);
  };
  return { ...place, processes: { ...place.processes, signal } };
}

function isEngineHere(pid: number): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return environment.includes(`TINO_HOME=${paths.home}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("tino_engine");
  } catch {
    return true; // Gone since it was looked at: nobody is there to be hit, and the kernel says so to the sender.
  }
}

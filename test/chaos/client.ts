/**
 * A window or a terminal in a process of its own, made of what the product ships: the link with its lease, its stream and its repair. It
 * connects at once (`waiting`: when it is told to), does what it is told on standard input, and writes one line for each thing that a schedule is judged by.
 *
 * Signals it sends are noted at the seam, together with whether their receiver was an engine of this home in the instant before.
 *
 * `force` is another program: `tino down --force`, of an engine that it stops itself `before` it asks or `after` it was answered, as the
 * third word says, and lets go on after the milliseconds of the fourth. Nobody else could stop it so exactly between two rungs of the ladder.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BacktestRequest, Event } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { EngineLink } from "../../extension/client/engineLink.ts";
import { systemClock } from "../../extension/supervisor/clock.ts";
import { readEngineInfo } from "../../extension/supervisor/discovery.ts";
import { locateInstallation } from "../../extension/supervisor/locate.ts";
import { fileLog } from "../../extension/supervisor/log.ts";
import { pathsOf } from "../../extension/supervisor/paths.ts";
import { type Place, placeOf } from "../../extension/supervisor/place.ts";
import { systemProcesses } from "../../extension/supervisor/processes.ts";
import { endEngine } from "../../extension/supervisor/shutdown.ts";
import type { Stop } from "./schedule.ts";

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
  /** Somebody got it; a process that was gone by then did not. */
  | { readonly signal: string; readonly pid: number; readonly ours: boolean }
  /** An engine was stopped on its way to the end. */
  | { readonly stopped: number }
  /** What became of the engine that was to be ended by force: whether there was one, or why it is still there. */
  | { readonly ended: boolean | string }
  | { readonly left: string }
);

const say = (report: object) => process.stdout.write(`${JSON.stringify({ at: Date.now(), ...report })}\n`);
const [as, request, resumesMs] = process.argv.slice(2);
const kind = as === "window" || as === "waiting" ? "vscode" : "cli";
const paths = pathsOf();
const place = noted(placeOf(paths, locateInstallation(import.meta.dirname), fileLog(paths.clientLog, systemClock)));
const asked = { place, kind, workspace: null, trustedFolders: [join(place.installation.root, "examples")] } as const;
if (as === "force") await force(request as Stop, Number(resumesMs));
else listen();

/** Use the engine from now on. */
function begin(): EngineLink {
  const begun = new EngineLink(asked);
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

function listen(): void {
  let link = begin();
  const lines = createInterface({ input: process.stdin });
  const leave = async () => {
    const left = kind === "cli" ? await link.leave() : link.dispose();
    say({ left: left ?? "disposed" });
    lines.close();
    process.stdin.destroy();
  };
  lines.on("line", (command) => {
    if (command === "go") link.connect().catch(() => undefined);
    else if (command === "rest") {
      // As if the window were closed, but the process stays for the next round.
      link.dispose();
      link = begin();
      say({ left: "disposed" });
    } else if (command === "again") link.startAgain().catch(() => undefined);
    else if (command === "backtest") void backtest(link, JSON.parse(request as string));
    else if (command === "leave") void leave();
  });
}

/** End the engine by force, stopped on the way. */
async function force(stops: Stop, resumesMs: number): Promise<void> {
  const info = readEngineInfo(paths);
  const stop = () => {
    if (!info || hitBy(info.pid) !== "engine") return;
    process.kill(info.pid, "SIGSTOP");
    say({ stopped: info.pid });
    if (resumesMs > 0) setTimeout(() => hitBy(info.pid) === "engine" && process.kill(info.pid, "SIGCONT"), resumesMs).unref();
  };
  if (stops === "before") stop();
  try {
    let steps = 0;
    say({ ended: await endEngine(place, true, () => steps++ === 0 && stops === "after" && stop()) });
  } catch (error) {
    say({ ended: TinoError.is(error) ? error.code : String(error) });
  }
}

/** Start a run. Only what the engine acknowledged counts: a request that an engine took to its grave may have been stored or not. */
async function backtest(link: EngineLink, body: BacktestRequest): Promise<void> {
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
    const hit = hitBy(pid);
    const sent = place.processes.signal(pid, name);
    if (sent && hit !== "nobody") say({ signal: name, pid, ours: hit === "engine" });
    return sent;
  };
  return { ...place, processes: { ...place.processes, signal } };
}

/** Whom a signal to this PID would reach: an engine of this home, nobody (gone, dying, or a zombie that keeps the PID from others), or somebody else. */
function hitBy(pid: number): "engine" | "nobody" | "other" {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const program = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    if (program.includes("tino_engine\0serve") && environment.includes(`TINO_HOME=${paths.home}`)) return "engine";
    // One that another client has just killed has lost its memory, and with it both, a moment before it is a zombie. It keeps its PID until then.
    if (program === "") return "nobody";
  } catch {
    // Gone, or another user's: the next look tells which.
  }
  return systemProcesses.look(pid).exists ? "other" : "nobody";
}

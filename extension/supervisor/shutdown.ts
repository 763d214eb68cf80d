/**
 * Leaving the engine, and ending it.
 *
 * LAST ONE OUT. A terminal that leaves removes its lock file, counts the others and, if it was the last, asks the engine to end
 * rather than let it wait for its grace. `.shutdown-lock` keeps two that leave at once from getting into each other's way, but
 * nothing rests on it: proper-lockfile can be held twice after a kill (measured). The question to the engine is conditional: it
 * answers 409 while anybody else, a running job or a trader uses it. So if the lock cannot be had, that is logged and no more.
 * A window does not do this: its few seconds at `deactivate` are for closing the socket and unlinking the file; the engine
 * waits out its grace, which a reload of the window survives.
 *
 * THE LADDER. Asked to end → 5 s → SIGTERM → 3 s → SIGKILL. Before each signal the identity of the process is checked again: in
 * five seconds a PID can be somebody else's.
 */
import type { EngineInfo } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { PROTOCOL } from "#contracts/handshake";
import { Patience } from "./clock.ts";
import { type Connection, findEngine, readEngineInfo } from "./discovery.ts";
import { type Lease, listClients } from "./lockDirectory.ts";
import { LoopbackError, requestLoopback } from "./loopback.ts";
import { removeIfThere } from "./paths.ts";
import type { Place } from "./place.ts";
import { livenessOf, mayBeSignalled } from "./processIdentity.ts";

const ASK_TIMEOUT_MS = 2_000;
const TERM_AFTER_MS = 5_000;
const KILL_AFTER_MS = 3_000;
const POLL_MS = 15;

/** What became of the engine when we left. */
export type Leaving = "ended" | "inUse" | "gone";

/**
 * Give up the lease of a terminal; the last one out ends the engine and waits until it is gone. Never throws: whoever leaves has
 * nothing to do about a failure, so it is logged.
 */
export async function leaveEngine(place: Place, lease: Lease): Promise<Leaving> {
  const unlock = await lockShutdown(place);
  try {
    lease.release();
    if (listClients(place.paths, place.processes).length > 0) return "inUse";
    const finding = await findEngine(place);
    if (finding.kind !== "running") return "gone";
    // One of another version was never ours: it ends with its own clients.
    if (finding.connection.protocol !== PROTOCOL) return "inUse";
    const answer = await askToEnd(finding.connection, { force: false, nonce: lease.nonce });
    if (answer !== "stopping") return answer === "gone" ? "gone" : "inUse";
    const info = readEngineInfo(place.paths);
    if (info) await untilGone(place, info);
    return "ended";
  } catch (error) {
    place.log("warning", "supervisor", "leaving_failed", { reason: error instanceof Error ? error.message : String(error) });
    return "inUse";
  } finally {
    await unlock();
  }
}

/**
 * End the engine for a user who says so. Without `force` an engine that others use stays.
 * @returns whether there was one to end
 * @throws engine_busy, engine_unreachable when the process survives or cannot be proven to be the engine, engine_impostor
 */
export async function endEngine(place: Place, force: boolean, onStep: (step: string) => void = () => undefined): Promise<boolean> {
  const finding = await findEngine(place);
  if (finding.kind === "none") return false;
  if (finding.kind === "stale") {
    if (force) removeRecord(place, finding.info);
    return false;
  }
  const info = readEngineInfo(place.paths);
  if (!info) return true; // It removed its file since: it is on its way out.
  if (finding.kind === "running") {
    const answer = await askToEnd(finding.connection, { force, nonce: null });
    if (answer instanceof TinoError) throw answer;
  } else if (!force && finding.kind !== "refused") {
    throw finding.kind === "impostor"
      ? TinoError.of("engine_impostor", { port: info.port, path: place.paths.engineInfo })
      : TinoError.of("engine_unreachable", { pid: info.pid });
  }
  onStep("waiting for the engine to end");
  // One that listens no more is on its way out already; one that does not answer has had its time.
  await untilGone(place, info, finding.kind === "running" || finding.kind === "refused" ? TERM_AFTER_MS : 0, onStep);
  // Killed, it could not tidy up; the file names a process that is certainly gone.
  removeRecord(place, info);
  return true;
}

/** Of an engine that is gone, unless the next one wrote its own since. An engine that lives writes it again if that was between two reads. */
function removeRecord({ paths }: Place, gone: EngineInfo): void {
  if (readEngineInfo(paths)?.instance === gone.instance) removeIfThere(paths.engineInfo);
}

/** Wait for the process to be gone, with the ladder. @throws engine_unreachable */
async function untilGone(place: Place, info: EngineInfo, termAfterMs = TERM_AFTER_MS, onStep: (step: string) => void = () => undefined): Promise<void> {
  const { clock, processes, log } = place;
  const isGone = () =>
    livenessOf(processes, info) === "dead" || (livenessOf(processes, info) === "unknown" && readEngineInfo(place.paths)?.instance !== info.instance);
  const waitFor = async (ms: number) => {
    for (const patience = new Patience(clock, ms); !patience.isOver; ) {
      if (isGone()) return true;
      await clock.sleep(POLL_MS);
    }
    return isGone();
  };
  if (await waitFor(termAfterMs)) return;
  for (const [name, words] of [
    ["SIGTERM", "asking the operating system to end it"],
    ["SIGKILL", "ending it by force"],
  ] as const) {
    if (!mayBeSignalled(processes, info)) break;
    onStep(words);
    log("warning", "supervisor", "signal", { enginePid: info.pid, signal: name });
    processes.signal(info.pid, name);
    if (await waitFor(KILL_AFTER_MS)) return;
  }
  if (!isGone()) throw TinoError.of("engine_unreachable", { pid: info.pid });
}

/** Ask the engine to end. Gives its refusal if others use it; `gone`: nobody answers there any more. @throws what the engine says otherwise */
export async function askToEnd(
  connection: Pick<Connection, "port" | "token">,
  body: { force: boolean; nonce: string | null },
): Promise<"stopping" | "gone" | TinoError> {
  try {
    const answer = await requestLoopback({ ...connection, method: "POST", path: "/api/shutdown", body, timeoutMs: ASK_TIMEOUT_MS });
    if (answer.status < 300) return "stopping";
    const error = new TinoError(JSON.parse(answer.body.toString("utf8")));
    if (answer.status === 409 || answer.status === 503) return error.code === "engine_stopping" ? "stopping" : error;
    throw error;
  } catch (error) {
    if (!(error instanceof LoopbackError)) throw error;
    // No answer: the ladder takes over. A connection cut off while it ends is the answer.
    return error.reason === "timeout" ? "stopping" : "gone";
  }
}

async function lockShutdown(place: Place): Promise<() => Promise<void>> {
  const report = (reason: unknown) =>
    place.log("warning", "supervisor", "shutdown_lock", { reason: reason instanceof Error ? reason.message : String(reason) });
  try {
    const { lock } = (await import("proper-lockfile")).default;
    const unlock = await lock(place.paths.run, {
      lockfilePath: place.paths.shutdownLock,
      stale: 5_000,
      realpath: false,
      retries: { retries: 8, minTimeout: 20, maxTimeout: 150 },
      onCompromised: report,
    });
    return () => unlock().catch(report);
  } catch (error) {
    report(error);
    return async () => undefined;
  }
}

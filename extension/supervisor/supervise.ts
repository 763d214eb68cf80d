/**
 * One engine for each user, shared by every window and terminal: how it is found, started and shared.
 *
 * THE PARTIES. Clients (windows, terminals) come and go and are killed at any instant. The engine is one process that outlives
 * each of them. Between them lies the run directory, private to the user:
 *
 *     engine.lock         kernel lock, held by the engine for its whole life, never unlinked
 *     engine.pid          {pid, port, instance, startId, bootId, …}, written by rename once it is healthy, removed at its end
 *     engine.token        64 hex digits, new with each start
 *     cli/cli-<PID>.lock  one a client: its lease
 *     .shutdown-lock      serialises clients that leave (see `shutdown.ts`)
 *
 * WHO DECIDES. The kernel decides who is the engine: its first act is to lock `engine.lock`, and it leaves with exit code 75 when
 * that is taken. So clients may start engines as they please and need no lock among themselves; of many at once one remains and
 * the spawners of the others attach to it. (A check of a PID file before the spawn gave two or more engines in 59 of 60 races.)
 * The engine decides when it ends, because it sees open sockets and lock files alike and is still there when every client was killed.
 *
 * HOW A CLIENT ATTACHES (`ensureEngine`, the only way in):
 *   1. Write the lease. From now on an engine that looks for a reason to stay has one.
 *   2. Read engine.pid. If its process is dead by PID, start and boot, nobody talks to the recorded port: it may be anybody's.
 *   3. Ask the port for a proof that it holds the token (`health.ts`). Only then is the token sent.
 *   4. Otherwise start an engine (`engineProcess.ts`). Busy: wait for the one that holds the lock; try again now and then, the
 *      more seldom the more wait, which is the test whether the holder still lives.
 *
 * THE RACES, and what becomes of them:
 *   - Two clients start at once → two engines, one lock: the loser exits 75, its client attaches.
 *   - A client arrives while the engine ends for want of clients → the lease was written before the engine's last look, so it stays;
 *     or after, then it is found `stopping` or silent, its lock is busy, and the next try starts a new one.
 *   - The spawner dies before the bootstrap → its engine sees end of file and ends; the kernel frees the lock.
 *   - engine.pid is stale and its PID was reused → start and boot differ; no signal and no request is sent.
 *   - A foreign service took the recorded port → no proof, no token; a start is tried, and the lock says whether there is an engine.
 *   - engine.pid is replaced between reading it and asking → the proof names another instance; it is read again.
 *   - The engine hangs → it is silent to each who asks; after ten seconds one of them ends it (`watchdog.ts`).
 *   - The run directory is deleted → the lease is rewritten with the next look; the engine notices by itself and ends.
 *
 * VERSIONS. Equal protocol: attach. An older engine is replaced if it is idle, which only the engine can tell: it is asked to end
 * "unless others use it", and its refusal says who they are: clients, traders, runs. Then it is the user's to say. A newer engine is
 * never touched, neither here nor by a client that leaves. The one that is started in its place cannot be of another version again:
 * the engine refuses a start message in another protocol.
 *
 * Time and processes are reached through `clock.ts` and `processes.ts` only, so that a test can play all of this in no time.
 */
import type { EngineInfo } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import { PROTOCOL } from "#contracts/handshake";
import { Patience } from "./clock.ts";
import { type Connection, type Finding, findEngine, otherVersion } from "./discovery.ts";
import { launchEngine } from "./engineProcess.ts";
import { type Lease, listClients } from "./lockDirectory.ts";
import type { Place } from "./place.ts";
import { askToEnd } from "./shutdown.ts";
import { endHung, HANG_MS } from "./watchdog.ts";

export interface EnsureOptions {
  readonly lease: Lease;
  /** Fixed port for an engine that is started now. */
  readonly port?: number | null;
  /** Words for a spinner. */
  readonly onPhase?: (phase: string) => void;
  /** False: attach only. */
  readonly allowSpawn?: boolean;
  /** How long to look for another client's engine before one is started. */
  readonly spawnAfterMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const SHORTEST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 150;
const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 4_000;
/**
 * Clients that wait for another's engine try again no more often than this, all together. Fifty that each did after 0.4 s started 337
 * engines on a busy machine, and kept the one they waited for from getting ready in time.
 */
const RETRY_OF_ALL_MS = 400;
/** How long an engine that holds the lock may stay out of reach. */
const PATIENCE_MS = 30_000;

/**
 * Find the user's engine or start it. Idempotent: any number of callers in any number of processes get the same one.
 * @throws engine_start_failed, engine_start_timeout, engine_unreachable, engine_impostor, engine_too_old, engine_too_new,
 *   engine_not_running (`allowSpawn: false`), run_directory_unsafe, port_in_use, or the signal's reason
 */
export async function ensureEngine(place: Place, options: EnsureOptions): Promise<Connection> {
  const { clock, log } = place;
  const { lease, signal, allowSpawn = true } = options;
  const onPhase = oncePerPhase(options.onPhase);
  let pause = SHORTEST_PAUSE_MS;
  let retryMs = FIRST_RETRY_MS;
  let nextStart = clock.monotonic() + (options.spawnAfterMs ?? 0);
  const patience = new Patience(clock, PATIENCE_MS);
  let silent = { instance: "", patience: new Patience(clock, HANG_MS) };
  for (;;) {
    signal?.throwIfAborted();
    lease.ensure();
    const finding = await findEngine(place, signal);
    if (finding.kind === "running" && finding.state === "healthy") {
      if (await mayAttach(place, finding.connection, lease)) {
        log("debug", "supervisor", "attached", { enginePid: finding.connection.pid, port: finding.connection.port });
        return finding.connection;
      }
      patience.renew();
    } else if (finding.kind === "running") {
      onPhase(finding.state === "stopping" ? "waiting for the previous engine to end" : "waiting for the engine");
    } else if (finding.kind === "silent") {
      onPhase("waiting for the engine to answer");
      const { instance } = finding.info;
      if (instance !== silent.instance) silent = { instance, patience: new Patience(clock, HANG_MS) };
      else if (allowSpawn && silent.patience.isOver) await endHung(place, finding.info, signal);
    } else if (!allowSpawn) {
      throw finding.kind === "impostor" ? impostor(place, finding.info) : TinoError.of("engine_not_running");
    } else if (clock.monotonic() >= nextStart) {
      const outcome = await launchEngine({
        ...place,
        port: options.port ?? null,
        onPhase,
        isHealthy: (pid) => isHealthy(place, pid),
        signal,
      });
      if (outcome === "healthy") continue;
      onPhase("waiting for the engine another program started");
      const others = listClients(place.paths, place.processes).length - 1;
      nextStart = clock.monotonic() + retryMs + 2 * Math.random() * RETRY_OF_ALL_MS * Math.max(0, others);
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
    }
    if (finding.kind !== "silent") silent.instance = "";
    if (patience.isOver) throw outOfReach(place, finding);
    await clock.sleep(pause * (0.75 + Math.random() / 2), signal);
    pause = Math.min(1.5 * pause, LONGEST_PAUSE_MS);
  }
}

async function isHealthy(place: Place, pid: number): Promise<boolean> {
  const finding = await findEngine(place);
  return finding.kind === "running" && finding.state === "healthy" && finding.connection.pid === pid;
}

/** Whether this program may use that engine; false when it was asked to make room and does. */
async function mayAttach(place: Place, connection: Connection, lease: Lease): Promise<boolean> {
  if (connection.protocol === PROTOCOL) return true;
  if (connection.protocol > PROTOCOL) throw otherVersion(connection);
  place.log("info", "supervisor", "replacing_older_engine", { engine: connection.protocol, client: PROTOCOL, enginePid: connection.pid });
  const answer = await askToEnd(connection, { force: false, nonce: lease.nonce });
  if (answer instanceof TinoError) throw otherVersion(connection, answer.message);
  return false;
}

function impostor(place: Place, info: EngineInfo): TinoError {
  return TinoError.of("engine_impostor", { port: info.port, path: place.paths.engineInfo });
}

function outOfReach(place: Place, finding: Finding): TinoError {
  if (finding.kind === "impostor") return impostor(place, finding.info);
  if (finding.kind === "silent" || finding.kind === "refused") return TinoError.of("engine_unreachable", { pid: finding.info.pid });
  if (finding.kind === "running") return TinoError.of("engine_unreachable", { pid: finding.connection.pid });
  return TinoError.of("engine_start_timeout", { seconds: PATIENCE_MS / 1000, phase: "another program's engine holds the lock", log: place.paths.engineLog });
}

function oncePerPhase(onPhase: ((phase: string) => void) | undefined): (phase: string) => void {
  let last = "";
  return (phase) => {
    if (phase !== last) onPhase?.(phase);
    last = phase;
  };
}

/**
 * A client's standing link to the engine: its lease, its calls and its event stream, repaired without a word when the engine dies.
 * Windows and terminals use this; both get the same behaviour from it.
 *
 *     idle ──connect──▶ starting ──▶ live ◀──▶ silent ── asked again, answers nothing: ended, then broken
 *                         ▲           │
 *                         └─ broken ──┤  (in turn; refused after three ends in two minutes → failed)
 *                                     └─ the engine stopped in order → stopped
 *
 * An older engine that others use refuses us (`failed`). Its process is looked at until it is gone; then we go on by ourselves.
 *
 * An engine that ended in order (`tino down --force`, its run directory removed) is not started again behind its user's back; the
 * next `connect` does. One that vanished is. All clients see its end in the same millisecond; eight that each start an engine are
 * harmless, since seven of those leave again, but they take the processor from the one that starts. So the oldest
 * process among the lock files starts it at once, and each next one waits longer, in case those before it are stopped or dying.
 */
import { type CallName, type CallReply, type Envelope, type Event, type LedgerEvent, type LockFile, type Snapshot, TinoError } from "#contracts";
import { type Connection, findEngine, readEngineInfo } from "../supervisor/discovery.ts";
import { Lease, listClients } from "../supervisor/lockDirectory.ts";
import type { Place } from "../supervisor/place.ts";
import { livenessOf } from "../supervisor/processIdentity.ts";
import { type Leaving, leaveEngine } from "../supervisor/shutdown.ts";
import { type EnsureOptions, ensureEngine } from "../supervisor/supervise.ts";
import { EndCounter, endHung } from "../supervisor/watchdog.ts";
import { type CallRest, EngineClient } from "./engineClient.ts";
import { EventStream } from "./eventStream.ts";

const LEASE_CHECK_MS = 1_000;
const RETRY_MS = 250;
const ASK_AGAIN_MS = 5_000;
const OLD_ENGINE_CHECK_MS = 1_000;
const ATTACH_ATTEMPTS = 3;
/** Until the second client starts an engine that the first should have started by then; so much more for each further one. */
const TURN_MS = 600;
const LATEST_TURN_MS = 3_000;

export type LinkState =
  /** Nobody asked for the engine yet. */
  | { readonly kind: "idle" }
  /** `repairing`: it was there and vanished. */
  | { readonly kind: "starting"; readonly phase: string; readonly repairing: boolean }
  | { readonly kind: "live"; readonly connection: Connection }
  /** Connected, and nothing was heard for ten seconds. */
  | { readonly kind: "silent"; readonly connection: Connection }
  /** The engine ended in order. */
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: TinoError };

export interface LinkOptions {
  readonly place: Place;
  readonly kind: LockFile["kind"];
  /** Folder shown to people who ask who holds the engine. */
  readonly workspace: string | null;
  /** Folders whose code may be run for this client, absolute. */
  readonly trustedFolders: readonly string[];
  /** How the engine is started, if it is. */
  readonly start?: Pick<EnsureOptions, "port">;
}

export interface LinkListener {
  onState?: (state: LinkState) => void;
  /** State as a whole: replaces whatever the listener knew. */
  onSnapshot?: (snapshot: Snapshot) => void;
  onEvent?: (event: Event, envelope: Envelope) => void;
  /** A durable event that happened while there was no connection; the snapshot with its effect follows. */
  onMissed?: (missed: LedgerEvent) => void;
}

export class EngineLink {
  readonly #options: LinkOptions;
  readonly #listeners = new Set<LinkListener>();
  readonly #ends: EndCounter;
  readonly #stream: EventStream;
  readonly #over = new AbortController();
  #trustedFolders: string[];
  #lease: Lease | null = null;
  #stopLeaseCheck: () => void = () => undefined;
  #stopWaiting: () => void = () => undefined;
  #client: EngineClient | null = null;
  #connecting: Promise<EngineClient> | null = null;
  #state: LinkState = { kind: "idle" };

  constructor(options: LinkOptions) {
    const { place } = options;
    this.#options = options;
    this.#trustedFolders = [...options.trustedFolders];
    this.#ends = new EndCounter(place.clock);
    this.#stream = new EventStream({
      clock: place.clock,
      log: place.log,
      hello: () => ({
        client: options.kind,
        pid: place.processes.pid,
        nonce: this.#lease?.nonce ?? null,
        version: place.installation.version,
        workspace: options.workspace,
        trustedFolders: this.#trustedFolders,
      }),
      onSnapshot: (snapshot) => this.#tell((listener) => listener.onSnapshot?.(snapshot)),
      onEvent: (event, envelope) => this.#tell((listener) => listener.onEvent?.(event, envelope)),
      onMissed: (missed) => this.#tell((listener) => listener.onMissed?.(missed)),
      onLost: (how) => this.#lost(how),
      onSilent: (silent) => {
        if (!this.#client) return;
        const { connection } = this.#client;
        this.#become({ kind: silent ? "silent" : "live", connection });
        if (silent) void this.#examine(connection);
      },
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The client of the live connection, null when there is none. */
  get client(): EngineClient | null {
    return this.#client;
  }

  /** Names this client to the engine; null before the first attempt to connect and after one that failed. */
  get nonce(): string | null {
    return this.#lease?.nonce ?? null;
  }

  get trustedFolders(): readonly string[] {
    return this.#trustedFolders;
  }

  /** Hear of states, snapshots and events; the returned function ends it. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Have the engine, started if need be, with the event stream open. Callers at the same time share one attempt.
   * @throws as `ensureEngine`
   */
  connect(): Promise<EngineClient> {
    if (this.#client) return Promise.resolve(this.#client);
    return this.#connecting ?? this.#share(this.#attempt(() => this.#establish(false)));
  }

  /** Start again after `failed`, at the user's word: earlier ends are forgotten. */
  startAgain(): Promise<EngineClient> {
    this.#ends.clear();
    return this.connect();
  }

  /** Connect if need be and make one call. */
  async call<N extends CallName>(name: N, ...rest: CallRest<N>): Promise<CallReply<N>> {
    return (await this.connect()).call(name, ...rest);
  }

  /** Declare which folders are trusted from now on. */
  trust(folders: readonly string[]): void {
    this.#trustedFolders = [...folders];
    this.#stream.declareTrust(this.#trustedFolders);
  }

  /** Ask for a fresh snapshot, for a listener that came after the last one. Nothing happens while there is no connection. */
  refresh(): void {
    if (this.#client) this.#stream.startOver(this.#client.connection);
  }

  /** Leave as a window does: close the socket, unlink the lock file, at once. The engine waits out its grace. */
  dispose(): void {
    this.#disconnect();
    this.#releaseLease();
  }

  /** Leave as a terminal does: the last one out ends the engine and waits until it is gone. */
  async leave(): Promise<Leaving> {
    this.#disconnect();
    // A start under way was told to stop; its lease must not be released under it.
    await this.#connecting?.catch(() => undefined);
    return this.#lease ? await leaveEngine(this.#options.place, this.#lease) : "gone";
  }

  /** Let everybody who asks meanwhile wait for the same attempt. Whoever waits gets its failure; the state tells it to the others. */
  #share(attempt: Promise<EngineClient>): Promise<EngineClient> {
    this.#connecting = attempt;
    const over = () => {
      this.#connecting = null;
    };
    attempt.then(over, over);
    return attempt;
  }

  async #attempt(work: () => Promise<EngineClient>): Promise<EngineClient> {
    this.#stopWaiting();
    try {
      return await work();
    } catch (error) {
      const failure = this.#explain(error);
      if (!this.#over.signal.aborted) {
        // Whoever has no engine holds none: its lock file would keep an older one from making room for the next who tries.
        this.#releaseLease();
        this.#become({ kind: "failed", error: failure });
        if (failure.code === "engine_too_old") this.#awaitRoom();
      }
      throw failure;
    }
  }

  async #establish(repairing: boolean): Promise<EngineClient> {
    const { place, kind, workspace } = this.#options;
    this.#become({ kind: "starting", phase: "looking for the engine", repairing });
    if (!this.#lease) {
      this.#lease = Lease.take(place.paths, { kind, workspace, version: place.installation.version }, place.processes, place.clock);
      this.#stopLeaseCheck = place.clock.every(LEASE_CHECK_MS, () => this.#keepLease());
    }
    const connection = await this.#attach(this.#lease, repairing);
    this.#client = new EngineClient(connection, this.#lease.nonce);
    this.#become({ kind: "live", connection });
    return this.#client;
  }

  /** An engine with our stream open on it. It may end between the two; then the way starts over. */
  async #attach(lease: Lease, repairing: boolean): Promise<Connection> {
    const { place, start } = this.#options;
    const signal = this.#over.signal;
    for (let attempt = 1; ; attempt += 1) {
      const connection = await ensureEngine(place, {
        ...start,
        lease,
        signal,
        allowSpawn: !this.#ends.looping,
        spawnAfterMs: repairing && attempt === 1 ? this.#turnMs() : 0,
        onPhase: (phase) => this.#become({ kind: "starting", phase, repairing }),
      });
      try {
        await this.#stream.open(connection);
        signal.throwIfAborted();
        if (this.#stream.isOpen) return connection;
        throw TinoError.of("engine_unreachable", { pid: connection.pid });
      } catch (error) {
        if (signal.aborted) this.#stream.close();
        if (signal.aborted || attempt === ATTACH_ATTEMPTS || !isPassing(error)) throw error;
        await place.clock.sleep(RETRY_MS, signal);
      }
    }
  }

  /** Connect when the older engine that refused us is gone: what made it refuse is over. Nothing is asked of it meanwhile. */
  #awaitRoom(): void {
    const { place } = this.#options;
    const old = readEngineInfo(place.paths);
    this.#stopWaiting = place.clock.every(OLD_ENGINE_CHECK_MS, () => {
      if (old && livenessOf(place.processes, old) !== "dead") return;
      this.#stopWaiting();
      this.connect().catch((error) => place.log("debug", "client", "still_no_room", { reason: error instanceof Error ? error.message : String(error) }));
    });
  }

  /** An engine that says nothing is asked again, and ended if it does not answer; the end of the socket then starts the repair. */
  async #examine(connection: Connection): Promise<void> {
    const { place } = this.#options;
    const signal = this.#over.signal;
    const isSilent = () => this.#state.kind === "silent" && this.#state.connection === connection;
    try {
      while (isSilent() && !(await endHung(place, connection, signal))) await place.clock.sleep(ASK_AGAIN_MS, signal);
    } catch (error) {
      if (!signal.aborted) place.log("warning", "client", "not_examined", { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** How long we leave it to others to start the engine again. */
  #turnMs(): number {
    const { place } = this.#options;
    const before = listClients(place.paths, place.processes).filter(({ pid, kind }) => kind !== "trader" && pid < place.processes.pid);
    return Math.min(before.length * TURN_MS, LATEST_TURN_MS);
  }

  #lost(how: "ended" | "broken"): void {
    const lost = this.#client?.connection;
    this.#client?.close();
    this.#client = null;
    if (this.#over.signal.aborted || !lost) return;
    this.#options.place.log("warning", "client", "stream_lost", { how, enginePid: lost.pid });
    if (how === "ended") {
      this.#become({ kind: "stopped" });
      return;
    }
    if (!this.#connecting) void this.#share(this.#attempt(() => this.#repair(lost)));
  }

  async #repair(lost: Connection): Promise<EngineClient> {
    const { place } = this.#options;
    const signal = this.#over.signal;
    this.#become({ kind: "starting", phase: "the engine is gone; starting it again", repairing: true });
    const finding = await findEngine(place, signal);
    // The socket alone may have broken: then it is the same engine, and nothing ended.
    if (!(finding.kind === "running" && finding.connection.instance === lost.instance)) this.#ends.record();
    for (;;) {
      try {
        return await this.#establish(true);
      } catch (error) {
        if (signal.aborted || this.#ends.looping || !isWorthRetrying(error)) throw error;
        this.#ends.record();
        await place.clock.sleep(RETRY_MS * (1 + Math.random()), signal);
      }
    }
  }

  #explain(error: unknown): TinoError {
    const log = this.#options.place.paths.engineLog;
    if (this.#ends.looping && TinoError.is(error, "engine_not_running")) return TinoError.of("engine_crash_loop", { count: this.#ends.count, log });
    if (error instanceof TinoError) return error;
    return TinoError.of("internal", { reference: error instanceof Error ? error.message : String(error), log }, { cause: error });
  }

  #releaseLease(): void {
    this.#stopLeaseCheck();
    this.#lease?.release();
    this.#lease = null;
  }

  #keepLease(): void {
    try {
      this.#lease?.ensure();
    } catch (error) {
      this.#options.place.log("warning", "client", "lease_not_kept", { reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #disconnect(): void {
    this.#over.abort(TinoError.of("engine_not_running"));
    this.#stopWaiting();
    this.#stopLeaseCheck();
    this.#stream.close();
    this.#client?.close();
    this.#client = null;
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#tell((listener) => listener.onState?.(state));
  }

  #tell(say: (listener: LinkListener) => void): void {
    for (const listener of [...this.#listeners]) say(listener);
  }
}

/** The engine died while it started or right after: the next attempt may fare better. Everything else stays as it is. */
const isWorthRetrying = (error: unknown): boolean =>
  TinoError.is(error, "engine_start_failed") || TinoError.is(error, "engine_start_timeout") || isPassing(error);

/** It was there a moment ago. */
const isPassing = (error: unknown): boolean => TinoError.is(error, "engine_unreachable") || TinoError.is(error, "engine_not_running");

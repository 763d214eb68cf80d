/**
 * The event stream: one WebSocket, first a snapshot, then every event with its number.
 *
 * Numbers count without gaps within one start of the engine. The stream remembers the last one it gave out; when its socket
 * breaks and it is opened again on the same start, it says so in its hello and gets exactly what it missed. Another start, or an
 * engine that no longer has that number: a snapshot, which replaces everything. An event that is contained in the snapshot or
 * comes twice is dropped by its number; a gap, which only a fault could make, is answered by a new hello without a number.
 *
 * Durable events have a second number, of the ledger, which counts on when the engine is replaced. The hello names the newest one
 * known, and the snapshot of the next engine brings all later ones: what the dead engine had committed and not told, and what its
 * successor settled before anybody listened, such as the run it found interrupted. They are given out before the snapshot, so
 * a listener hears every durable event once and in order, however often the engine dies.
 *
 * Events are given out as they are read and never kept, so a slow listener slows the socket and is then cut off by the engine's
 * bounded queue instead of filling our memory.
 *
 * A socket that says nothing is not a dead one: the engine may be stopped in a debugger, or the machine was asleep. After ten
 * quiet seconds without an answer to a ping the stream is `silent`; it is not closed, and becomes `live` with the next byte.
 */
import type WebSocket from "ws";
import { z } from "zod";
import { Envelope, type Event, type Hello, type LedgerEvent, Resumed, Snapshot, TinoError, type TrustChanged } from "#contracts";
import { PROTOCOL } from "#contracts/handshake";
import type { Clock } from "../supervisor/clock.ts";
import type { Connection } from "../supervisor/discovery.ts";
import type { Log } from "../supervisor/log.ts";
import { HANG_MS } from "../supervisor/watchdog.ts";
import { openSocket } from "./socket.ts";

const PING_MS = 5_000;

export interface StreamOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Who we are; asked again for each hello, since trusted folders change. */
  readonly hello: () => Pick<Hello, "client" | "pid" | "nonce" | "version" | "workspace" | "trustedFolders">;
  /** State as a whole, to replace what is known. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onEvent: (event: Event, envelope: Envelope) => void;
  /** A durable event that was missed. The snapshot that contains its effect follows. */
  readonly onMissed: (missed: LedgerEvent) => void;
  /** The socket is gone: `ended` the engine said that it stops, `broken` anything else. */
  readonly onLost: (how: "ended" | "broken") => void;
  readonly onSilent: (silent: boolean) => void;
}

export class EventStream {
  readonly #options: StreamOptions;
  #socket: WebSocket | null = null;
  #position: { instance: string; seq: number } | null = null;
  /** The newest durable event given out or contained in a snapshot; null before the first snapshot. */
  #ledgerSeq: number | null = null;
  #stopWatching: () => void = () => undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /**
   * Open on a connection; resolves when the first snapshot or the resumption is there. A stream that is open is closed first.
   * @throws engine_not_running, engine_unreachable
   */
  async open(connection: Connection): Promise<void> {
    this.close();
    const socket = await openSocket(connection, "/ws/events");
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      let ending = false;
      socket.on("message", (data: Buffer) => {
        if (this.#socket !== socket) return;
        const outcome = this.#take(data);
        if (outcome === "begun") resolve();
        else if (outcome === "ending") ending = true;
        else if (outcome === "invalid") reject(TinoError.of("internal", { reference: "first message of the event stream", log: connection.logPath }));
        else if (outcome === "gap") this.startOver(connection);
      });
      socket.on("error", (error) => this.#options.log("debug", "client", "stream_error", { reason: error.message }));
      socket.on("close", () => {
        reject(TinoError.of("engine_unreachable", { pid: connection.pid }));
        if (this.#socket !== socket) return;
        this.close();
        this.#options.onLost(ending ? "ended" : "broken");
      });
      this.#watch(socket);
      this.#send(this.#hello());
    }).catch((error) => {
      if (this.#socket === socket) this.close();
      throw error;
    });
  }

  get isOpen(): boolean {
    return this.#socket !== null;
  }

  /** Say again which folders are trusted. */
  declareTrust(trustedFolders: string[]): void {
    this.#send({ kind: "trust", trustedFolders });
  }

  /** Close without a word to `onLost`. The position is kept. */
  close(): void {
    this.#stopWatching();
    const socket = this.#socket;
    this.#socket = null;
    // Cut, not closed: a closing handshake with an engine that does not answer would keep this process for half a minute.
    socket?.terminate();
  }

  #hello(): Hello {
    return { kind: "hello", protocol: PROTOCOL, ...this.#options.hello(), resume: this.#position, ledgerSeq: this.#ledgerSeq };
  }

  #send(message: Hello | TrustChanged): void {
    if (this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.send(JSON.stringify(message));
  }

  /** Ask for a snapshot on a new socket, as if nothing were known. */
  startOver(connection: Connection): void {
    this.#position = null;
    this.open(connection).catch((error) => {
      this.#options.log("warning", "client", "stream_not_reopened", { reason: error instanceof Error ? error.message : String(error) });
      this.#options.onLost("broken");
    });
  }

  #take(data: Buffer): "begun" | "ending" | "gap" | "invalid" | null {
    const message = parseJson(data);
    if (message?.kind === "snapshot" || message?.kind === "resumed") {
      const first = Beginning.safeParse(message);
      if (!first.success) {
        this.#options.log("error", "client", "invalid_beginning", { reason: first.error.issues[0]?.message });
        return "invalid";
      }
      this.#position = { instance: first.data.instance, seq: first.data.seq };
      if (first.data.kind === "snapshot") this.#begin(first.data);
      return "begun";
    }
    if (message?.kind !== "event" || !this.#position || message.instance !== this.#position.instance) return "gap";
    if (message.seq <= this.#position.seq) return null;
    if (message.seq !== this.#position.seq + 1) {
      this.#options.log("warning", "client", "stream_gap", { expected: this.#position.seq + 1, received: message.seq });
      return "gap";
    }
    this.#position.seq = message.seq;
    const envelope = Envelope.safeParse(message);
    if (!envelope.success) {
      // A newer engine of the same protocol may know kinds of events that we do not.
      this.#options.log("debug", "client", "unknown_event", { type: message.event?.type });
      return null;
    }
    const { event, ledgerSeq } = envelope.data;
    if (ledgerSeq !== null) this.#ledgerSeq = Math.max(this.#ledgerSeq ?? 0, ledgerSeq);
    this.#options.onEvent(event, envelope.data);
    return event.type === "engine.changed" && event.state === "stopping" ? "ending" : null;
  }

  #begin(snapshot: Snapshot): void {
    for (const missed of snapshot.missed) {
      if (missed.ledgerSeq > (this.#ledgerSeq ?? Number.POSITIVE_INFINITY)) this.#options.onMissed(missed);
    }
    this.#ledgerSeq = snapshot.ledgerSeq;
    this.#options.onSnapshot(snapshot);
  }

  /** Pings show whether anybody is there when nothing happens. */
  #watch(socket: WebSocket): void {
    const { clock, onSilent } = this.#options;
    let lastTick = clock.monotonic();
    let heard = lastTick;
    let silent = false;
    const hear = () => {
      heard = clock.monotonic();
      if (silent) onSilent(false);
      silent = false;
    };
    for (const sign of ["message", "ping", "pong"]) socket.on(sign, hear);
    this.#stopWatching = clock.every(PING_MS, () => {
      const now = clock.monotonic();
      // After a gap in our own ticks the other side had no chance to be heard.
      if (now - lastTick > 3 * PING_MS) heard = now;
      lastTick = now;
      if (!silent && now - heard > HANG_MS) {
        silent = true;
        onSilent(true);
      }
      socket.ping();
    });
  }
}

const Beginning = z.discriminatedUnion("kind", [Snapshot, Resumed]);

// biome-ignore lint/suspicious/noExplicitAny: what comes from the wire has any shape until a schema has seen it.
function parseJson(data: Buffer): any {
  try {
    return JSON.parse(data.toString("utf8"));
  } catch {
    return null; // Not JSON is treated as any message that does not belong here.
  }
}

/**
 * In a browser: same-origin HTTP with a session's token, and one WebSocket for the events.
 *
 * The address `tino open` prints carries a one-time code in its fragment, which no server ever sees in a log. It is
 * exchanged for a session and removed from the address at once. The token lives in this tab's session storage and dies
 * with the engine. A browser can send no header with a WebSocket, so each connection spends a one-use ticket.
 *
 * A lost socket comes back with growing pauses and asks for what it missed, by the number of its last event; another
 * instance, a gap, or an engine that no longer knows answers with a snapshot.
 */
import {
  CALLS,
  type Call,
  type CallArgs,
  type CallReply,
  callUrl,
  ErrorBody,
  type Hello,
  type PageState,
  type PanelAction,
  type PanelCall,
  PROTOCOL,
  ServerMessage,
  type Session,
  type SocketTicket,
  TinoError,
} from "#contracts";
import { pageAddress, readAddress } from "./address.ts";
import { type Connection, Listeners, type Transport } from "./transport.ts";

const ANSWER_MS = 30_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const TOKEN = "tino.session";
const MEMORY = "tino.memory";

interface Parts {
  readonly path?: Record<string, string>;
  readonly query?: Record<string, unknown>;
  readonly body?: unknown;
}

export class BrowserTransport implements Transport {
  readonly host = "browser";
  readonly #server = new Listeners<ServerMessage>();
  readonly #connections = new Listeners<Connection>();
  readonly #pages = new Listeners<PageState>();
  #connection: Connection = "connecting";
  #token: string | null = null;
  readonly #session: Promise<void>;
  #socket: WebSocket | null = null;
  #started = false;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #place: { instance: string; seq: number } | null = null;
  /** The engine has answered on the socket, or could not be reached. */
  readonly #greeted: Promise<void>;
  #greet: () => void = () => {};

  constructor() {
    this.#greeted = new Promise((resolve) => (this.#greet = resolve));
    window.addEventListener("popstate", () => this.#pages.tell(readAddress(location)));
    // A laptop that wakes, or a tab that comes back, need not wait for the next attempt.
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
    this.#session = this.#open();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#session.then(() => this.#connect());
  }

  async call<N extends PanelCall>(name: N, args: CallArgs<N>, signal?: AbortSignal): Promise<CallReply<N>> {
    await this.#session;
    // The folders that this page may use are those its connection brings: asked before it is there, the engine would know of none.
    await this.#greeted;
    return (await this.#request(name, CALLS[name], args as Parts, signal)) as CallReply<N>;
  }

  act(action: PanelAction): Promise<void> {
    if (action.type === "saveFile") download(action.name, action.bytes);
    else if (action.type === "openPage") {
      history.pushState(null, "", pageAddress(action.state));
      this.#pages.tell(action.state);
    } else if (action.type === "deleteRuns") {
      const many = action.runs.length > 1;
      const named = action.runs.slice(0, 6).map((run) => `${run.name} on ${run.symbols.join(", ")}, ${run.id.slice(-8)}`);
      const question = `Delete ${many ? `these ${action.runs.length} runs` : "this run"} and ${many ? "their" : "its"} files for good?\n\n${named.join("\n")}`;
      if (window.confirm(question)) return this.call("deleteRuns", { body: { runs: action.runs.map(({ id }) => id) } }).then(() => undefined);
    } else return Promise.reject(TinoError.of("forbidden"));
    return Promise.resolve();
  }

  onServerMessage(handler: (message: ServerMessage) => void): () => void {
    return this.#server.add(handler);
  }

  onConnection(handler: (connection: Connection) => void): () => void {
    handler(this.#connection);
    return this.#connections.add(handler);
  }

  onPage(handler: (state: PageState) => void): () => void {
    handler(readAddress(location));
    return this.#pages.add(handler);
  }

  showing(state: PageState): void {
    const address = pageAddress(state);
    if (address !== location.pathname + location.search) history.replaceState(null, "", address);
  }

  resync(): void {
    this.#place = null;
    this.#socket?.close();
  }

  recall(key: string): unknown {
    return readMemory()[key];
  }

  remember(key: string, value: unknown): void {
    sessionStorage.setItem(MEMORY, JSON.stringify({ ...readMemory(), [key]: value }));
  }

  async #open(): Promise<void> {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (code !== null) {
      history.replaceState(null, "", location.pathname + location.search);
      try {
        const session = (await this.#request("createSession", CALLS.createSession, { body: { code } })) as Session;
        sessionStorage.setItem(TOKEN, session.token);
      } catch (error) {
        // A page that was reloaded by its old address may have a session already; without one the page says what to do.
        console.warn(error);
      }
    }
    this.#token = sessionStorage.getItem(TOKEN);
    if (this.#token === null) this.#become("expired");
  }

  async #request(name: string, call: Call, parts: Parts, signal?: AbortSignal): Promise<unknown> {
    const headers: Record<string, string> = {};
    if (this.#token !== null) headers.authorization = `Bearer ${this.#token}`;
    if (parts.body !== undefined) headers["content-type"] = "application/json";
    const timeout = AbortSignal.timeout(ANSWER_MS);
    let response: Response;
    let content: ArrayBuffer;
    try {
      response = await fetch(callUrl(call, parts.path, parts.query), {
        method: call.method,
        headers,
        body: parts.body === undefined ? null : JSON.stringify(parts.body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        cache: "no-store",
      });
      content = await response.arrayBuffer();
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (timeout.aborted) throw TinoError.of("request_timeout", { call: name, seconds: ANSWER_MS / 1_000 }, { cause });
      throw TinoError.of("engine_not_running", {}, { cause });
    }
    if (!response.ok) throw this.#refused(response, content);
    return typeof call.reply === "string" ? new Uint8Array(content) : call.reply.parse(JSON.parse(new TextDecoder().decode(content)));
  }

  #refused(response: Response, content: ArrayBuffer): TinoError {
    let body: unknown = null;
    try {
      body = JSON.parse(new TextDecoder().decode(content));
    } catch {
      // Whatever answered was not the engine; the status is all there is to tell.
    }
    const read = ErrorBody.safeParse(body);
    if (!read.success) return TinoError.of("internal", { reference: `HTTP ${response.status}`, log: "engine.log" });
    if (read.data.code === "unauthorized" || read.data.code === "token_wrong") this.#expire();
    return new TinoError(read.data);
  }

  async #connect(): Promise<void> {
    if (this.#connection === "expired") return;
    this.#retry = null;
    let ticket: string;
    try {
      ticket = ((await this.#request("createSocketTicket", CALLS.createSocketTicket, {})) as SocketTicket).ticket;
    } catch {
      // Told by the banner; the cause is the missing engine, which the next attempt looks for again.
      this.#lost();
      return;
    }
    const address = new URL("/ws/events", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, ["tino", `ticket.${ticket}`]);
    this.#socket = socket;
    socket.onopen = () => {
      const hello: Hello = {
        kind: "hello",
        protocol: PROTOCOL,
        client: "browser",
        pid: null,
        nonce: null,
        version: __TINO_VERSION__,
        workspace: null,
        trustedFolders: [],
        resume: this.#place,
        ledgerSeq: null, // A page shows what is; what happened meanwhile it reads with the snapshot.
      };
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (event) => this.#receive(ServerMessage.parse(JSON.parse(String(event.data))));
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#lost();
    };
  }

  #receive(message: ServerMessage): void {
    this.#attempts = 0;
    if (message.kind === "event" && this.#place?.instance === message.instance && message.seq <= this.#place.seq) return;
    this.#place = { instance: message.instance, seq: message.seq };
    this.#greet();
    this.#become("live");
    this.#server.tell(message);
  }

  #lost(): void {
    this.#greet();
    if (this.#connection === "expired") return;
    this.#become(this.#connection === "connecting" && this.#attempts === 0 ? "connecting" : "lost");
    // Jittered, so that many tabs do not knock at the same moment.
    const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#attempts) * (0.75 + Math.random() / 2);
    this.#attempts += 1;
    this.#retry = setTimeout(() => void this.#connect(), pause);
  }

  #hurry(): void {
    if (this.#retry === null) return;
    clearTimeout(this.#retry);
    void this.#connect();
  }

  #expire(): void {
    sessionStorage.removeItem(TOKEN);
    this.#token = null;
    this.#become("expired");
  }

  #become(connection: Connection): void {
    if (connection === "expired") this.#greet();
    if (connection === this.#connection) return;
    this.#connection = connection;
    this.#connections.tell(connection);
  }
}

function readMemory(): Record<string, unknown> {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY) ?? "{}") as Record<string, unknown>;
  } catch {
    // Notes that cannot be read are no loss.
    return {};
  }
}

function download(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

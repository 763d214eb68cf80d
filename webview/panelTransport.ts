/**
 * In a panel: messages through the extension host.
 *
 * Every request carries a number and is answered under it; one that is not answered in time is rejected here, so that no
 * page waits for ever when a reply was lost with its host. The extension forwards events only while the panel is visible
 * and sends a snapshot when it becomes visible again, so a gap in the sequence is answered by asking for everything anew.
 */
import {
  type CallArgs,
  type CallReply,
  type FromPanel,
  type PageState,
  type PanelAction,
  type PanelCall,
  type ServerMessage,
  TinoError,
  ToPanel,
} from "#contracts";
import { type Connection, Listeners, type Transport } from "./transport.ts";

/** What the editor gives a panel's page, once. */
export interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

const ANSWER_MS = 30_000;

/** Actions that open a dialog: their answer takes as long as a person does. */
const ASKING: ReadonlySet<PanelAction["type"]> = new Set(["importData", "deleteRuns", "saveFile"]);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class PanelTransport implements Transport {
  readonly host = "editor";
  readonly #api: EditorApi;
  readonly #waiting = new Map<number, Waiting>();
  readonly #server = new Listeners<ServerMessage>();
  readonly #connections = new Listeners<Connection>();
  readonly #pages = new Listeners<PageState>();
  #connection: Connection = "connecting";
  #page: PageState | null = null;
  #memory: Record<string, unknown>;
  #last = 0;

  constructor(api: EditorApi) {
    this.#api = api;
    this.#memory = { ...(api.getState() as { memory?: Record<string, unknown> } | undefined)?.memory };
    window.addEventListener("message", (message) => this.#receive(message.data));
  }

  start(): void {
    this.resync();
  }

  call<N extends PanelCall>(name: N, args: CallArgs<N>, signal?: AbortSignal): Promise<CallReply<N>> {
    return this.#ask((id) => ({ kind: "call", id, call: name, args }), name, signal) as Promise<CallReply<N>>;
  }

  async act(action: PanelAction): Promise<void> {
    const patience = ASKING.has(action.type) ? null : ANSWER_MS;
    await this.#ask((id) => ({ kind: "action", id, action }), action.type, undefined, patience);
  }

  onServerMessage(handler: (message: ServerMessage) => void): () => void {
    return this.#server.add(handler);
  }

  onConnection(handler: (connection: Connection) => void): () => void {
    handler(this.#connection);
    return this.#connections.add(handler);
  }

  onPage(handler: (state: PageState) => void): () => void {
    if (this.#page) handler(this.#page);
    return this.#pages.add(handler);
  }

  showing(state: PageState): void {
    this.#page = state;
    this.#keep();
    this.#send({ kind: "state", state });
  }

  resync(): void {
    this.#send({ kind: "ready" });
  }

  recall(key: string): unknown {
    return this.#memory[key];
  }

  remember(key: string, value: unknown): void {
    this.#memory = { ...this.#memory, [key]: value };
    this.#keep();
  }

  /** The saved state is the page's, with our own notes beside it: whoever revives the panel reads it as a PageState. */
  #keep(): void {
    this.#api.setState({ ...this.#page, memory: this.#memory });
  }

  #send(message: FromPanel): void {
    this.#api.postMessage(message);
  }

  #ask(message: (id: number) => FromPanel, what: string, signal?: AbortSignal, patience: number | null = ANSWER_MS): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const give = (ms: number) => setTimeout(() => end(() => reject(TinoError.of("request_timeout", { call: what, seconds: ms / 1_000 }))), ms);
      const timer = patience === null ? undefined : give(patience);
      const aborted = () => end(() => reject(signal?.reason));
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        this.#waiting.delete(id);
        settle();
      };
      this.#waiting.set(id, { resolve: (value) => end(() => resolve(value)), reject: (error) => end(() => reject(error)) });
      signal?.addEventListener("abort", aborted);
      this.#send(message(id));
    });
  }

  #receive(data: unknown): void {
    const read = ToPanel.safeParse(data);
    // Other scripts of the editor post messages to the window too; only ours have the shape.
    if (!read.success) return;
    const message = read.data;
    switch (message.kind) {
      case "init":
      case "navigate":
        this.#page = message.state;
        this.#keep();
        this.#pages.tell(message.state);
        break;
      case "reply":
        this.#waiting.get(message.id)?.resolve(message.value);
        break;
      case "failure":
        this.#waiting.get(message.id)?.reject(new TinoError(message.error));
        break;
      case "server":
        this.#server.tell(message.message);
        break;
      case "connection":
        this.#connection = message.state;
        this.#connections.tell(message.state);
        break;
    }
  }
}

/**
 * How a page reaches the engine. There are two ways, and no page knows which one it has: in a panel, messages through
 * the extension host, which alone holds a token; in a browser, same-origin HTTP and one WebSocket with a session.
 */
import type { CallArgs, CallReply, PageState, PanelAction, PanelCall, ServerMessage } from "#contracts";

/**
 * `connecting` before the first word of the engine; `live`; `lost` while it is retried and what is shown may be old;
 * `expired` when only a new address can help.
 */
export type Connection = "connecting" | "live" | "lost" | "expired";

export interface Transport {
  /** Where the page lives: the editor can open sources and logs, and has a tab for each page. */
  readonly host: "editor" | "browser";
  /** Begin to talk; called once everybody listens. */
  start(): void;
  /** Answered or rejected with a TinoError; rejected with the signal's reason when it aborts. */
  call<N extends PanelCall>(name: N, args: CallArgs<N>, signal?: AbortSignal): Promise<CallReply<N>>;
  /** Snapshot, then events, in order. The handler may answer a gap with {@link Transport.resync}. */
  onServerMessage(handler: (message: ServerMessage) => void): () => void;
  /** Called at once with the present state, then on every change. */
  onConnection(handler: (connection: Connection) => void): () => void;
  /** Which page to show: once at the start, then whenever a command or the address says so. */
  onPage(handler: (state: PageState) => void): () => void;
  /** Tell the host what is shown, so that a reload or a bookmark shows it again. */
  showing(state: PageState): void;
  /** Something outside the page. `openSource` and `showLog` are for the editor only. */
  act(action: PanelAction): Promise<void>;
  /** Ask for a fresh snapshot. */
  resync(): void;
  /** Small things of this page that outlive a reload: drafts, toggles. Never fetched data. */
  recall(key: string): unknown;
  remember(key: string, value: unknown): void;
}

/** Handlers of one kind of news. */
export class Listeners<T> {
  readonly #handlers = new Set<(value: T) => void>();
  add(handler: (value: T) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }
  tell(value: T): void {
    for (const handler of [...this.#handlers]) handler(value);
  }
}

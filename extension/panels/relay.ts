/**
 * Between a page in a panel and the engine.
 *
 * The page is a guest. It may make the calls of `PANEL_CALLS` and ask for a few acts of the editor; what it sends is checked
 * against the contract before anything is done, and what it gets is checked before it is sent. Every request is answered, with an
 * error if need be. Events are sent only while the page is visible, because the editor drops what is posted to a hidden one;
 * whenever it becomes visible, and whenever it says that it is ready, it gets the whole state first.
 *
 * Knows nothing of the editor, so that all of this is tested without one.
 */
import { z } from "zod";
import {
  CALLS,
  type Call,
  type ErrorBody,
  FromPanel,
  type PageState,
  type PanelAction,
  type PanelCall,
  type ServerMessage,
  TinoError,
  ToPanel,
} from "#contracts";
import type { LinkState } from "../client/engineLink.ts";
import type { EngineView } from "../engineView.ts";

export interface RelayHost {
  /** Send to the page. */
  post(message: ToPanel): void;
  /** The engine as it is now. */
  view(): EngineView;
  /** Make a call for the page; `intended`: the user asked for it, so an engine may be started for it. Arguments are checked. */
  call(name: PanelCall, args: Record<string, unknown>, intended: boolean): Promise<unknown>;
  act(action: PanelAction): Promise<void>;
  /** The page shows something else now. */
  showing(state: PageState): void;
  /** The page is loaded: have the engine, if that is possible. */
  awake(): void;
  /** Any error as one of the catalogue. */
  explain(error: unknown): TinoError;
  log(event: string, data: Record<string, unknown>): void;
}

/** Calls that change something or take long: the page makes them only when the user says so. The others happen by themselves. */
const INTENDED: ReadonlySet<PanelCall> = new Set([
  "startBacktest",
  "cancelRun",
  "labelRuns",
  "deleteRuns",
  "importSample",
  "startDownload",
  "cancelDownload",
  "startImport",
  "uploadFile",
  "removeData",
  "changeActions",
  "resampleData",
  "putWatchlist",
  "removeWatchlist",
]);

export class Relay {
  readonly #host: RelayHost;
  #state: PageState;
  #visible: boolean;
  /** The page listens; false again when it was hidden, because the editor then throws it away. */
  #ready = false;

  constructor(host: RelayHost, state: PageState, visible: boolean) {
    this.#host = host;
    this.#state = state;
    this.#visible = visible;
  }

  /** What the page shows, as it last said. */
  get state(): PageState {
    return this.#state;
  }

  /** Take one message of the page. */
  async receive(message: unknown): Promise<void> {
    const read = FromPanel.safeParse(message);
    if (!read.success) return this.#refuse(message, read.error);
    switch (read.data.kind) {
      case "ready":
        // Only a page that is shown is there to say so, whatever the editor has told about the panel until now.
        this.#ready = true;
        this.#visible = true;
        this.#send({ kind: "init", state: this.#state });
        this.#sendWhole();
        this.#host.awake();
        return;
      case "state":
        this.#state = read.data.state;
        this.#host.showing(read.data.state);
        return;
      case "call": {
        const { id, call, args } = read.data;
        return this.#answer(id, () => this.#host.call(call, readArguments(call, args), INTENDED.has(call)));
      }
      case "action": {
        const { id, action } = read.data;
        return this.#answer(id, () => this.#host.act(action));
      }
    }
  }

  /** Show something else, because a command asked for it. */
  navigate(state: PageState): void {
    this.#state = state;
    // A page that is not ready gets the state when it is.
    if (this.#ready) this.#send({ kind: "navigate", state });
  }

  /** The panel was hidden or shown. */
  setVisible(visible: boolean): void {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.#sendWhole();
    else this.#ready = false;
  }

  /** The connection is in another state. */
  connectionChanged(): void {
    this.#send({ kind: "connection", state: connectionOf(this.#host.view().link) });
  }

  /** The engine's state was replaced as a whole. */
  snapshotChanged(): void {
    this.#sendWhole();
  }

  /** One event of the engine. */
  event(message: ServerMessage): void {
    this.#send({ kind: "server", message });
  }

  #sendWhole(): void {
    const { link, snapshot } = this.#host.view();
    this.#send({ kind: "connection", state: connectionOf(link) });
    if (snapshot) this.#send({ kind: "server", message: snapshot });
  }

  /** To a page that can take it; what a hidden one misses is in the whole state that it gets when it is shown. */
  #send(message: ToPanel): void {
    if (this.#visible && this.#ready) this.#post(message);
  }

  async #answer(id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      this.#post({ kind: "reply", id, value: forTransfer(await work()) });
    } catch (error) {
      this.#fail(id, this.#host.explain(error).body);
    }
  }

  /** A message that is not of the contract is answered too, if it says under which number. */
  #refuse(message: unknown, error: z.ZodError): void {
    const reason = reasonOf(error);
    this.#host.log("message_refused", { reason });
    const id = (message as { id?: unknown } | null)?.id;
    if (typeof id === "number") this.#fail(id, TinoError.of("request_invalid", { reason }).body);
  }

  #fail(id: number, error: ErrorBody): void {
    this.#post({ kind: "failure", id, error });
  }

  #post(message: ToPanel): void {
    this.#host.post(ToPanel.parse(message));
  }
}

/** Check what a page gives to a call. @throws request_invalid, which names the field */
export function readArguments(name: PanelCall, args: unknown): Record<string, unknown> {
  const call: Call = CALLS[name];
  const names = [...call.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter as string);
  const shape = z.object({
    ...(names.length > 0 && { path: z.object(Object.fromEntries(names.map((parameter) => [parameter, z.string().min(1)]))) }),
    ...(call.query && { query: call.query.prefault({}) }),
    ...(call.body && { body: call.body }),
  });
  const read = shape.safeParse(args ?? {});
  if (read.success) return read.data;
  const field = read.error.issues[0]?.path.slice(1).join(".") || null;
  throw TinoError.of("request_invalid", { reason: reasonOf(read.error) }, { field });
}

const reasonOf = ({ issues: [first] }: z.ZodError): string => `${first?.path.join(".") || "message"}: ${first?.message ?? "not understood"}`;

export function connectionOf(link: LinkState): "connecting" | "live" | "lost" {
  switch (link.kind) {
    case "live":
      return "live";
    case "idle":
      return "connecting";
    case "starting":
      return link.repairing ? "lost" : "connecting";
    case "silent":
    case "stopped":
    case "failed":
      return "lost";
  }
}

/** The editor sends the whole buffer under a view; so bytes get one of their own size. */
function forTransfer(value: unknown): unknown {
  return value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? value.slice() : value;
}

/**
 * The language client: lenses, diagnostics, hovers and completion come from the language host behind the engine's `/lsp`.
 *
 * Every connection gets a client of its own, because a new engine knows nothing of what the old one was told:
 *
 *     engine live                   → socket, client
 *     socket closes, engine live    → the language host ended: again after a pause; after three ends in two minutes no more until
 *                                     there is a new connection, and the log says so
 *     socket closes, engine lost    → nothing; the next `live` brings a new connection
 *
 * The library would tell the user about each closed connection and each start that failed, also when the engine only died under it.
 * Nobody can do anything about one, so it is told that all of them are handled, and what it reports goes to the log alone; the
 * status bar already says what state the engine is in.
 */
import * as vscode from "vscode";
import { CloseAction, CodeLensRequest, ErrorAction, LanguageClient, type LanguageClientOptions, RevealOutputChannelOn } from "vscode-languageclient/node";
import type WebSocket from "ws";
import { openLanguageSocket } from "../client/socket.ts";
import type { Context } from "../context.ts";
import { systemClock } from "../supervisor/clock.ts";
import type { Connection } from "../supervisor/discovery.ts";
import { EndCounter } from "../supervisor/watchdog.ts";
import { SocketReader, SocketWriter } from "./socketTransport.ts";

/** How long the host may take to say good-bye. */
const STOP_MS = 1_000;
const PAUSE_MS = 300;

/** A client that pops up nothing: a failed start is reported by force, past every option that would keep it quiet. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Language implements vscode.Disposable {
  readonly #context: Context;
  readonly #ends = new EndCounter(systemClock);
  /** The connection that there is, or shall be, a client for. */
  #connection: Connection | null = null;
  #socket: WebSocket | null = null;
  #client: LanguageClient | null = null;
  #pause: NodeJS.Timeout | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Have a client for the engine that is live now; without one, nothing. */
  ensure(): void {
    const connection = this.#live;
    if (!connection || connection === this.#connection) return;
    this.#connection = connection;
    this.#ends.clear();
    void this.#open(connection);
  }

  /** Have the lenses asked for again, because a setting changed. */
  refreshLenses(): void {
    const feature = this.#client?.getFeature(CodeLensRequest.method);
    for (const document of vscode.workspace.textDocuments) feature?.getProvider(document)?.onDidChangeCodeLensEmitter.fire();
  }

  /** The session ends with the socket: the window may be closing, so there is no time for good-byes. */
  dispose(): void {
    this.#connection = null;
    clearTimeout(this.#pause);
    this.#socket?.close();
  }

  get #live(): Connection | null {
    const { link } = this.#context.view;
    return link.kind === "live" ? link.connection : null;
  }

  async #open(connection: Connection): Promise<void> {
    try {
      await this.#stopClient();
      const socket = await openLanguageSocket(connection);
      if (this.#connection !== connection) return socket.close();
      this.#socket = socket;
      socket.once("close", () => this.#ended(connection));
      const transports = { reader: new SocketReader(socket), writer: new SocketWriter(socket) };
      this.#client = new QuietClient("tino", "tino", async () => transports, this.#options());
      await this.#client.start();
      this.#context.log("debug", "language", "started", { enginePid: connection.pid });
    } catch (error) {
      this.#log("not_started", error);
      if (!this.#socket) this.#ended(connection);
    }
  }

  #ended(connection: Connection): void {
    this.#socket = null;
    if (this.#connection !== connection) return;
    clearTimeout(this.#pause);
    this.#ends.record();
    if (this.#ends.looping) {
      this.#context.log("error", "language", "given_up", { ends: this.#ends.count });
      return;
    }
    this.#pause = setTimeout(() => {
      if (this.#connection !== connection) return;
      if (this.#live === connection) void this.#open(connection);
      else this.#connection = null;
    }, PAUSE_MS * this.#ends.count);
  }

  async #stopClient(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.dispose(STOP_MS).catch((error) => this.#log("not_stopped", error));
  }

  #options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file", language: "python" }],
      outputChannel: this.#context.channel,
      traceOutputChannel: this.#context.channel,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      diagnosticCollectionName: "tino language",
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true, message: "the language host's connection was closed" }),
      },
      middleware: {
        provideCodeLenses: (document, token, next) => (this.#context.settings.codeLens ? next(document, token) : []),
      },
    };
  }

  #log(event: string, error: unknown): void {
    this.#context.log("warning", "language", event, { reason: error instanceof Error ? error.message : String(error) });
  }
}

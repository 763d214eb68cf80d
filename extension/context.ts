/**
 * What every part of the extension shares. A {@link Context} is there from activation on; a {@link ConnectedContext} can only be
 * had from `connect`, so that a command which needs an engine cannot be written against a missing one.
 *
 * WHEN THE ENGINE IS STARTED. Never by activation. `connect` is for what the user just asked for; it starts an engine whatever
 * went before. `attach` is for what goes on in the background (a view that shows itself, a strategy that is opened, a page that
 * reads): it starts the first engine, but none after one was stopped or failed to start; that is the user's to say. While the
 * engine is stopped, the window looks whether somebody else has started one, and joins it.
 *
 * TRUST. In a workspace that is not trusted neither of them does anything but fail with `workspace_untrusted`: no process is
 * started, no lock file is written. When trust is granted the parts are told and begin without a reload.
 *
 * The link with its schemas takes longer to load than all the rest, so it is imported when it is first needed: opening a Python
 * file that is none of tino's business costs next to nothing.
 */
import { join } from "node:path";
import * as vscode from "vscode";
import type { Envelope, Event, RunSummary } from "#contracts";
import { TinoError } from "#contracts/catalogue";
import type { EngineClient } from "./client/engineClient.ts";
import type { EngineLink, LinkState } from "./client/engineLink.ts";
import { COMMANDS } from "./commands/ids.ts";
import { activeRuns, addRuns, type EngineView, foldEvent, NOTHING_YET, wordOf } from "./engineView.ts";
import { Failures, type Remedies } from "./failures.ts";
import { systemClock } from "./supervisor/clock.ts";
import { findEngine } from "./supervisor/discovery.ts";
import { startLogTail } from "./supervisor/engineProcess.ts";
import { locateInstallation } from "./supervisor/locate.ts";
import { fileLog, type Level, type Log, redact, redactText } from "./supervisor/log.ts";
import { findHome, pathsOf } from "./supervisor/paths.ts";
import { type Place, placeOf } from "./supervisor/place.ts";
import { endEngine } from "./supervisor/shutdown.ts";

/** How often a window whose engine was stopped looks for one that somebody else has started. */
const LOOK_AGAIN_MS = 2_000;

export interface ConnectedContext {
  readonly context: Context;
  readonly client: EngineClient;
}

/** The user's settings, read anew each time. Documented in `docs/settings.md`. */
export interface Settings {
  readonly logLevel: Level;
  readonly codeLens: boolean;
  readonly openBeside: boolean;
}

export class Context implements vscode.Disposable {
  readonly extension: vscode.ExtensionContext;
  readonly channel: vscode.LogOutputChannel;
  readonly log: Log;
  readonly place: Place;
  readonly failures: Failures;
  /** The engine's state or the workspace's trust changed. */
  readonly onDidChangeView: vscode.Event<EngineView>;
  /** One event of the engine, after it was folded into the view. */
  readonly onDidReceiveEvent: vscode.Event<Envelope>;
  /** The engine's state was replaced as a whole. */
  readonly onDidReceiveSnapshot: vscode.Event<void>;

  readonly #changed = new vscode.EventEmitter<EngineView>();
  readonly #received = new vscode.EventEmitter<Envelope>();
  readonly #replaced = new vscode.EventEmitter<void>();
  readonly #published = new Map<string, unknown>();
  readonly #disposables: vscode.Disposable[] = [];
  #view: EngineView = NOTHING_YET;
  #link: EngineLink | null = null;
  #loading: Promise<EngineLink> | null = null;
  #stopLooking: () => void = () => undefined;
  #over = false;

  /** @throws engine_not_installed */
  constructor(extension: vscode.ExtensionContext) {
    this.extension = extension;
    this.channel = vscode.window.createOutputChannel("tino", { log: true });
    const paths = pathsOf(findHome());
    const file = fileLog(join(paths.logs, "vscode.log"), systemClock);
    this.log = (level, component, event, data) => {
      file(level, component, event, data);
      writeTo(this.channel, level, `${component}: ${event}${data ? ` ${JSON.stringify(redact(data))}` : ""}`);
    };
    // Read whenever an engine is started, so that a change of the setting counts for the next one.
    const logLevel = () => process.env.TINO_LOG_LEVEL ?? this.settings.logLevel;
    const env = {
      ...process.env,
      get TINO_LOG_LEVEL() {
        return logLevel();
      },
    };
    this.place = placeOf(paths, locateInstallation(extension.extensionPath), this.log, env);
    // Also so that the output channel has something to show before anything happens.
    this.log("info", "extension", "activated", { version: this.place.installation.version, engineLog: paths.engineLog });
    this.failures = new Failures(this.channel, this.log, paths.engineLog);
    this.onDidChangeView = this.#changed.event;
    this.onDidReceiveEvent = this.#received.event;
    this.onDidReceiveSnapshot = this.#replaced.event;
    this.#disposables.push(
      this.channel,
      this.#changed,
      this.#received,
      this.#replaced,
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#trustChanged()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.#trustChanged()),
    );
    this.#publish();
  }

  get settings(): Settings {
    const settings = vscode.workspace.getConfiguration("tino");
    return {
      logLevel: settings.get("engine.logLevel", "info"),
      codeLens: settings.get("codeLens.enabled", true),
      openBeside: settings.get("backtest.openBeside", true),
    };
  }

  /** The engine as this window sees it now. */
  get view(): EngineView {
    return this.#view;
  }

  /** A live engine, if there is one. */
  get connected(): ConnectedContext | null {
    const client = this.#link?.client;
    return client ? { context: this, client } : null;
  }

  /** Names this window to the engine; null before it was first used. */
  get nonce(): string | null {
    return this.#link?.nonce ?? null;
  }

  /**
   * Have the engine, because the user asked for something that needs it.
   * @throws workspace_untrusted, and as `ensureEngine`; a failed start has been reported
   */
  async connect(): Promise<ConnectedContext> {
    this.requireTrust();
    const link = await this.#getLink();
    const { kind } = link.state;
    return { context: this, client: await this.#showing(link, kind === "failed" ? link.startAgain() : link.connect()) };
  }

  /**
   * Have the engine for something in the background.
   * @throws workspace_untrusted, engine_not_running when it was stopped, what made the last start fail, and as `connect`
   */
  async attach(): Promise<ConnectedContext> {
    this.requireTrust();
    const link = await this.#getLink();
    if (link.state.kind === "stopped") throw TinoError.of("engine_not_running");
    if (link.state.kind === "failed") throw link.state.error;
    return { context: this, client: await this.#showing(link, link.connect()) };
  }

  /** `attach` for whoever has nothing to do with the client and nothing to say about a failure, which is reported in one place. */
  attachQuietly(): void {
    if (!vscode.workspace.isTrusted) return;
    this.attach().catch((error) => this.log("debug", "extension", "not_attached", { reason: messageOf(error) }));
  }

  /** @throws workspace_untrusted */
  requireTrust(): void {
    if (vscode.workspace.isTrusted) return;
    const [folder] = vscode.workspace.workspaceFolders ?? [];
    throw TinoError.of("workspace_untrusted", { path: folder?.name ?? "This window" });
  }

  /** Take in runs that were asked for. */
  addRuns(runs: readonly RunSummary[]): void {
    if (this.#view.snapshot) this.#show({ ...this.#view, snapshot: addRuns(this.#view.snapshot, runs) });
  }

  /** Leave the engine as a window does: close the socket, unlink the lock file. Takes no time, and may be called twice. */
  leave(): void {
    this.#over = true;
    this.#stopLooking();
    this.#link?.dispose();
  }

  dispose(): void {
    this.leave();
    for (const disposable of this.#disposables.splice(0)) disposable.dispose();
  }

  async #getLink(): Promise<EngineLink> {
    this.#loading ??= this.#openLink();
    return this.#loading;
  }

  async #openLink(): Promise<EngineLink> {
    const { EngineLink } = await import("./client/engineLink.ts");
    const link = new EngineLink({
      place: this.place,
      kind: "vscode",
      workspace: vscode.workspace.workspaceFile?.fsPath ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? null,
      trustedFolders: trustedFolders(),
    });
    if (this.#over) throw TinoError.of("engine_not_running");
    this.#link = link;
    link.listen({
      onState: (state) => this.#linkChanged(state),
      onSnapshot: (snapshot) => {
        this.#show({ ...this.#view, snapshot });
        this.#replaced.fire();
      },
      onMissed: ({ event }) => this.#offerAgain(event),
      onEvent: (event, envelope) => {
        this.#offerAgain(event);
        if (this.#view.snapshot) this.#show({ ...this.#view, snapshot: foldEvent(this.#view.snapshot, envelope) });
        this.#received.fire(envelope);
      },
    });
    return link;
  }

  /** Show the phases of a start in the status bar until the client is there. */
  async #showing(link: EngineLink, attempt: Promise<EngineClient>): Promise<EngineClient> {
    if (link.client) return attempt;
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "tino" }, async (progress) => {
      const report = (state: LinkState) => {
        if (state.kind === "starting") progress.report({ message: state.phase });
      };
      report(link.state);
      const stop = link.listen({ onState: report });
      return attempt.finally(stop);
    });
  }

  #linkChanged(link: LinkState): void {
    const previous = this.#view.link.kind;
    if (link.kind !== previous) this.log(link.kind === "failed" ? "error" : "info", "extension", "engine_state", { from: previous, to: link.kind });
    this.#show({ ...this.#view, link });
    this.#stopLooking();
    if (link.kind === "stopped") this.#stopLooking = systemClock.every(LOOK_AGAIN_MS, () => void this.#join());
    if (link.kind === "failed") {
      for (const line of startLogTail(this.place.paths)) this.channel.error(`engine: ${redactText(line)}`);
      this.failures.report(link.error, this.#waysOn(link.error));
    }
  }

  /** A run of this window that the end of an engine cut off is a decision for the user: to run it again. */
  #offerAgain(event: Event): void {
    if (event.type !== "run.changed" || event.run.status !== "interrupted" || !event.run.error) return;
    const { id, name, path, error } = event.run;
    if (!vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path))) return;
    const failure = new TinoError({ ...error, message: `${name}: ${error.message}` });
    this.failures.report(failure, { "Run again": () => vscode.commands.executeCommand(COMMANDS.runAgain, { id }) });
  }

  /** What can be done about an engine that could not be started or joined. */
  #waysOn({ code, message }: TinoError): Remedies {
    if (code === "engine_too_old") return { "Restart engine": () => this.#replaceEngine(message), "Try again": () => this.connect() };
    if (code === "engine_too_new") return { "Reload window": () => vscode.commands.executeCommand("workbench.action.reloadWindow") };
    return { [code === "engine_crash_loop" ? "Start again" : "Try again"]: () => this.connect() };
  }

  /** End an engine of another version. Others use it, or it would have made room by itself; so the user decides. */
  async #replaceEngine(message: string): Promise<void> {
    const restart = "Restart engine";
    const detail = "Runs under way are marked interrupted; what is finished is kept. Other windows and terminals lose their connection.";
    if ((await vscode.window.showWarningMessage(message, { modal: true, detail }, restart)) !== restart) return;
    await endEngine(this.place, true);
    await this.connect();
  }

  /** Join an engine that somebody else has started. */
  async #join(): Promise<void> {
    const finding = await findEngine(this.place).catch(() => null);
    if (finding?.kind !== "running" || finding.state !== "healthy" || this.#view.link.kind !== "stopped" || this.#over) return;
    this.#link?.connect().catch((error) => this.log("debug", "extension", "not_joined", { reason: messageOf(error) }));
  }

  #trustChanged(): void {
    this.#link?.trust(trustedFolders());
    this.#show({ ...this.#view });
  }

  #show(view: EngineView): void {
    if (this.#over) return;
    this.#view = view;
    this.#publish();
    this.#changed.fire(view);
  }

  /** What `when` clauses of the manifest look at; each is told only when it changes. */
  #publish(): void {
    // A view that finds no engine in use yet is just starting one; one that finds it stopped waits for the user.
    const engine = this.#view.link.kind === "idle" ? "idle" : wordOf(this.#view);
    const keys = { "tino.engine": engine, "tino.busy": activeRuns(this.#view).length > 0 };
    for (const [key, value] of Object.entries(keys)) {
      if (this.#published.get(key) === value) continue;
      this.#published.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  }
}

/** Folders whose code may be run for this window. */
function trustedFolders(): string[] {
  if (!vscode.workspace.isTrusted) return [];
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file").map(({ uri }) => uri.fsPath);
}

function writeTo(channel: vscode.LogOutputChannel, level: Level, text: string): void {
  if (level === "warning") channel.warn(text);
  else channel[level](text);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One panel: its HTML, its messages, and what of the editor its page may ask for. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import type { CallArgs, PageState, PanelAction, PanelCall, RunSummary } from "#contracts";
import { confirmRemoval } from "../commands/data.ts";
import { COMMANDS } from "../commands/ids.ts";
import { deleteAfterQuestion, showCode } from "../commands/runLabels.ts";
import type { ConnectedContext, Context } from "../context.ts";
import { openAt } from "../sources.ts";
import { noticeHtml, PageManifest, pageHtml } from "./html.ts";
import { Relay } from "./relay.ts";

/** Body of `startBacktest`. */
export type RunRequest = NonNullable<CallArgs<"startBacktest">["body"]>;

/** What a panel leaves to whoever holds them all. */
export interface PanelOwner {
  start(connected: ConnectedContext, body: RunRequest): Promise<RunSummary>;
  open(state: PageState): void;
}

export class Panel implements vscode.Disposable {
  readonly webviewPanel: vscode.WebviewPanel;
  readonly #context: Context;
  readonly #owner: PanelOwner;
  readonly #relay: Relay;
  readonly #disposables: vscode.Disposable[];
  #linkKind: string;
  /** What the panel holds: the page, or a notice in its place. */
  #content: "page" | "notice" | null = null;

  constructor(context: Context, webviewPanel: vscode.WebviewPanel, state: PageState, owner: PanelOwner) {
    this.#context = context;
    this.#owner = owner;
    this.webviewPanel = webviewPanel;
    this.#linkKind = context.view.link.kind;
    this.#relay = new Relay(
      {
        post: (message) => void webviewPanel.webview.postMessage(message),
        view: () => context.view,
        call: (name, args, intended) => this.#call(name, args, intended),
        act: (action) => this.#act(action),
        showing: (shown) => this.#title(shown),
        awake: () => context.attachQuietly(),
        explain: (error) => context.failures.asTinoError(error),
        log: (event, data) => context.log("warning", "panel", event, data),
      },
      state,
      webviewPanel.visible,
    );
    this.#disposables = [
      webviewPanel.webview.onDidReceiveMessage((message) => this.#relay.receive(message)),
      webviewPanel.onDidChangeViewState(() => this.#relay.setVisible(webviewPanel.visible)),
      context.onDidReceiveEvent((envelope) => this.#relay.event(envelope)),
      context.onDidReceiveSnapshot(() => this.#relay.snapshotChanged()),
      context.onDidChangeView(({ link }) => {
        this.#render();
        if (link.kind !== this.#linkKind) this.#relay.connectionChanged();
        this.#linkKind = link.kind;
      }),
    ];
    this.#title(state);
    const media = vscode.Uri.joinPath(context.extension.extensionUri, "extension", "media");
    webviewPanel.iconPath = { light: vscode.Uri.joinPath(media, "panel-light.svg"), dark: vscode.Uri.joinPath(media, "panel-dark.svg") };
    this.#render();
  }

  /** What the page shows. */
  get state(): PageState {
    return this.#relay.state;
  }

  /** Show something else. */
  navigate(state: PageState): void {
    this.#title(state);
    this.#relay.navigate(state);
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #title({ page, name }: PageState): void {
    this.webviewPanel.title =
      page === "data" ? "Data" : page === "runs" ? "Runs" : page === "compare" ? "Compare runs" : name ? `${name} · Backtest` : "Backtest";
  }

  /** Set the HTML once for what can be shown; setting it again would load the page anew. */
  #render(): void {
    const content = vscode.workspace.isTrusted ? "page" : "notice";
    if (content === this.#content) return;
    this.#content = content;
    const { webview } = this.webviewPanel;
    const { dashboard } = this.#context.place.installation;
    if (content === "notice") {
      webview.options = { enableCommandUris: ["workbench.trust.manage"] };
      webview.html = noticeHtml(
        "This folder is not trusted",
        "A strategy is a program. tino starts nothing and shows no results in a folder that you have not trusted.",
        {
          command: "workbench.trust.manage",
          label: "Manage trust",
        },
      );
    } else if (dashboard === null) {
      webview.options = { enableCommandUris: [COMMANDS.showLog] };
      webview.html = noticeHtml("The pages are not built", "Run `npm start` once in the tino folder; it sets everything up. Then reload the window.", {
        command: COMMANDS.showLog,
        label: "Show log",
      });
    } else {
      const folder = vscode.Uri.file(dashboard);
      webview.options = { enableScripts: true, localResourceRoots: [folder] };
      const manifest = PageManifest.parse(JSON.parse(readFileSync(join(dashboard, "manifest.json"), "utf8")));
      webview.html = pageHtml(manifest, {
        cspSource: webview.cspSource,
        addressOf: (file) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString(),
      });
    }
  }

  async #call(name: PanelCall, args: Record<string, unknown>, intended: boolean): Promise<unknown> {
    const connected = intended ? await this.#context.connect() : await this.#context.attach();
    if (name === "removeData" && !(await confirmRemoval((args.body as { barTypes: string[] }).barTypes))) return connected.client.call("listSymbols");
    if (name === "startBacktest") return this.#owner.start(connected, args.body as RunRequest);
    // The relay has checked the arguments against the same table that types the call.
    return connected.client.call(name, args as CallArgs<typeof name>);
  }

  async #act(action: PanelAction): Promise<void> {
    switch (action.type) {
      case "openSource":
        await openAt(action.path, action.line, this.#columnFor(action.path));
        return;
      case "showLog":
        this.#context.channel.show(true);
        return;
      case "importData":
        await vscode.commands.executeCommand(COMMANDS.importData);
        return;
      case "openPage":
        this.#owner.open(action.state);
        return;
      case "deleteRuns":
        await deleteAfterQuestion((await this.#context.connect()).client, action.runs);
        return;
      case "compareCode":
        await showCode((await this.#context.connect()).client, ...action.runs);
        return;
      case "saveFile":
        await save(action.name, action.bytes);
        return;
    }
  }

  /** Where the file is open already, else beside the panel. */
  #columnFor(path: string): vscode.ViewColumn {
    const open = vscode.window.visibleTextEditors.find((editor) => editor.document.uri.fsPath === path)?.viewColumn;
    if (open) return open;
    return (this.webviewPanel.viewColumn ?? vscode.ViewColumn.One) === vscode.ViewColumn.One ? vscode.ViewColumn.Beside : vscode.ViewColumn.One;
  }
}

async function save(name: string, bytes: Uint8Array): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  // A name from a page is a name, not a path.
  const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.joinPath(folder, basename(name)) });
  if (target) await vscode.workspace.fs.writeFile(target, bytes);
}

/**
 * What an editor is to a panel, for tests: `acquireVsCodeApi`, theme variables, and a relay of calls to the engine.
 * Runs inside the page before its scripts; what it was asked to do is found in `window.panelHost`.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { CALLS, type FromPanel, type PageState, type PanelAction, type ServerMessage, TinoError } from "#contracts";
import type { StubEngine } from "./stubEngine.ts";

export interface PanelHost {
  /** Everything the page said, calls aside. */
  readonly said: FromPanel[];
  readonly saved: unknown;
  /** Refuse what the page asks the editor to do. */
  refuse: boolean;
  send(message: unknown): void;
}

declare global {
  interface Window {
    panelHost: PanelHost;
  }
}

interface Setting {
  readonly calls: Record<string, { method: string; path: string; arrow: boolean }>;
  readonly token: string;
  readonly state: PageState;
  readonly snapshot: ServerMessage;
  readonly colors: Record<string, string>;
  readonly theme: string;
  readonly internal: unknown;
}

/** The variables of one of the page's own sets, as the editor would define them. */
async function variables(selector: string): Promise<Record<string, string>> {
  const css = await readFile(fileURLToPath(new URL("../../webview/theme.css", import.meta.url)), "utf8");
  const sets = [...css.matchAll(/^(:root\[data-host="browser"\](?:\[data-theme="light"\])?) \{([^}]*)\}/gm)];
  const colors: Record<string, string> = {};
  for (const [, name, body] of sets) {
    if (name !== ':root[data-host="browser"]' && name !== selector) continue;
    for (const [, key, value] of body!.matchAll(/(--vscode-[\w-]+): ([^;]+);/g)) colors[key!] = value!;
  }
  return colors;
}

export const DARK = ':root[data-host="browser"]';
export const LIGHT = ':root[data-host="browser"][data-theme="light"]';
/** What a high-contrast theme changes most: borders everywhere, no shading. */
export const CONTRAST: Record<string, string> = {
  "--vscode-contrastBorder": "#6fc3df",
  "--vscode-contrastActiveBorder": "#f38518",
  "--vscode-focusBorder": "#f38518",
  "--vscode-editor-background": "#000000",
  "--vscode-sideBar-background": "#000000",
  "--vscode-foreground": "#ffffff",
  "--vscode-descriptionForeground": "#ffffffb3",
  "--vscode-input-background": "#000000",
  "--vscode-dropdown-background": "#000000",
  "--vscode-dropdown-listBackground": "#000000",
  "--vscode-button-background": "#000000",
  "--vscode-button-border": "#6fc3df",
  "--vscode-button-secondaryBackground": "#000000",
};

/** Make the next page that `page` loads a panel. Call before it goes anywhere. */
export async function hostPanel(page: Page, engine: StubEngine, state: PageState, look: { set?: string; more?: Record<string, string> } = {}): Promise<void> {
  const setting: Setting = {
    calls: Object.fromEntries(Object.entries(CALLS).map(([name, { method, path, reply }]) => [name, { method, path, arrow: typeof reply === "string" }])),
    token: engine.token(),
    state,
    snapshot: engine.snapshot(),
    colors: { ...(await variables(look.set ?? DARK)), ...look.more },
    theme: look.set === LIGHT ? "vscode-light" : "vscode-dark",
    internal: TinoError.of("internal", { reference: "panel", log: "none" }).body,
  };
  // What runs this file may mark functions with their names; the page does not know the mark.
  await page.addInitScript("globalThis.__name ??= (named) => named");
  await page.addInitScript((given: Setting) => {
    // There is no document yet; its scripts run after this change of state.
    document.addEventListener(
      "readystatechange",
      () => {
        for (const [name, value] of Object.entries(given.colors)) document.documentElement.style.setProperty(name, value);
        document.body.classList.add(given.theme);
      },
      { once: true },
    );
    const saved = { value: JSON.parse(sessionStorage.getItem("panel") ?? "null") as unknown };
    const said: FromPanel[] = [];
    const send = (message: unknown) => window.postMessage(message, "*");
    const relay = async (call: string, args: { path?: Record<string, string>; query?: Record<string, unknown>; body?: unknown }) => {
      const { method, path, arrow } = given.calls[call]!;
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(args.query ?? {})) if (value !== null && value !== undefined) query.set(key, String(value));
      const response = await fetch(`${path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(args.path?.[name] ?? ""))}?${query}`, {
        method,
        headers: { authorization: `Bearer ${given.token}`, "content-type": "application/json" },
        body: args.body === undefined ? null : JSON.stringify(args.body),
      });
      if (!response.ok) throw await response.json();
      return arrow ? new Uint8Array(await response.arrayBuffer()) : await response.json();
    };
    const receive = (message: FromPanel) => {
      if (message.kind === "call") {
        relay(message.call, (message.args ?? {}) as object).then(
          (value) => send({ kind: "reply", id: message.id, value }),
          (error) => send({ kind: "failure", id: message.id, error: error?.code ? error : given.internal }),
        );
        return;
      }
      said.push(message);
      if (message.kind === "action") {
        send(window.panelHost.refuse ? { kind: "failure", id: message.id, error: given.internal } : { kind: "reply", id: message.id, value: null });
      }
      if (message.kind === "ready") {
        send({ kind: "init", state: (saved.value as PageState | null) ?? given.state });
        send({ kind: "connection", state: "live" });
        send({ kind: "server", message: given.snapshot });
      }
    };
    window.panelHost = {
      said,
      refuse: false,
      send,
      get saved() {
        return saved.value;
      },
    };
    Object.assign(window, {
      acquireVsCodeApi: () => ({
        postMessage: (message: FromPanel) => queueMicrotask(() => receive(message)),
        getState: () => saved.value ?? undefined,
        setState: (value: unknown) => {
          saved.value = structuredClone(value);
          sessionStorage.setItem("panel", JSON.stringify(value));
        },
      }),
    });
  }, setting);
}

/** The actions a page asked for, oldest first. */
export async function actionsOf(page: Page): Promise<PanelAction[]> {
  return page.evaluate(() => window.panelHost.said.flatMap((message) => (message.kind === "action" ? [message.action] : [])));
}

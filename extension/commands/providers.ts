/** Downloading market data from a provider, step by step, and the keys that some of them want. */
import * as vscode from "vscode";
import { type DataKind, Day, type Download, type Provider, TinoError } from "#contracts";
import type { ConnectedContext } from "../context.ts";

const SEARCH_DELAY_MS = 300;
const LOOK_MS = 500;
const YEAR_MS = 365 * 86_400_000;

const KINDS: Record<DataKind, string> = { bars: "Bars", trades: "Trades", quotes: "Best bid and ask", deltas: "Changes of the order book" };

/** Ask what to download, and download it. Leaving any question leaves everything as it was. */
export async function downloadData(connected: ConnectedContext): Promise<void> {
  const { client } = connected;
  const provider = await pickProvider(connected);
  if (!provider) return;
  if (provider.key === "required" && !provider.keySet && !(await setKey(connected, provider.name))) return;
  const symbol = await pickSymbol(connected, provider);
  if (!symbol) return;
  const kind =
    provider.kinds.length > 1
      ? await pick(
          provider.kinds.map((value) => ({ label: KINDS[value], value })),
          "What to download",
        )
      : provider.kinds[0];
  if (!kind) return;
  const step =
    kind === "bars"
      ? await pick(
          provider.steps.map((value) => ({ label: value, value })),
          "Length of a bar",
          "1-DAY",
        )
      : "1-DAY";
  if (!step) return;
  const from = await askDay("First day", new Date(Date.now() - YEAR_MS).toISOString().slice(0, 10));
  if (!from) return;
  const started = await client.call("startDownload", { body: { provider: provider.name, symbols: [symbol], kind, step, from } });
  const ended = await follow(connected, started);
  if (ended.error && ended.status !== "cancelled") throw new TinoError(ended.error);
  const series = ended.series[0];
  if (!series) return;
  const name = series.barType ?? `${series.instrumentId} ${series.kind}`;
  void vscode.window.showInformationMessage(
    `${name}: ${series.rows.toLocaleString("en-US")} rows${series.outcome === "unchanged" ? ", all of them there before" : ""}.`,
  );
}

/** Ask for a provider's key and keep it. False when the user gave none. */
export async function setKey({ client }: ConnectedContext, argument?: unknown): Promise<boolean> {
  const name = typeof argument === "string" ? argument : await pickKeyed(client);
  if (!name) return false;
  const value = await vscode.window.showInputBox({
    title: `API key for ${name}`,
    prompt: "It goes into the keychain of this system.",
    password: true,
    ignoreFocusOut: true,
  });
  if (!value?.trim()) return false;
  const { keys } = await client.call("setKey", { path: { name }, body: { value } });
  if (keys.find((key) => key.name === name)?.kept === "memory")
    void vscode.window.showWarningMessage(`The key for ${name} is kept until the engine ends: this system has no keychain.`);
  return true;
}

/** Forget a key. */
export async function removeKey({ client }: ConnectedContext): Promise<void> {
  const { keys } = await client.call("listKeys");
  const name = await pick(
    keys.map((key) => ({ label: key.name, value: key.name })),
    keys.length ? "Key to forget" : "No key is set",
  );
  if (name) await client.call("removeKey", { path: { name } });
}

async function pickKeyed(client: ConnectedContext["client"]): Promise<string | undefined> {
  const { providers } = await client.call("listProviders");
  const wanting = providers.filter((provider) => provider.key !== "none" || provider.from === "ccxt");
  return pick(
    wanting.map((provider) => ({ label: provider.title, description: `${provider.name}${provider.keySet ? " · set" : ""}`, value: provider.name })),
    "Key of which provider",
  );
}

async function pickProvider({ client }: ConnectedContext): Promise<Provider | undefined> {
  const list = vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: "tino: asking for providers" }, () =>
    client.call("listProviders"),
  );
  const items = list.then(({ providers }) =>
    providers.map((provider) => ({
      label: provider.title,
      description: `${provider.name} · ${provider.kinds.join(", ")}${provider.key === "required" && !provider.keySet ? " · key needed" : ""}`,
      ...(provider.note ? { detail: provider.note } : {}),
      value: provider,
    })),
  );
  return (await vscode.window.showQuickPick(items, { title: "Download data", placeHolder: "Provider", matchOnDescription: true }))?.value;
}

/** What is typed is searched for, and may be taken as it is. */
function pickSymbol({ client, context }: ConnectedContext, provider: Provider): Promise<string | undefined> {
  const input = vscode.window.createQuickPick<vscode.QuickPickItem>();
  input.title = `Download from ${provider.title}`;
  input.placeholder = `Symbol, such as ${provider.example}`;
  let timer: NodeJS.Timeout | undefined;
  let newest = 0;
  const search = async (text: string) => {
    const mine = ++newest;
    const typed = { label: text, description: "as typed", alwaysShow: true };
    input.items = text ? [typed] : [];
    if (!text) return;
    input.busy = true;
    try {
      const { symbols } = await client.call("searchProvider", { path: { provider: provider.name }, query: { text } });
      if (mine !== newest) return;
      const found = symbols.map(({ symbol, name, venue }) => ({ label: symbol, description: [name, venue].filter(Boolean).join(" · "), alwaysShow: true }));
      input.items = found.some(({ label }) => label === text) ? found : [...found, typed];
    } catch (error) {
      // A provider that cannot be searched can still be downloaded from: the download itself will say what is wrong.
      context.log("warning", "providers", "search_failed", { code: TinoError.is(error) ? error.code : "internal" });
    } finally {
      if (mine === newest) input.busy = false;
    }
  };
  return new Promise((resolve) => {
    input.onDidChangeValue((text) => {
      clearTimeout(timer);
      timer = setTimeout(() => void search(text.trim()), SEARCH_DELAY_MS);
    });
    input.onDidAccept(() => {
      resolve(input.selectedItems[0]?.label ?? (input.value.trim() || undefined));
      input.hide();
    });
    input.onDidHide(() => {
      clearTimeout(timer);
      newest++;
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}

async function pick<T>(items: readonly (vscode.QuickPickItem & { value: T })[], title: string, first?: string): Promise<T | undefined> {
  const ordered = first === undefined ? items : [...items].sort((a, b) => Number(b.label === first) - Number(a.label === first));
  return (await vscode.window.showQuickPick(ordered, { title }))?.value;
}

const askDay = (title: string, value: string) =>
  vscode.window.showInputBox({
    title,
    value,
    ignoreFocusOut: true,
    validateInput: (text) => (Day.safeParse(text).success && !Number.isNaN(Date.parse(text)) ? null : "A day, such as 2024-01-31"),
  });

/** Show how far it is; the notification's button cancels it. */
function follow({ client }: ConnectedContext, started: Download): Thenable<Download> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Downloading ${started.request.symbols[0]}`, cancellable: true },
    async (progress, token) => {
      const path = { id: started.id };
      token.onCancellationRequested(() => void client.call("cancelDownload", { path }).catch(() => undefined)); // It may have ended in the meantime, which the next look tells.
      let done = 0;
      for (;;) {
        const job = await client.call("getDownload", { path });
        if (job.endedAt !== null) return job;
        const share = job.progress.partsTotal > 0 ? (100 * job.progress.partsDone) / job.progress.partsTotal : 0;
        progress.report({ message: job.progress.reason ?? `${job.progress.rows.toLocaleString("en-US")} rows`, increment: share - done });
        done = share;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  );
}

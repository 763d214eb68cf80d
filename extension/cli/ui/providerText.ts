/** Providers, downloads and keys as text. */
import type { CatalogPlace, Download, KeyList, Provider, ProviderList, ProviderSymbol } from "#contracts";
import { barTime, count, day } from "../format.ts";
import { type Screen, table, wrapLines } from "../output.ts";
import { bar } from "./chart.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

const keyText = ({ key, keySet }: Provider): string => (key === "none" ? "" : keySet ? "set" : key === "required" ? "needed" : "optional");

/** Those of tino and of the user one by one, the exchanges by their names alone: there are a hundred. */
export function providersText(list: ProviderList, screen: Look): string {
  const columns = [
    { title: "Provider" },
    { title: "Name" },
    { title: "Has" },
    { title: "Key" },
    { title: "Symbols such as" },
    { title: "Note", shrinks: true, keep: 1 },
  ];
  const own = list.providers.filter((provider) => provider.from !== "ccxt");
  const exchanges = list.providers.filter((provider) => provider.from === "ccxt");
  const rows = own.map((provider) => [provider.name, provider.title, provider.kinds.join(", "), keyText(provider), provider.example, provider.note ?? ""]);
  const lines = [
    table(columns, rows, screen),
    "",
    screen.paint("bold", `${count(exchanges.length)} crypto exchanges through ccxt, symbols such as BTC/USDT:`),
    ...wrapLines([exchanges.map((provider) => provider.name).join(" ")], screen.width),
    ...list.problems.map((problem) => screen.paint("yellow", `The package for ${problem.name} cannot be used: ${problem.reason}`)),
  ];
  return lines.join("\n");
}

/** One provider with everything about it. */
export function oneProviderText(provider: Provider, screen: Look): string {
  const facts = [
    `${screen.paint("bold", provider.name)}  ${provider.title}`,
    `Has ${provider.kinds.join(", ")}${provider.actions ? ", splits and dividends" : ""}.`,
    ...(provider.steps.length ? [`Bars of ${provider.steps.join(", ")}.`] : []),
    provider.key === "none" ? "Needs no key." : `A key is ${provider.key}${provider.keySet ? ", and set" : `: tino keys set ${provider.name}`}.`,
    ...(provider.note ? [provider.note] : []),
    `tino data download ${provider.example} --provider ${provider.name} --from 2024-01-01`,
  ];
  return wrapLines(facts, screen.width).join("\n");
}

/** Symbols that a search found. */
export function symbolsText(symbols: readonly ProviderSymbol[], screen: Look): string {
  const columns = [{ title: "Symbol" }, { title: "Name", shrinks: true, keep: 1 }, { title: "Kind" }, { title: "Venue" }];
  return table(
    columns,
    symbols.map(({ symbol, name, assetClass, venue }) => [symbol, name ?? "", assetClass ?? "", venue ?? ""]),
    screen,
  );
}

/** One line while it goes on. */
export function downloadProgressText({ request, progress }: Download, screen: Look, width: number): string {
  const { phase, partsDone, partsTotal, rows, symbol, reason } = progress;
  if (phase === "waiting") return `${symbol ?? request.provider}: ${reason ?? "waiting"}`;
  if (phase === "storing") return `Storing ${symbol} · ${count(rows)} rows`;
  if (phase === "starting" || partsTotal === 0) return `Asking ${request.provider} for ${symbol ?? request.symbols[0]}`;
  const share = partsDone / partsTotal;
  const tail = ` ${Math.floor(share * 100)} % · ${count(rows)} rows · ${symbol}`;
  return `${bar(share, Math.max(8, Math.min(24, width - tail.length)), screen.unicode)}${tail}`;
}

/** What became of it. */
export function downloadText(job: Download, screen: Look): string {
  const columns = [{ title: "Series" }, { title: "Outcome" }, { title: "Rows", align: "right" as const }, { title: "From", keep: 2 }, { title: "To", keep: 3 }];
  const rows = job.series.map((series) => [
    series.barType ?? `${series.instrumentId} ${series.kind}`,
    series.outcome,
    count(series.rows),
    series.barType ? day(series.from) : barTime(series.from),
    series.barType ? day(series.to) : barTime(series.to),
  ]);
  const notes = job.series.flatMap((series) => series.notes.map((note) => `${series.symbol}: ${note}`));
  return [table(columns, rows, screen), ...notes.map((note) => screen.paint("dim", note))].join("\n");
}

/** Where the catalog lives. */
export const catalogText = ({ uri, files, localFiles }: CatalogPlace): string =>
  uri === null
    ? `The catalog is on this machine alone: ${count(files)} files of series.`
    : `The catalog is at ${uri}: ${count(files)} files of series, ${count(localFiles)} of them copied here.`;

/** Names of keys; never a value. */
export function keysText(list: KeyList, screen: Look): string {
  if (list.keys.length === 0) return "No key is set. `tino keys set databento` asks for one.";
  const columns = [{ title: "Provider" }, { title: "Kept in" }, { title: "Set" }];
  return table(
    columns,
    list.keys.map((key) => [key.name, key.kept === "memory" ? "memory, until the engine ends" : "the system’s keychain", barTime(key.setAt)]),
    screen,
  );
}

/** `tino data check | actions | resample | watchlist | fundamentals | sample`: what there is to do with stored data, from options to output. */
import { resolve } from "node:path";
import { type BacktestRequest, CorporateAction, type DataCheck, type SampleQuery, TinoError } from "#contracts";
import { EXIT } from "#contracts/catalogue";
import type { EngineLink } from "../client/engineLink.ts";
import type { Context } from "./context.ts";
import { count } from "./format.ts";
import type { Screen } from "./output.ts";
import { orAborted, withEngine } from "./session.ts";
import { actionsText, checkText, fundamentalsText, warningText, watchlistsText } from "./ui/catalogText.ts";
import { StatusLine } from "./ui/statusLine.ts";

/** Say that something takes a while, for as long as it does. */
async function during<T>(screen: Screen, words: string, work: Promise<T>): Promise<T> {
  const line = new StatusLine(screen);
  line.spin(words);
  return work.finally(() => line.clear());
}

export const performCheck = (context: Context, symbol: string | null, { strict = false }: { strict?: boolean }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const report = await orAborted(during(screen, "Looking for faults", link.call("getQuality", { query: { symbol } })), signal);
    if (screen.json) screen.printJson(report);
    else screen.print(report.series.length === 0 ? "No data yet." : checkText(report.series, screen));
    return strict && report.series.some(({ severity }) => severity === "severe" || severity === "warning") ? EXIT.refused : EXIT.ok;
  });

export interface ActionOptions {
  readonly split?: readonly string[];
  readonly dividend?: readonly string[];
  readonly remove?: readonly string[];
  readonly import?: readonly string[];
}

export const performActions = (context: Context, symbol: string | null, options: ActionOptions): Promise<number> => {
  const put = [...(options.split ?? []).map((text) => readAction("split", text)), ...(options.dividend ?? []).map((text) => readAction("dividend", text))];
  const remove = (options.remove ?? []).map(readRemoved);
  if (symbol === null && (put.length > 0 || remove.length > 0))
    throw TinoError.of("usage", { reason: "Of which instrument? Name it before the options.", verb: "data actions" });
  return withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    if (options.import) {
      const paths = options.import.map((file) => resolve(context.cwd, file));
      const reply = await orAborted(link.call("importActions", { body: { paths, symbol } }), signal);
      if (screen.json) screen.printJson(reply);
      else screen.print(`${count(reply.rows)} splits and dividends read, ${count(reply.changed)} of them new or changed.`);
      return EXIT.ok;
    }
    if (put.length > 0 || remove.length > 0) await orAborted(link.call("changeActions", { body: { instrumentId: symbol as string, put, remove } }), signal);
    const { symbols } = await orAborted(link.call("listSymbols"), signal);
    const wanted = symbol?.toUpperCase();
    const shown = symbols.filter(
      ({ instrument }) => wanted === undefined || instrument.id.toUpperCase() === wanted || instrument.symbol.toUpperCase() === wanted,
    );
    if (symbol !== null && shown.length === 0) throw TinoError.of("symbol_unknown", { symbol, near: "" });
    if (screen.json) screen.printJson({ symbols: shown.map(({ instrument, actions }) => ({ instrumentId: instrument.id, actions })) });
    else screen.print(actionsText(shown, screen));
    return EXIT.ok;
  });
};

export const performResample = (context: Context, barType: string, step: string): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const { symbols } = await orAborted(link.call("listSymbols"), signal);
    const wanted = barType.toUpperCase();
    const named = symbols.find(({ instrument }) => instrument.id.toUpperCase() === wanted || instrument.symbol.toUpperCase() === wanted);
    // An instrument with several series does not say which is meant: then the engine asks for a bar type.
    const source = named?.coverage.length === 1 ? (named.coverage[0]?.barType ?? barType) : barType;
    const reply = await orAborted(during(screen, "Resampling", link.call("resampleData", { body: { barType: source, step: step.toUpperCase() } })), signal);
    if (screen.json) screen.printJson(reply);
    else screen.print(`${reply.coverage.barType}: ${count(reply.coverage.bars)} bars${reply.changed ? "" : ", as they were"}`);
    return EXIT.ok;
  });

export const performWatchlist = (
  context: Context,
  name: string | null,
  symbols: readonly string[],
  options: { add?: boolean; remove?: boolean },
): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const key = name?.replace(/^@/, "") ?? "";
    const { watchlists } = await orAborted(link.call("listWatchlists"), signal);
    const held = watchlists.find((list) => list.name === key)?.symbols ?? [];
    const same = (one: string, other: string) => one.toUpperCase() === other.toUpperCase() || one.split(".")[0]?.toUpperCase() === other.toUpperCase();
    const change = () => {
      if (name === null) return null;
      if (options.remove && symbols.length === 0) return link.call("removeWatchlist", { path: { name: key } });
      if (options.remove)
        return link.call("putWatchlist", { path: { name: key }, body: { symbols: held.filter((one) => !symbols.some((other) => same(one, other))) } });
      if (symbols.length > 0) return link.call("putWatchlist", { path: { name: key }, body: { symbols: options.add ? [...held, ...symbols] : [...symbols] } });
      return null;
    };
    const changed = change();
    const list =
      changed !== null ? await orAborted(changed, signal) : { watchlists: name === null ? watchlists : watchlists.filter((one) => one.name === key) };
    if (changed === null && name !== null && list.watchlists.length === 0) throw TinoError.of("watchlist_unknown", { name: key, near: "" });
    if (screen.json) screen.printJson(list);
    else
      screen.print(
        list.watchlists.length === 0 ? "No watchlists yet. `tino data watchlist tech AAPL MSFT` makes one." : watchlistsText(list.watchlists, screen),
      );
    return EXIT.ok;
  });

export interface FundamentalsOptions {
  readonly field?: string;
  readonly asOf?: string;
  readonly import?: readonly string[];
  readonly lagDays?: number;
}

export const performFundamentals = (context: Context, symbol: string | null, { field, asOf, lagDays, ...options }: FundamentalsOptions): Promise<number> => {
  if (symbol === null && !options.import) throw TinoError.of("usage", { reason: "Of which instrument? Name it, or import a file.", verb: "data fundamentals" });
  return withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    if (options.import) {
      const paths = options.import.map((file) => resolve(context.cwd, file));
      const reply = await orAborted(
        during(screen, "Reading the figures", link.call("importFundamentals", { body: { paths, symbol, lagDays: lagDays ?? null } })),
        signal,
      );
      if (screen.json) screen.printJson(reply);
      else screen.print(`${count(reply.rows)} figures of ${count(reply.instruments.length)} instruments read, ${count(reply.changed)} of them new or changed.`);
      return EXIT.ok;
    }
    const list = await orAborted(link.call("getFundamentals", { query: { symbol: symbol as string, field: field ?? null, asOf: asOf ?? null } }), signal);
    if (screen.json) screen.printJson(list);
    else screen.print(list.rows.length === 0 ? "No figures." : fundamentalsText(list.rows, screen));
    return EXIT.ok;
  });
};

export const performSample = (context: Context, sample: SampleQuery["sample"]): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const reply = await orAborted(during(screen, "Importing the sample data", link.call("importSample", { query: { sample } })), signal);
    if (screen.json) screen.printJson(reply);
    else screen.print(reply.imported.length > 0 ? `Imported ${count(reply.imported.length)} series.` : "The sample is already there.");
    return EXIT.ok;
  });

/** What the engine says of the data of a run. */
export const checkBefore = (link: EngineLink, { symbols, barTypes, from, to, adjustment }: BacktestRequest): Promise<DataCheck> =>
  link.call("checkData", { body: { symbols, barTypes, from, to, adjustment } });

/** Say it. @throws data_doubtful when nothing doubtful is wanted */
export function tellWarnings({ warnings }: DataCheck, screen: Screen, strict: boolean): void {
  if (warnings.length === 0) return;
  if (strict)
    throw TinoError.of("data_doubtful", { fault: warnings[0]?.finding.message ?? "", more: warnings.length > 1 ? ` And ${warnings.length - 1} more.` : "" });
  for (const warning of warnings.slice(0, 5)) screen.note(warningText(warning, screen));
  if (warnings.length > 5) screen.note(`${warnings.length - 5} more; \`tino data check\` lists them.`);
}

function readAction(kind: "split" | "dividend", text: string): CorporateAction {
  const [exDay = "", value = ""] = text.split("=");
  const [fresh, old = "1"] = value.split(":");
  const action = CorporateAction.safeParse({ exDay, kind, value: value.trim() === "" ? Number.NaN : Number(fresh) / Number(old) });
  if (action.success) return action.data;
  throw TinoError.of("usage", {
    reason: `--${kind} ${text} is not of the form ${kind === "split" ? "2020-08-31=4:1" : "2020-08-07=0.82"}.`,
    verb: "data actions",
  });
}

function readRemoved(text: string): { exDay: string; kind: "split" | "dividend" } {
  const [kind, exDay] = text.split("=");
  if ((kind === "split" || kind === "dividend") && exDay && /^\d{4}-\d\d-\d\d$/.test(exDay)) return { exDay, kind };
  throw TinoError.of("usage", { reason: `--remove ${text} is not of the form split=2020-08-31.`, verb: "data actions" });
}

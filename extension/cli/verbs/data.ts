/** Market data from the terminal: import files, list what is stored, look at one series, remove. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { tableFromIPC } from "@uwdata/flechette";
import { type Coverage, type DataImport, ImportRequest, type SymbolEntry, type SymbolList, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { followJob } from "./job.ts";
import type { Row } from "./show.ts";

/** What was typed; undefined where nothing was. */
export interface ImportOptions {
  readonly files: readonly string[];
  readonly symbol?: string | undefined;
  readonly venue?: string | undefined;
  readonly step?: string | undefined;
  readonly zone?: string | undefined;
  readonly stamp?: "open" | "close" | undefined;
  readonly dayClose?: string | undefined;
  /** `time=Datum,close=Schluss`: which column holds what. */
  readonly columns?: string | undefined;
  readonly timeFormat?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly decimal?: string | undefined;
  readonly thousands?: string | undefined;
  readonly encoding?: string | undefined;
  readonly skipLines?: string | undefined;
  readonly header?: boolean | undefined;
  readonly class?: string | undefined;
  readonly currency?: string | undefined;
  readonly precision?: string | undefined;
  readonly sizePrecision?: string | undefined;
  readonly replace?: boolean | undefined;
  readonly strict?: boolean | undefined;
}

const ROLES = ["time", "clock", "open", "high", "low", "close", "volume", "symbol"] as const;

/** Make the request; paths are checked here, so that a typing mistake starts no engine. @throws import_file_not_found, usage */
export function buildImport(options: ImportOptions, cwd: string): ImportRequest {
  const paths = options.files.map((file) => resolve(cwd, file));
  const missing = options.files.find((_, index) => !existsSync(paths[index] as string));
  if (missing !== undefined) throw TinoError.of("import_file_not_found", { path: missing });
  const read = ImportRequest.safeParse({
    paths,
    mode: options.replace ? "replace" : "merge",
    badRows: options.strict ? "stop" : "leaveOut",
    choices: {
      ...readColumns(options.columns),
      encoding: options.encoding ?? null,
      delimiter: options.delimiter === "tab" ? "\t" : (options.delimiter ?? null),
      decimal: options.decimal ?? null,
      thousands: options.thousands ?? null,
      header: options.header ?? null,
      skipLines: wholeOf(options.skipLines),
      timeFormat: options.timeFormat ?? null,
      zone: options.zone ?? null,
      stamp: options.stamp ?? null,
      dayClose: options.dayClose ?? null,
      step: options.step?.toUpperCase() ?? null,
      symbol: options.symbol ?? null,
      venue: options.venue ?? null,
      assetClass: options.class ?? null,
      currency: options.currency ?? null,
      pricePrecision: wholeOf(options.precision),
      sizePrecision: wholeOf(options.sizePrecision),
    },
  });
  if (read.success) return read.data;
  const field = read.error.issues[0]?.path.at(-1) ?? "";
  throw TinoError.of("usage", { reason: `${OPTIONS[String(field)] ?? `--${String(field)}`} is not of its form.`, verb: "data import" });
}

const OPTIONS: Record<string, string> = {
  step: "--step (such as 1-MINUTE or 1-DAY)",
  dayClose: "--day-close (a time such as 16:00)",
  delimiter: "--delimiter (one character, or tab)",
  decimal: "--decimal (a point or a comma)",
  assetClass: "--class (equity, crypto or fx)",
  currency: "--currency (such as USD)",
  venue: "--venue (such as XNAS)",
  pricePrecision: "--precision (0 to 12)",
  sizePrecision: "--size-precision (0 to 12)",
  skipLines: "--skip-lines (a number)",
};

const wholeOf = (text: string | undefined): number | null => (text === undefined ? null : text.trim() === "" ? Number.NaN : Number(text));

function readColumns(text: string | undefined): Record<string, string> {
  const chosen: Record<string, string> = {};
  for (const part of text?.split(",") ?? []) {
    const [role = "", ...name] = part.split("=");
    if (!(ROLES as readonly string[]).includes(role.trim()) || name.length === 0)
      throw TinoError.of("usage", { reason: `--columns ${part} is not of the form ${ROLES.join("|")}=name.`, verb: "data import" });
    chosen[role.trim() === "symbol" ? "symbolColumn" : role.trim()] = name.join("=").trim();
  }
  return chosen;
}

/**
 * Import and wait for the end. Aborting the signal cancels the import.
 * @throws what the import failed with; import_cancelled
 */
export const importFiles = (link: EngineLink, request: ImportRequest, signal: AbortSignal, onProgress: (job: DataImport) => void): Promise<DataImport> =>
  followJob<DataImport>(
    link,
    {
      start: () => link.call("startImport", { body: request }),
      get: (id) => link.call("getImport", { path: { id } }),
      cancel: (id) => link.call("cancelImport", { path: { id } }),
      of: (event) => (event.type === "import.changed" ? event.import : null),
      interrupted: (reason) => TinoError.of("import_interrupted", { reason, log: "engine.log" }),
      notFound: "import_not_found",
      alreadyEnded: "import_already_ended",
    },
    signal,
    onProgress,
  );

/** The series that words mean: a bar type, an instrument, or a symbol without its venue. @throws symbol_unknown */
export function findSeries(list: SymbolList, words: readonly string[]): { entry: SymbolEntry; coverage: Coverage }[] {
  const found = new Map<string, { entry: SymbolEntry; coverage: Coverage }>();
  for (const word of words) {
    const wanted = word.toUpperCase();
    const before = found.size;
    for (const entry of list.symbols)
      for (const coverage of entry.coverage)
        if ([coverage.barType, entry.instrument.id, entry.instrument.symbol].some((name) => name.toUpperCase() === wanted))
          found.set(coverage.barType, { entry, coverage });
    if (found.size === before) throw TinoError.of("symbol_unknown", { symbol: word, near: "" });
  }
  return [...found.values()];
}

/** The series that words mean, of bars and of ticks, by the names that a removal takes; `BTCUSDT.BINANCE trades` is one of ticks. @throws symbol_unknown */
export function findNames(list: SymbolList, words: readonly string[]): { name: string; rows: string }[] {
  const found = new Map<string, string>();
  for (const word of words) {
    const wanted = word.toUpperCase();
    const before = found.size;
    for (const { instrument, coverage, ticks } of list.symbols) {
      const whole = [instrument.id, instrument.symbol].some((name) => name.toUpperCase() === wanted);
      for (const { barType, bars } of coverage) if (whole || barType.toUpperCase() === wanted) found.set(barType, `${bars.toLocaleString("en-US")} bars`);
      for (const { kind, rows } of ticks) {
        const name = `${instrument.id} ${kind}`;
        if (whole || name.toUpperCase() === wanted) found.set(name, `${rows.toLocaleString("en-US")} rows`);
      }
    }
    if (found.size === before) throw TinoError.of("symbol_unknown", { symbol: word, near: "" });
  }
  return [...found].map(([name, rows]) => ({ name, rows }));
}

const SIZES_MS: Record<string, number> = { SECOND: 1_000, MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000, WEEK: 604_800_000, MONTH: 2_678_400_000 };

/** The last bars of a series, as traded. */
export async function lastBars(link: EngineLink, coverage: Coverage, count: number): Promise<Row[]> {
  const [, number, unit] = /-(\d+)-([A-Z]+)-[A-Z]+-[A-Z]+$/.exec(coverage.barType) ?? [];
  // Asked for by time: a span in which there are as many bars if a third of the time is traded, and a wider one while there are not.
  for (let span = Number(number ?? 1) * (SIZES_MS[unit ?? ""] ?? 60_000) * count * 3; ; span *= 8) {
    const from = Math.max(coverage.from, coverage.to - span);
    const rows = tableFromIPC(await link.call("getBars", { query: { barType: coverage.barType, from, adjustment: "none" } })).toArray() as Row[];
    if (rows.length >= count || from === coverage.from) return rows.slice(-count).map(({ ts, ...values }) => ({ ts: Number(ts), ...values }));
  }
}

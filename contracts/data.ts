/** Market data in the catalog: instruments, what is covered, corporate actions, bars on the wire. */
import { z } from "zod";
import { Day, EpochMs, UnsignedDecimal } from "./base.ts";

export const AssetClass = z.enum(["equity", "crypto", "fx", "future", "option", "index", "other"]).meta({ id: "AssetClass" });
export type AssetClass = z.infer<typeof AssetClass>;

/** Something that can be traded. `id` is `SYMBOL.VENUE`, as NautilusTrader writes it. */
export const Instrument = z
  .object({
    id: z.string(),
    symbol: z.string(),
    venue: z.string(),
    assetClass: AssetClass,
    name: z.string().nullable(),
    currency: z.string().describe("Quote currency, ISO code."),
    pricePrecision: z.number().int().min(0).max(16),
    priceIncrement: UnsignedDecimal,
    sizePrecision: z.number().int().min(0).max(16),
    lotSize: UnsignedDecimal,
    multiplier: UnsignedDecimal,
    timeZone: z.string().describe("IANA zone of its trading day."),
    periodsPerYear: z.number().int().describe("Trading days a year that annual figures use: 252 for stocks, 365 for crypto."),
  })
  .meta({ id: "Instrument" });
export type Instrument = z.infer<typeof Instrument>;

/**
 * How stored prices become the prices of a run. Stored is always "as traded".
 * `splits` divides earlier prices by later split ratios; `splitsAndDividends` also takes each dividend out of earlier prices.
 */
export const Adjustment = z.enum(["none", "splits", "splitsAndDividends"]).meta({ id: "Adjustment" });
export type Adjustment = z.infer<typeof Adjustment>;

export const CorporateAction = z
  .object({
    exDay: Day.describe("First day traded without the right: prices before it are adjusted."),
    kind: z.enum(["split", "dividend"]),
    value: z.number().describe("Split: new shares for one old. Dividend: cash a share in the instrument's currency, as traded."),
  })
  .meta({ id: "CorporateAction" });
export type CorporateAction = z.infer<typeof CorporateAction>;

/** One stored series of bars. */
export const Coverage = z
  .object({
    barType: z.string().describe("As NautilusTrader writes it: AAPL.XNAS-1-DAY-LAST-EXTERNAL."),
    instrumentId: z.string(),
    bars: z.number().int().min(0),
    from: EpochMs,
    to: EpochMs,
    source: z.string().describe("Where it came from, for people."),
    hash: z.string().describe("SHA-256 over the stored rows, made at import; part of a run's identity."),
  })
  .meta({ id: "Coverage" });
export type Coverage = z.infer<typeof Coverage>;

export const SymbolEntry = z.object({ instrument: Instrument, coverage: z.array(Coverage), actions: z.array(CorporateAction) }).meta({ id: "SymbolEntry" });
export type SymbolEntry = z.infer<typeof SymbolEntry>;

export const SymbolList = z.object({ symbols: z.array(SymbolEntry) }).meta({ id: "SymbolList" });
export type SymbolList = z.infer<typeof SymbolList>;

/** Query of `GET /api/data/bars`; the reply is an Arrow IPC stream with the columns of {@link BAR_COLUMNS}. */
export const BarsQuery = z
  .object({
    barType: z.string(),
    from: EpochMs.nullable().default(null),
    to: EpochMs.nullable().default(null),
    points: z.number().int().min(1).max(1_000_000).nullable().default(null).describe("At most about this many rows; bars are merged to reach it. Null: all of them."),
    adjustment: Adjustment.default("splitsAndDividends"),
  })
  .meta({ id: "BarsQuery" });
export type BarsQuery = z.infer<typeof BarsQuery>;

export const SampleReply = z.object({ imported: z.array(z.string()).describe("Bar types that were not there before."), symbols: z.array(SymbolEntry) }).meta({ id: "SampleReply" });
export type SampleReply = z.infer<typeof SampleReply>;

/** Columns of every bar table, stored or sent. `ts` is the close of the bar. */
export const BAR_COLUMNS = ["ts", "open", "high", "low", "close", "volume"] as const;

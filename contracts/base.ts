/**
 * The vocabulary every other contract is written in: the protocol number, money and time, identifiers, modes.
 *
 * Rules that hold for all of `contracts/`:
 * - Money, prices and quantities that somebody may act on are decimal text ({@link Decimal}); floats are for charts and statistics.
 * - Instants are `…At` or `ts`, whole milliseconds since the epoch ({@link EpochMs}); durations end in `Ms`.
 * - A request may omit a key that has a default; a reply always carries every key, `null` where there is nothing to say.
 * - Readers ignore keys they do not know. A change that an old reader would misread bumps {@link PROTOCOL}.
 */
import { z } from "zod";

/** Decimal number as text, exact: `"100000.00"`, `"-0.5"`. No exponent, no leading `+`, no NaN. */
export const Decimal = z
  .string()
  .regex(/^-?[0-9]+(\.[0-9]+)?$/)
  .meta({ id: "Decimal", description: "Exact decimal number as text." });
export type Decimal = z.infer<typeof Decimal>;

/** The same without a sign: balances, fees, sizes. */
export const UnsignedDecimal = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?$/)
  .meta({ id: "UnsignedDecimal", description: "Exact decimal number as text, zero or more." });
export type UnsignedDecimal = z.infer<typeof UnsignedDecimal>;

/** Whole milliseconds since 1970-01-01T00:00:00Z. */
export const EpochMs = z.number().int().min(-8_640_000_000_000_000).max(8_640_000_000_000_000).meta({ id: "EpochMs", description: "Whole milliseconds since the Unix epoch." });
export type EpochMs = z.infer<typeof EpochMs>;

/** A day in the instrument's own zone, `YYYY-MM-DD`. */
export const Day = z
  .string()
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/)
  .meta({ id: "Day", description: "Calendar day, YYYY-MM-DD." });
export type Day = z.infer<typeof Day>;

/** Identifier of a run: `run_` and a time-ordered suffix, so that sorting by id is sorting by start. */
export const RunId = z
  .string()
  .regex(/^run_[0-9a-z]{20,32}$/)
  .meta({ id: "RunId", description: "Identifier of a run." });
export type RunId = z.infer<typeof RunId>;

/** One start of the engine: 32 hex digits. Sequence numbers of events are comparable within one instance only. */
export const Instance = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .meta({ id: "Instance", description: "One start of the engine." });
export type Instance = z.infer<typeof Instance>;

/** 128 random bits, hex: names a client's lock file content and answers a challenge. */
export const Nonce = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .meta({ id: "Nonce", description: "128 random bits as hex." });
export type Nonce = z.infer<typeof Nonce>;

/** What may go wrong for real money. PAPER until a person confirms LIVE in words. */
export const Mode = z.enum(["PAPER", "LIVE"]).meta({ id: "Mode" });
export type Mode = z.infer<typeof Mode>;

/** How a process uses the engine. */
export const ClientKind = z.enum(["vscode", "cli", "browser", "trader"]).meta({ id: "ClientKind" });
export type ClientKind = z.infer<typeof ClientKind>;

/**
 * What a token may do, narrow to wide. `read` sees, `simulate` runs backtests, `stage` prepares order tickets,
 * `operate` submits orders and ends the engine. A browser session never gets `operate`.
 */
export const Scope = z.enum(["read", "simulate", "stage", "operate"]).meta({ id: "Scope" });
export type Scope = z.infer<typeof Scope>;

/** A place in a file; lines and columns count from 1. */
export const Location = z
  .object({
    path: z.string().describe("Absolute path."),
    line: z.number().int().min(1),
    column: z.number().int().min(1).nullable(),
  })
  .meta({ id: "Location" });
export type Location = z.infer<typeof Location>;

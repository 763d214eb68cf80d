/** The form of a backtest as data: what it starts from, what is wrong with it, and the request it becomes. */
import {
  type Adjustment,
  type BacktestRequest,
  type Coverage,
  Day,
  type ErrorBody,
  type Parameter,
  type ParameterValue,
  type Run,
  type RunSummary,
  type Strategy,
  type StrategyChoice,
  type SymbolEntry,
  type TickFeed,
  TinoError,
  VenueModel,
} from "#contracts";
import { checkParameter } from "../../parts/parameterChecks.ts";
import { checkVenue, readVenue, USUAL_VENUE, type VenueText, venueText } from "./venueText.ts";

/** What stands in the form. Texts that are not yet valid stay as typed. */
export interface Draft {
  readonly symbols: readonly string[];
  readonly barType: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly adjustment: Adjustment;
  readonly venue: VenueText;
  /** Bars, as typed; null for as many as the indicators need. */
  readonly warmUp: string | null;
  readonly perSymbol: boolean;
  readonly strategies: readonly StrategyChoice[];
  readonly ticks: readonly TickFeed[];
  /** Only what differs from the class's own defaults. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

/** The strategy runs on several instruments at once. */
export const takesMany = (strategy: Strategy): boolean =>
  strategy.parameters.some(({ kind, fromData }) => fromData && (kind === "instruments" || kind === "barTypes"));

/** A form nobody has touched: the first instrument of the catalog, everything else as it comes. */
export function emptyDraft(symbols: readonly SymbolEntry[]): Draft {
  const first = symbols[0]?.instrument.id;
  return {
    symbols: first ? [first] : [],
    barType: null,
    from: null,
    to: null,
    adjustment: "splitsAndDividends",
    venue: USUAL_VENUE,
    warmUp: "0",
    perSymbol: false,
    strategies: [],
    ticks: [],
    parameters: {},
  };
}

/** The form that would ask for a run again. */
export function draftOf(run: Run, strategy: Strategy): Draft {
  const known = new Map(strategy.parameters.map((parameter) => [parameter.name, parameter]));
  const parameters = Object.fromEntries(
    Object.entries(run.parameters).filter(([name, value]) => {
      const parameter = known.get(name);
      return parameter && !parameter.fromData && !sameValue(value, parameter.default);
    }),
  );
  return {
    symbols: run.symbols,
    barType: run.barTypes.length === 1 ? run.barTypes[0]! : null,
    from: run.from,
    to: run.to,
    adjustment: run.adjustment,
    venue: venueText(run.venue),
    warmUp: run.warmUp === null ? null : String(run.warmUp),
    perSymbol: run.perSymbol,
    strategies: run.strategies,
    ticks: run.ticks,
    parameters,
  };
}

export const sameValue = (a: ParameterValue | undefined, b: ParameterValue | undefined): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The value of a parameter as the form shows it. */
export const valueIn = (draft: Draft, parameter: Parameter): ParameterValue => draft.parameters[parameter.name] ?? parameter.default;

/** The draft with another value for a parameter; the default is not kept. */
export function withParameter(draft: Draft, parameter: Parameter, value: ParameterValue): Draft {
  const { [parameter.name]: _, ...others } = draft.parameters;
  return { ...draft, parameters: sameValue(value, parameter.default) ? others : { ...others, [parameter.name]: value } };
}

/** Stored series of the chosen instruments. */
export function coverageOf(symbols: readonly SymbolEntry[], chosen: readonly string[]): Coverage[] {
  return symbols.filter(({ instrument }) => chosen.includes(instrument.id)).flatMap(({ coverage }) => coverage);
}

/** What is wrong, by field, in the engine's own words. */
export function check(draft: Draft, strategy: Strategy): Map<string, ErrorBody> {
  const errors = new Map<string, ErrorBody>();
  const add = (error: ErrorBody | null) => error?.field && errors.set(error.field, error);
  for (const parameter of strategy.parameters) add(checkParameter(parameter, valueIn(draft, parameter)));
  if (draft.symbols.length === 0) add(TinoError.of("request_invalid", { reason: "no symbol was given" }, { field: "symbols" }).body);
  for (const field of ["from", "to"] as const) {
    const day = draft[field];
    if (day !== null && !Day.safeParse(day).success) add(TinoError.of("request_invalid", { reason: `${day} is not a day of the calendar` }, { field }).body);
  }
  if (draft.from !== null && draft.to !== null && errors.size === 0 && draft.from > draft.to)
    add(TinoError.of("range_invalid", { from: draft.from, to: draft.to }, { field: "to" }).body);
  if (draft.warmUp !== null && !/^[0-9]{1,6}$/.test(draft.warmUp))
    add(TinoError.of("parameter_invalid", { name: "Warm-up", expected: "a number of bars", value: draft.warmUp || "empty text" }, { field: "warmUp" }).body);
  for (const error of checkVenue(draft.venue)) add(error);
  return errors;
}

/** What to send; only for a draft without errors. */
export function requestOf(draft: Draft, strategy: Strategy): BacktestRequest {
  return {
    path: strategy.path,
    name: strategy.name,
    symbols: [...draft.symbols],
    barTypes: draft.barType === null ? [] : [draft.barType],
    from: draft.from,
    to: draft.to,
    parameters: { ...draft.parameters },
    adjustment: draft.adjustment,
    venue: VenueModel.parse(readVenue(draft.venue).data),
    warmUp: draft.warmUp === null ? null : Number(draft.warmUp),
    perSymbol: draft.perSymbol,
    strategies: [...draft.strategies],
    ticks: [...draft.ticks],
    cache: true,
  };
}

/** Exact: the decimal point moved two places, so that 0.0005 is 0.05 % and nothing is rounded. */
export function toPercentText(fraction: string): string {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(fraction)) return fraction;
  const [whole = "0", part = ""] = fraction.split(".");
  const digits = part.padEnd(2, "0");
  return tidy(`${whole}${digits.slice(0, 2)}.${digits.slice(2)}`);
}

/** The way back; what is not a number stays as it was typed. */
export function fromPercentText(text: string): string {
  const percent = text.trim();
  if (!/^[0-9]*(\.[0-9]*)?$/.test(percent) || !/[0-9]/.test(percent)) return percent;
  const [whole = "", part = ""] = percent.split(".");
  const digits = whole.padStart(3, "0");
  return tidy(`${digits.slice(0, -2)}.${digits.slice(-2)}${part}`);
}

function tidy(number: string): string {
  const [whole = "", part = ""] = number.split(".");
  const integer = whole.replace(/^0+(?=\d)/, "") || "0";
  const fraction = part.replace(/0+$/, "");
  return fraction ? `${integer}.${fraction}` : integer;
}

/** How a run differs from the defaults, in a few words: `fast 5, slow 30`. */
export function changesOf(run: RunSummary, strategy: Strategy | undefined): string {
  const defaults = new Map(strategy?.parameters.map((parameter) => [parameter.name, parameter]));
  return Object.entries(run.parameters)
    .filter(([name, value]) => {
      const parameter = defaults.get(name);
      return !parameter?.fromData && (!parameter || !sameValue(value, parameter.default));
    })
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join("+") : String(value)}`)
    .join(", ");
}

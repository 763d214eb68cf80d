/** The venue of a run as it is typed. */
import { TinoError, VenueModel } from "#contracts";

/** What was typed; undefined where nothing was. */
export interface VenueOptions {
  readonly balance?: string | undefined;
  readonly account?: "cash" | "margin" | undefined;
  readonly leverage?: string | undefined;
  readonly margin?: string[] | undefined;
  readonly positions?: "netting" | "hedging" | undefined;
  readonly fee?: string | undefined;
  readonly fills?: string | undefined;
  readonly slippage?: string | undefined;
  readonly limitFills?: string | undefined;
  readonly seed?: string | undefined;
  readonly latency?: string | undefined;
  readonly barExecution?: "on" | "off" | undefined;
  readonly adaptiveHighLow?: "on" | "off" | undefined;
}

/** Make the venue model; the defaults where nothing was typed. @throws usage, naming the option that is not of its form */
export function readVenue(options: VenueOptions, verb: string): VenueModel {
  const given = {
    startingBalance: options.balance,
    accountType: options.account?.toUpperCase(),
    leverage: options.leverage,
    margins: options.margin && Object.fromEntries(options.margin.map((text) => readMargin(text, verb))),
    omsType: options.positions?.toUpperCase(),
    ...(options.fee === undefined ? {} : readFee(options.fee)),
    fillModel: options.fills,
    slippageProbability: readNumber(options.slippage),
    limitFillProbability: readNumber(options.limitFills),
    seed: readNumber(options.seed),
    ...(options.latency === undefined ? {} : readLatency(options.latency)),
    barExecution: options.barExecution && options.barExecution === "on",
    adaptiveHighLow: options.adaptiveHighLow && options.adaptiveHighLow === "on",
  };
  const venue = VenueModel.safeParse(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  if (venue.success) return venue.data;
  const name = String(venue.error.issues[0]?.path[0] ?? "");
  throw TinoError.of("usage", { reason: `${FORMS[name] ?? name} is not of its form.`, verb });
}

const FORMS: Record<string, string> = {
  startingBalance: "--balance (an amount such as 100000)",
  leverage: "--leverage (a number such as 2)",
  margins: "--margin (such as AAPL.XNAS=25%, above 0 and at most 100%)",
  makerFee: "--fee (0.05%, 0.0005, 0.02%/0.05%, 1/order or 0.005/unit)",
  takerFee: "--fee (0.05%, 0.0005, 0.02%/0.05%, 1/order or 0.005/unit)",
  feeAmount: "--fee (0.05%, 0.0005, 0.02%/0.05%, 1/order or 0.005/unit)",
  slippageProbability: "--slippage (a probability such as 0.3)",
  limitFillProbability: "--limit-fills (a probability such as 0.8)",
  seed: "--seed (a whole number)",
  latencyMs: "--latency (milliseconds such as 50, or 50,cancel=20)",
  submitLatencyMs: "--latency (milliseconds such as 50, or 50,cancel=20)",
  modifyLatencyMs: "--latency (milliseconds such as 50, or 50,cancel=20)",
  cancelLatencyMs: "--latency (milliseconds such as 50, or 50,cancel=20)",
};

function readMargin(text: string, verb: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw TinoError.of("usage", { reason: `${FORMS.margins} is not of its form.`, verb });
  return [text.slice(0, at).trim(), readFraction(text.slice(at + 1).trim())];
}

function readFee(text: string): Record<string, string> {
  const [first = "", second] = text.split("/").map((part) => part.trim());
  if (second === "order") return { feeModel: "fixed", feeAmount: first };
  if (second === "unit") return { feeModel: "perContract", feeAmount: first };
  return { feeModel: "makerTaker", makerFee: readFraction(first), takerFee: readFraction(second ?? first) };
}

function readLatency(text: string): Record<string, number | string | undefined> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [name = "", value] = part.split("=").map((side) => side.trim());
      if (value === undefined) return ["latencyMs", readNumber(name)];
      // A name that is none of these makes the whole text one that is not of its form.
      return /^(submit|modify|cancel)$/.test(name) ? [`${name}LatencyMs`, readNumber(value)] : ["latencyMs", text];
    }),
  );
}

/** A number, or the text that is none, for the model to refuse. */
function readNumber(text: string | undefined): number | string | undefined {
  return text !== undefined && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** `0.05%` → `0.0005`, shifted as text so that no digit is invented. */
function readFraction(text: string): string {
  const match = /^([0-9]*)(?:\.([0-9]*))?\s*%$/.exec(text);
  if (!match) return text;
  const digits = `00${match[1] || "0"}`;
  return `${digits.slice(0, -2).replace(/^0+(?=[0-9])/, "")}.${digits.slice(-2)}${match[2] ?? ""}`;
}

/** The venue as it stands in the form: what it is called, how it is read, what is wrong with it. */
import { type ErrorBody, TinoError, VenueModel } from "#contracts";

/** Every figure as text; margins too, by instrument. */
export type VenueText = { readonly [K in keyof VenueModel]: VenueModel[K] extends number ? string : VenueModel[K] };

/** What the fields are called. */
export const VENUE_WORDS: Readonly<Record<keyof VenueText, string>> = {
  accountType: "Account",
  startingBalance: "Starting balance",
  leverage: "Leverage",
  margins: "Margin",
  omsType: "Positions",
  feeModel: "Fees",
  makerFee: "Maker fee",
  takerFee: "Taker fee",
  feeAmount: "Fee",
  fillModel: "Fills",
  slippageProbability: "Slippage probability",
  limitFillProbability: "Limit fill probability",
  seed: "Seed",
  latencyMs: "Latency",
  submitLatencyMs: "New orders, further",
  modifyLatencyMs: "Changes, further",
  cancelLatencyMs: "Cancellations, further",
  barExecution: "Bars move the market",
  adaptiveHighLow: "High and low inside a bar",
};

const FIGURES = ["slippageProbability", "limitFillProbability", "seed", "latencyMs", "submitLatencyMs", "modifyLatencyMs", "cancelLatencyMs"] as const;

export const USUAL_VENUE: VenueText = venueText(VenueModel.parse({}));

export function venueText(venue: VenueModel): VenueText {
  return { ...venue, ...figures((name) => String(venue[name])) };
}

export function readVenue(venue: VenueText) {
  return VenueModel.safeParse({ ...venue, ...figures((name) => (venue[name].trim() === "" ? Number.NaN : Number(venue[name]))) });
}

/** What is wrong, at fields such as `venue.takerFee` or `venue.margins.AAPL.XNAS`. */
export function checkVenue(venue: VenueText): ErrorBody[] {
  return (readVenue(venue).error?.issues ?? []).map(({ path }) => {
    const [name, instrument] = path as [keyof VenueText, string | undefined];
    const value = instrument === undefined ? String(venue[name]) : (venue.margins[instrument] ?? "");
    const words = instrument === undefined ? VENUE_WORDS[name] : `Margin of ${instrument}`;
    return TinoError.of("parameter_invalid", { name: words, expected: expected(name), value: value || "empty text" }, { field: `venue.${path.join(".")}` })
      .body;
  });
}

/** The fields in which two venues differ. */
export function venueChanges(venue: VenueText, usual: VenueText = USUAL_VENUE): (keyof VenueText)[] {
  const text = (value: unknown) => JSON.stringify(value);
  return (Object.keys(VENUE_WORDS) as (keyof VenueText)[]).filter((name) => text(venue[name]) !== text(usual[name]));
}

function expected(name: keyof VenueText): string {
  if (name === "margins") return "above 0 % and at most 100 %";
  if (name.endsWith("Probability")) return "a number from 0 to 1";
  if (name.endsWith("atencyMs")) return "a whole number of milliseconds, at most a day";
  return name === "seed" ? "a whole number" : "a number, zero or more";
}

function figures<T>(take: (name: (typeof FIGURES)[number]) => T) {
  return Object.fromEntries(FIGURES.map((name) => [name, take(name)])) as Record<(typeof FIGURES)[number], T>;
}

/** The simulated venue: what a run assumes about accounts, fees, fills and latency. */
import { z } from "zod";
import { UnsignedDecimal } from "./base.ts";

/**
 * NautilusTrader's fill models: how much of an order fills at the best price, and where the rest does. `standard` takes a quarter of
 * a bar's volume at each of its prices; the others do not look at the volume. {@link FILL_MODELS} says each in a sentence.
 */
export const FillModel = z.enum(["standard", "bestPrice", "oneTick", "probabilistic", "twoTier", "threeTier", "sizeAware", "partialLimit", "volumeSensitive", "competitionAware"]).meta({ id: "FillModel" });
export type FillModel = z.infer<typeof FillModel>;

/** How fees are reckoned: rates of the value, a fixed amount an order, an amount for each unit traded. */
export const FeeModel = z.enum(["makerTaker", "fixed", "perContract"]).meta({ id: "FeeModel" });
export type FeeModel = z.infer<typeof FeeModel>;

/** Positive fraction of one: `0.25`. */
const margin = z.string().regex(/^(0\.[0-9]*[1-9][0-9]*|1(\.0+)?)$/);
const latency = z.number().int().min(0).max(86_400_000);

/** How the simulated venue treats orders. Every field is shown with the result. */
export const VenueModel = z
  .object({
    accountType: z.enum(["CASH", "MARGIN"]).default("MARGIN").describe("CASH refuses short sales; MARGIN allows them within the margin."),
    startingBalance: UnsignedDecimal.default("100000").describe("In the instrument's quote currency."),
    leverage: UnsignedDecimal.default("1").describe("Exposure allowed per unit of equity on a MARGIN account; ignored on CASH."),
    margins: z.record(z.string(), margin).default({}).describe("Margin that single instruments need, initial and maintenance, as a fraction of their value; the leverage does not count for them."),
    omsType: z.enum(["NETTING", "HEDGING"]).default("NETTING").describe("NETTING: one position an instrument and strategy. HEDGING: a position for each order that names none."),
    feeModel: FeeModel.default("makerTaker"),
    makerFee: UnsignedDecimal.default("0.0005").describe("Fraction of the traded value, for fills that rested in the book."),
    takerFee: UnsignedDecimal.default("0.0005").describe("Fraction of the traded value, for fills that took liquidity."),
    feeAmount: UnsignedDecimal.default("1").describe("Money an order (`fixed`) or a unit traded (`perContract`), in the instrument's quote currency."),
    fillModel: FillModel.default("standard"),
    slippageProbability: z.number().min(0).max(1).default(0).describe("Chance that a market or stop order fills one tick worse than the fill model says."),
    limitFillProbability: z.number().min(0).max(1).default(1).describe("Chance that a limit order fills when a price only touches it."),
    seed: z.number().int().min(0).max(4_294_967_295).default(42).describe("Of the fill model's random numbers."),
    latencyMs: latency.default(0).describe("Time that every order, change and cancellation takes to the venue."),
    submitLatencyMs: latency.default(0).describe("Further time that a new order takes."),
    modifyLatencyMs: latency.default(0).describe("Further time that a change takes."),
    cancelLatencyMs: latency.default(0).describe("Further time that a cancellation takes."),
    barExecution: z.boolean().default(true).describe("Bars move the market. Off: only quotes and trades do, and a run with bars alone fills nothing."),
    adaptiveHighLow: z.boolean().default(true).describe("Inside a bar the nearer of high and low comes first. Off: the high always does."),
  })
  .meta({ id: "VenueModel" });
export type VenueModel = z.infer<typeof VenueModel>;

/** What each fill model does with a market order, in the words of every client. */
export const FILL_MODELS: Record<FillModel, { readonly label: string; readonly does: string }> = {
  standard: { label: "Bar volume", does: "A quarter of the bar's volume at the price, the rest one price increment worse." },
  bestPrice: { label: "Best price", does: "Everything at the price, whatever the size." },
  oneTick: { label: "One tick worse", does: "Everything one price increment worse." },
  probabilistic: { label: "Half a chance", does: "With a probability of one half everything at the price, else everything one price increment worse." },
  twoTier: { label: "Two tiers", does: "10 units at the price, the rest one price increment worse." },
  threeTier: { label: "Three tiers", does: "50 units at the price, 30 one and 20 two price increments worse; what is beyond 100 is left." },
  sizeAware: { label: "By size", does: "Orders of at most 10 units at the price; of larger ones 10 units at the price, the rest one price increment worse." },
  partialLimit: { label: "Partial limits", does: "5 units at the price, the rest one price increment worse." },
  volumeSensitive: { label: "By recent volume", does: "250 units at the price, the rest one price increment worse." },
  competitionAware: { label: "With competition", does: "300 units at the price; what is beyond is left." },
};

/** What a run may be told about its venue; apart from what it does with that, so that help is printed without loading it. */
import { type Command, Option } from "commander";

/** The options that make a venue model, in the order of the page's form; `readVenue` of `verbs/venue.ts` reads them. */
export function addVenueOptions(command: Command): Command {
  return command
    .option("--balance <amount>", "starting balance, in the instrument's currency")
    .addOption(new Option("--account <type>", "margin allows short sales, cash does not").choices(["cash", "margin"]))
    .option("--leverage <number>", "exposure allowed per unit of equity on a margin account")
    .option("--margin <symbol=fraction>", "margin of an instrument of its own, such as AAPL.XNAS=25%; again for more", collect)
    .addOption(new Option("--positions <kind>", "netting: one an instrument; hedging: one an order").choices(["netting", "hedging"]))
    .option("--fee <fee>", "0.05%, or 0.02%/0.05% for makers and takers, 1/order, 0.005/unit")
    .addOption(
      new Option("--fills <model>", "fill model").choices([
        "standard",
        "bestPrice",
        "oneTick",
        "probabilistic",
        "twoTier",
        "threeTier",
        "sizeAware",
        "partialLimit",
        "volumeSensitive",
        "competitionAware",
      ]),
    )
    .option("--slippage <probability>", "chance that a market or stop order fills one tick worse, 0 to 1")
    .option("--limit-fills <probability>", "chance that a limit order fills when a price only touches it, 0 to 1")
    .option("--seed <number>", "of the fill model's random numbers")
    .option("--latency <ms>", "time an order takes to the venue, such as 50, or 50,submit=10,modify=10,cancel=20 for further time")
    .addOption(new Option("--bar-execution <on|off>", "off: only quotes and trades fill orders").choices(["on", "off"]))
    .addOption(new Option("--adaptive-high-low <on|off>", "on: the nearer of high and low comes first; off: the high").choices(["on", "off"]));
}

const collect = (value: string, values: string[] = []): string[] => [...values, value];

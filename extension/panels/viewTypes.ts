/** What the editor calls a panel of each page; the manifest's activation events name the same. */
import type { PageState } from "#contracts";

export const VIEW_TYPES = {
  backtest: "tino.backtest",
  runs: "tino.runsPage",
  compare: "tino.compare",
  data: "tino.dataPage",
  sweep: "tino.sweep",
} as const satisfies Record<PageState["page"], string>;

/** What `tino demo` runs. */
import type { SampleReply } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";

/** The example on a stock whose sample covers splits, dividends and two bear markets. */
export const DEMO = { file: "examples/strategies/ema_cross.py", symbol: ["AAPL.XNAS"], from: "2000-01-01", to: "2013-12-31" };

const IMPORT_TIMEOUT_MS = 300_000;

/** Bring the embedded sample data into the catalog; what is there already is left. */
export const importSample = (link: EngineLink, signal: AbortSignal): Promise<SampleReply> =>
  link.call("importSample", {}, { signal, timeoutMs: IMPORT_TIMEOUT_MS });

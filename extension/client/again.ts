/** Doing a run once more. */
import { BacktestRequest, type Run } from "#contracts";

/** The request that a run came from. */
export const requestOf = (run: Run): BacktestRequest =>
  // Whoever does a run once more wants it done.
  BacktestRequest.parse({ ...run, cache: false });

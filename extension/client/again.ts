/** Doing a run once more. */
import type { BacktestRequest, Run } from "#contracts";

/** The request that a run came from. */
export const requestOf = ({ path, name, symbols, barTypes, from, to, parameters, adjustment, venue }: Run): BacktestRequest => ({
  path,
  name,
  symbols,
  barTypes,
  from,
  to,
  parameters,
  adjustment,
  venue,
});

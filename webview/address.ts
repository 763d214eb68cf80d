/** A page's address in the browser: `/backtest?run=…&path=…&name=…`, `/runs`, `/compare?runs=…,…`. The start page is the backtest. */
import { PageState } from "#contracts";

/** Read an address; an unknown path is the start page. */
export function readAddress(address: { pathname: string; search: string }): PageState {
  const query = new URLSearchParams(address.search);
  const page = address.pathname.replace(/^\/+|\/+$/g, "");
  const read = PageState.safeParse({
    page,
    run: query.get("run"),
    path: query.get("path"),
    name: query.get("name"),
    ...(query.has("sweep") && { sweep: query.get("sweep") }),
    ...(query.has("runs") && { runs: query.get("runs")!.split(",") }),
    ...(query.has("symbol") && { symbol: query.get("symbol")! }),
  });
  return read.success ? read.data : { page: "backtest", run: null, path: null, name: null };
}

/** The address that {@link readAddress} reads as this state. */
export function pageAddress(state: PageState): string {
  const query = new URLSearchParams();
  for (const key of ["run", "path", "name"] as const) {
    const value = state[key];
    if (value !== null) query.set(key, value);
  }
  if (state.runs && state.runs.length > 0) query.set("runs", state.runs.join(","));
  if (state.symbol) query.set("symbol", state.symbol);
  if (state.sweep) query.set("sweep", state.sweep);
  const text = query.toString();
  return `/${state.page}${text ? `?${text}` : ""}`;
}

/**
 * The same strategy over the same 100 000 one-minute bars in other backtesters: bars a second, from the word to begin to the last figure.
 *
 * tino's side is a whole run with everything that it records and writes; theirs is the engine's run alone, with imports, compilation and
 * reading of the prices behind it. All decide alike and fill at the close of the deciding bar, without fees, so orders and profit must be those
 * that the rules come to without any engine. zipline-reloaded fills at the next minute and takes whole days only: its orders are counted over
 * fewer bars and its profit is another. Only backtesting.py, which has no venue (no account, no order states, no latency), is as fast.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { BacktestRequest } from "#contracts";
import { python } from "../engine.ts";
import { ensurePeers, PEERS } from "../peers.ts";
import { type Figure, inTurns, least, type Row } from "../row.ts";
import { CROSSING, runCrossing, takeScript, withBars } from "../runs.ts";

const BARS = 100_000;
const TURNS = 3;
const CENT = 0.005;
const WITHOUT_FEES = BacktestRequest.parse({ ...CROSSING, venue: { ...CROSSING.venue, takerFee: "0", makerFee: "0" } });

interface Peer {
  readonly name: string;
  readonly environment: string;
  /** How many times its bars a second tino must reach; null where it is shown only. */
  readonly least: number | null;
  readonly sameRules: boolean;
}

const ALL: readonly Peer[] = [
  { name: "backtrader", environment: "common", least: 13, sameRules: true },
  { name: "backtesting", environment: "common", least: 0.8, sameRules: true },
  { name: "vectorbt", environment: "common", least: null, sameRules: true },
  { name: "zipline", environment: "zipline", least: null, sameRules: false },
];

export const rows: readonly Row[] = ALL.map((peer) => ({
  name: `against ${peer.name}`,
  goal: `${peer.least === null ? "printed" : `≥ ${peer.least}×`}; bars a second of a whole run in tino, the floor is ${peer.name}'s`,
  run: () => compare(peer),
}));

async function compare(peer: Peer): Promise<Figure> {
  const program = await ensurePeers(peer.environment);
  return withBars(BARS, async (rig, link) => {
    const prices = join(rig.home, "prices.npz");
    const expected = JSON.parse(execFileSync(python(), ["-E", "-s", join(PEERS, "prices.py"), String(BARS), prices], { encoding: "utf8" })) as Came;
    const tino = async () => {
      const { elapsed, orders, profit } = await runCrossing(link, WITHOUT_FEES);
      same("tino", { orders, profit }, expected);
      return elapsed;
    };
    let bars = 0;
    const other = async () => {
      const { elapsed, answer } = await takeScript(program, ["-E", "-s", join(PEERS, `with_${peer.name}.py`), prices]);
      if (peer.sameRules) same(peer.name, { orders: answer.orders, profit: answer.profit ?? Number.NaN }, expected);
      bars = answer.bars;
      return elapsed;
    };
    const [ours, theirs] = await inTurns(TURNS, tino, other, least);
    const [value, floor] = [(BARS / ours) * 1_000, (bars / theirs) * 1_000];
    return { value, unit: "bars/s", floor, ratio: value / floor, ok: value / floor >= (peer.least ?? 0) };
  });
}

interface Came {
  readonly orders: number;
  readonly profit: number;
}

function same(who: string, came: Came, expected: Came): void {
  if (came.orders !== expected.orders || Math.abs(came.profit - expected.profit) > CENT)
    throw new Error(`Not the same run: ${JSON.stringify(came)} in ${who}, ${JSON.stringify(expected)} by the rules.`);
}

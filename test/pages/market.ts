/**
 * A market and a strategy for the pages' tests: seeded prices, two crossing averages traded on them, and every table a
 * real run leaves, at every level of detail. The engine has its own; this one only has to be plausible and the same each time.
 */
import { float64, int32, TimeUnit, tableFromArrays, tableToIPC, timestamp, utf8 } from "@uwdata/flechette";

export interface Shape {
  readonly rows: number;
  /** Close of the first bar. */
  readonly start: number;
  readonly stepMs: number;
  /** Leave out what is not a weekday. */
  readonly weekdays: boolean;
  readonly seed: number;
  readonly price: number;
  /** Spread of a bar's return. */
  readonly volatility: number;
  readonly fast: number;
  readonly slow: number;
  /** Fraction of the traded value. */
  readonly fee: number;
}

export const DAILY: Shape = {
  rows: 3_310,
  start: Date.UTC(2000, 0, 3, 21),
  stepMs: 86_400_000,
  weekdays: true,
  seed: 7,
  price: 26,
  volatility: 0.021,
  fast: 10,
  slow: 20,
  fee: 0.0005,
};
export const MINUTES: Shape = {
  rows: 500_000,
  start: Date.UTC(2019, 0, 2, 14, 31),
  stepMs: 60_000,
  weekdays: false,
  seed: 11,
  price: 140,
  volatility: 0.0006,
  fast: 10,
  slow: 20,
  fee: 0,
};

const STRATEGY = "/home/trader/strategies/ema_cross.py";
const SYMBOL = "AAPL.XNAS";
const CASH = 100_000;

/** mulberry32: small, seeded, good enough for a price. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Figures = Record<string, Float64Array>;
type Row = Record<string, string | number | null>;

export interface Result {
  readonly bars: Figures;
  readonly equity: Figures;
  readonly drawings: Figures;
  readonly fills: Row[];
  readonly orders: Row[];
  readonly trades: Row[];
  readonly log: Row[];
}

export function simulate(shape: Shape): Result {
  const { rows } = shape;
  const next = random(shape.seed);
  const column = () => new Float64Array(rows);
  const bars = { ts: column(), open: column(), high: column(), low: column(), close: column(), volume: column() };
  const drawings = { ts: bars.ts, fast: column().fill(Number.NaN), slow: column().fill(Number.NaN), rsi: column().fill(Number.NaN) };
  const equity = { ts: bars.ts, equity: column(), drawdown: column(), exposure: column() };
  const result: Result = { bars, equity, drawings, fills: [], orders: [], trades: [], log: [] };

  let at = shape.start;
  let price = shape.price;
  let [fast, slow, gain, loss] = [price, price, 0, 0];
  let [cash, held, high] = [CASH, 0, CASH];
  let open: Row | null = null;
  let openedRow = 0;
  for (let row = 0; row < rows; row++) {
    if (row > 0) at += shape.stepMs;
    while (shape.weekdays && (new Date(at).getUTCDay() === 0 || new Date(at).getUTCDay() === 6)) at += shape.stepMs;
    const first = price * (1 + (next() - 0.5) * shape.volatility * 0.5);
    const drift = shape.volatility ** 2;
    const normal = Math.sqrt(-2 * Math.log(next() || 1e-9)) * Math.cos(2 * Math.PI * next());
    const last = Math.max(0.5, first * (1 + drift + normal * shape.volatility));
    bars.ts[row] = at;
    bars.open[row] = round(first);
    bars.close[row] = round(last);
    bars.high[row] = round(Math.max(first, last) * (1 + next() * shape.volatility * 0.6));
    bars.low[row] = round(Math.min(first, last) * (1 - next() * shape.volatility * 0.6));
    bars.volume[row] = Math.round(1e6 * (0.5 + next() + Math.abs(normal)));
    const change = last - price;
    gain += (Math.max(change, 0) - gain) / 14;
    loss += (Math.max(-change, 0) - loss) / 14;
    price = last;
    const close = bars.close[row]!;
    fast += (close - fast) * (2 / (shape.fast + 1));
    slow += (close - slow) * (2 / (shape.slow + 1));
    if (row >= shape.slow - 1) {
      drawings.fast[row] = fast;
      drawings.slow[row] = slow;
      drawings.rsi[row] = 100 - 100 / (1 + gain / (loss || 1e-9));
      if (held === 0 && fast > slow) {
        const quantity = Math.floor((cash * 0.95) / close);
        held = quantity;
        cash -= quantity * close * (1 + shape.fee);
        order(result, at, "BUY", quantity, close, 44, shape.fee);
        open = { opened: at, instrument: SYMBOL, side: "LONG", quantity, entryPrice: close, entryOrderId: `O-${result.orders.length}` };
        openedRow = row;
        result.log.push({ ts: at, level: "INFO", message: `Averages crossed up at ${close}: buy ${quantity}`, path: STRATEGY, line: 43 });
      } else if (held > 0 && fast < slow && open) {
        const entry = Number(open.entryPrice);
        const fees = held * (entry + close) * shape.fee;
        cash += held * close * (1 - shape.fee);
        order(result, at, "SELL", held, close, 36, shape.fee);
        const profit = held * (close - entry) - fees;
        result.trades.push({
          ...open,
          closed: at,
          exitPrice: close,
          result: profit,
          return: profit / (held * entry),
          fees,
          bars: row - openedRow,
          exitOrderId: `O-${result.orders.length}`,
          path: STRATEGY,
          line: 44,
          exitLine: 36,
        });
        result.log.push({ ts: at, level: profit < -2_000 ? "WARNING" : "INFO", message: `Averages crossed down at ${close}`, path: STRATEGY, line: 35 });
        [held, open] = [0, null];
      }
    }
    const worth = cash + held * close;
    high = Math.max(high, worth);
    equity.equity[row] = worth;
    equity.drawdown[row] = worth / high - 1;
    equity.exposure[row] = (held * close) / worth;
  }
  if (open)
    result.trades.push({
      ...open,
      closed: null,
      exitPrice: null,
      result: 0,
      return: 0,
      fees: 0,
      bars: rows - openedRow,
      exitOrderId: null,
      path: STRATEGY,
      line: 44,
      exitLine: null,
    });
  return result;
}

const round = (value: number): number => Math.round(value * 100) / 100;

function order(result: Result, ts: number, side: string, quantity: number, price: number, line: number, fee: number): void {
  const orderId = `O-${result.orders.length + 1}`;
  result.orders.push({
    ts,
    instrument: SYMBOL,
    side,
    type: "MARKET",
    quantity,
    filled: quantity,
    averagePrice: price,
    limitPrice: null,
    triggerPrice: null,
    status: "FILLED",
    reason: null,
    tags: null,
    orderId,
    path: STRATEGY,
    line,
  });
  result.fills.push({ ts, instrument: SYMBOL, side, quantity, price, fee: quantity * price * fee, liquidity: "TAKER", orderId, path: STRATEGY, line });
}

/** How many levels a series has: each a quarter of the one before, the last with at most a thousand rows. */
export function levelsOf(rows: number): number {
  let levels = 1;
  while (rows / 4 ** (levels - 1) > 1_000) levels++;
  return levels;
}

const closing = (rows: number, scale: number): number[] =>
  Array.from({ length: Math.ceil(rows / scale) }, (_, index) => Math.min((index + 1) * scale, rows) - 1);

/** One level of a table of figures, as the contracts describe it: bars merge, lines keep lowest and highest of two rows. */
export function atLevel(kind: "bars" | "lines", figures: Figures, level: number): Figures {
  const scale = 4 ** level;
  const rows = figures.ts!.length;
  if (level === 0) return figures;
  const ends = closing(rows, scale);
  const out: Figures = { ts: Float64Array.from(ends, (end) => figures.ts![end]!) };
  for (const [name, column] of Object.entries(figures)) {
    if (name === "ts") continue;
    const values = new Float64Array(ends.length);
    ends.forEach((end, index) => {
      const from = index * scale;
      if (kind === "bars") {
        const part = column.subarray(from, end + 1);
        values[index] =
          name === "open"
            ? column[from]!
            : name === "close"
              ? column[end]!
              : name === "high"
                ? Math.max(...part)
                : name === "low"
                  ? Math.min(...part)
                  : part.reduce((sum, value) => sum + value, 0);
        return;
      }
      const pair = index - (index % 2);
      const [low, high] = extremes(column, pair * scale, Math.min((pair + 2) * scale, rows));
      const pick = index % 2 === 0 ? Math.min(low, high) : Math.max(low, high);
      values[index] = column[pick]!;
    });
    out[name] = values;
  }
  return out;
}

function extremes(column: Float64Array, from: number, to: number): [number, number] {
  let [low, high] = [from, from];
  for (let row = from; row < to; row++) {
    if (column[row]! < column[low]! || Number.isNaN(column[low]!)) low = row;
    if (column[row]! > column[high]! || Number.isNaN(column[high]!)) high = row;
  }
  return [low, high];
}

/** Rows as an Arrow stream; whole batches around the wanted range, as the engine cuts its files. */
export function arrowOfFigures(figures: Figures, from: number | null, to: number | null, batch = 16_384): Uint8Array {
  const ts = figures.ts!;
  const first =
    from === null
      ? 0
      : Math.floor(
          Math.max(
            0,
            ts.findIndex((at) => at >= from),
          ) / batch,
        ) * batch;
  const after = to === null ? -1 : ts.findIndex((at) => at > to);
  const last = after < 0 ? ts.length : Math.ceil(after / batch) * batch;
  const cut = Object.fromEntries(Object.entries(figures).map(([name, column]) => [name, column.subarray(first, last)]));
  const types = Object.fromEntries(Object.keys(figures).map((name) => [name, name === "ts" ? timestamp(TimeUnit.MILLISECOND, "UTC") : float64()]));
  return tableToIPC(tableFromArrays(cut, { types }), { format: "stream" })!;
}

const INSTANTS = new Set(["opened", "closed", "ts"]);
const COUNTS = new Set(["line", "exitLine", "bars"]);
const TEXTS = new Set([
  "instrument",
  "side",
  "liquidity",
  "orderId",
  "entryOrderId",
  "exitOrderId",
  "type",
  "status",
  "reason",
  "tags",
  "path",
  "level",
  "message",
]);

export function arrowOfRows(columns: readonly string[], rows: readonly Row[]): Uint8Array {
  const data = Object.fromEntries(columns.map((name) => [name, rows.map((row) => row[name] ?? null)]));
  const types = Object.fromEntries(
    columns.map((name) => [
      name,
      INSTANTS.has(name) ? timestamp(TimeUnit.NANOSECOND, "UTC") : COUNTS.has(name) ? int32() : TEXTS.has(name) ? utf8() : float64(),
    ]),
  );
  return tableToIPC(tableFromArrays(data, { types }), { format: "stream" })!;
}

/**
 * What a run did, drawn over its candles: where it held a position (shading), what each round trip brought (a line from
 * entry to exit in the colour of its result), and every fill (an arrow at its price, larger for more).
 *
 * Only what is visible is drawn, and no more than the pixels can show: of several fills that would cover each other one
 * stands for all, and the chart says how many it left out.
 */
import type { IPrimitivePaneView, ISeriesPrimitive, Logical, SeriesAttachedParameter } from "lightweight-charts";
import type { ChartColors } from "./colors.ts";
import { shade } from "./colors.ts";
import { lowerBound } from "./columns.ts";

/** Round trips in the order of their opening. Instants in ms; `closed` is NaN while open. */
export interface TradeMarks {
  readonly opened: Float64Array;
  readonly closed: Float64Array;
  readonly entry: Float64Array;
  readonly exit: Float64Array;
  readonly result: Float64Array;
  /** 1 long, −1 short. */
  readonly side: Int8Array;
  /** Row of each in the run's table of trades. */
  readonly row: Int32Array;
}

/** Fills in the order of time. */
export interface FillMarks {
  readonly ts: Float64Array;
  readonly price: Float64Array;
  readonly quantity: Float64Array;
  /** 1 bought, −1 sold. */
  readonly side: Int8Array;
}

export interface MarkCount {
  readonly shown: number;
  readonly visible: number;
}

/** Fills nearer than this to one another, in pixels, are drawn as one. */
const FILL_PITCH = 5;
const SMALLEST = 5;
const LARGEST = 9;
/** Further away than this a click does not mean a trade. */
const REACH = 8;

type Target = Parameters<NonNullable<ReturnType<IPrimitivePaneView["renderer"]>>["draw"]>[0];

/** The rows that the chart holds. */
export interface MarkRows {
  readonly ts: Float64Array;
  /** Instant after which the first row's stretch begins; −∞ at the start of the run. */
  readonly after: number;
  /** Index of an instant beyond the rows, by proportion: lines that begin or end out of sight keep their slope. */
  readonly beyond: (ts: number) => number;
}

/** Where things lie in the pane: x of row i is `left + i × step`. */
interface Place {
  readonly left: number;
  readonly step: number;
  readonly y: (price: number) => number | null;
}

interface Line {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export class Marks implements ISeriesPrimitive<number> {
  #attached: SeriesAttachedParameter<number> | null = null;
  #colors: ChartColors;
  #trades: TradeMarks | null = null;
  #fills: FillMarks | null = null;
  #rows: MarkRows = { ts: new Float64Array(0), after: 0, beyond: () => 0 };
  #largest = 1;
  #highlight = -1;
  #shading = true;
  #visible = true;
  readonly #counted: (count: MarkCount) => void;
  readonly #views: readonly IPrimitivePaneView[];

  constructor(colors: ChartColors, counted: (count: MarkCount) => void) {
    this.#colors = colors;
    this.#counted = counted;
    this.#views = [
      { zOrder: () => "bottom", renderer: () => ({ draw: () => {}, drawBackground: (target) => this.#drawShading(target) }) },
      { zOrder: () => "top", renderer: () => ({ draw: (target) => this.#drawTrades(target) }) },
    ];
  }

  attached(parameters: SeriesAttachedParameter<number>): void {
    this.#attached = parameters;
  }
  detached(): void {
    this.#attached = null;
  }
  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  setRun(trades: TradeMarks, fills: FillMarks): void {
    this.#trades = trades;
    this.#fills = fills;
    this.#largest = fills.quantity.reduce((most, quantity, index) => Math.max(most, quantity * fills.price[index]!), 0) || 1;
    this.#attached?.requestUpdate();
  }
  setRows(rows: MarkRows): void {
    this.#rows = rows;
  }
  setColors(colors: ChartColors): void {
    this.#colors = colors;
    this.#attached?.requestUpdate();
  }
  setVisible(visible: boolean, shading: boolean): void {
    this.#visible = visible;
    this.#shading = shading;
    this.#attached?.requestUpdate();
  }
  /** Index into the trades, −1 for none. */
  highlight(trade: number): void {
    this.#highlight = trade;
    this.#attached?.requestUpdate();
  }

  /** The trade whose line passes nearest to a point of the pane; −1 when none is near. */
  tradeAt(x: number, y: number): number {
    const trades = this.#trades;
    const place = this.#place();
    if (!trades || !place || !this.#visible) return -1;
    let nearest = -1;
    let least = REACH;
    const [first, last] = this.#tradesWithin(trades);
    for (let index = first; index < last; index++) {
      const line = this.#line(trades, index, place);
      const distance = line ? distanceToLine(x, y, line) : Number.POSITIVE_INFINITY;
      if (distance < least) {
        least = distance;
        nearest = index;
      }
    }
    return nearest;
  }

  /** Indices of the trades that may touch the rows. */
  #tradesWithin(trades: TradeMarks): [number, number] {
    const { ts } = this.#rows;
    if (ts.length === 0) return [0, 0];
    // Round trips of one instrument do not overlap, so only the one before the first may still be open.
    return [Math.max(0, lowerBound(trades.opened, ts[0]!) - 1), lowerBound(trades.opened, ts[ts.length - 1]! + 1)];
  }

  #place(): Place | null {
    const attached = this.#attached;
    if (!attached || this.#rows.ts.length === 0) return null;
    const scale = attached.chart.timeScale();
    const left = scale.logicalToCoordinate(0 as Logical);
    const next = scale.logicalToCoordinate(1 as Logical);
    if (left === null || next === null) return null;
    return { left, step: next - left, y: (price) => attached.series.priceToCoordinate(price) };
  }

  #x(place: Place, at: number): number {
    const { ts, after, beyond } = this.#rows;
    const instant = Math.floor(at);
    const row = instant > after && instant <= ts[ts.length - 1]! ? lowerBound(ts, instant) : beyond(instant);
    return place.left + row * place.step;
  }

  #line(trades: TradeMarks, index: number, place: Place): Line | null {
    const closed = trades.closed[index]!;
    const open = Number.isNaN(closed);
    const y1 = place.y(trades.entry[index]!);
    const y2 = place.y(open ? trades.entry[index]! : trades.exit[index]!);
    if (y1 === null || y2 === null) return null;
    return { x1: this.#x(place, trades.opened[index]!), y1, x2: open ? place.left + (this.#rows.ts.length - 1) * place.step : this.#x(place, closed), y2 };
  }

  #drawShading(target: Target): void {
    const trades = this.#trades;
    const place = this.#place();
    if (!trades || !place || !this.#shading) return;
    // biome-ignore lint/correctness/useHookAtTopLevel: a method of the canvas library, no hook.
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      const colors = { long: shade(this.#colors.buy, 0.07), short: shade(this.#colors.sell, 0.09) };
      const [first, last] = this.#tradesWithin(trades);
      // Neighbours without a pixel between them become one rectangle, so that a year of minute trades costs a few.
      let from = 0;
      let to = Number.NEGATIVE_INFINITY;
      let side = 0;
      const flush = () => {
        if (side === 0 || to < 0 || from > bitmapSize.width) return;
        context.fillStyle = side > 0 ? colors.long : colors.short;
        context.fillRect(Math.round(from), 0, Math.max(1, Math.round(to) - Math.round(from)), bitmapSize.height);
      };
      for (let index = first; index < last; index++) {
        const closed = trades.closed[index]!;
        const x1 = this.#x(place, trades.opened[index]!) * ratio;
        const x2 = Number.isNaN(closed) ? bitmapSize.width : this.#x(place, closed) * ratio;
        if (x2 < 0 || x1 > bitmapSize.width) continue;
        if (trades.side[index] === side && x1 - to < 1) to = Math.max(to, x2);
        else {
          flush();
          [from, to, side] = [x1, x2, trades.side[index]!];
        }
      }
      flush();
    });
  }

  #drawTrades(target: Target): void {
    const place = this.#place();
    if (!place || !this.#visible) return;
    // biome-ignore lint/correctness/useHookAtTopLevel: a method of the canvas library, no hook.
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      context.lineCap = "round";
      if (this.#trades) this.#drawLines(context, this.#trades, place, mediaSize.width);
      if (this.#fills) this.#drawFills(context, this.#fills, place, mediaSize.width);
    });
  }

  #drawLines(context: CanvasRenderingContext2D, trades: TradeMarks, place: Place, width: number): void {
    const [first, last] = this.#tradesWithin(trades);
    const gains = new Path2D();
    const losses = new Path2D();
    for (let index = first; index < last; index++) {
      const line = this.#line(trades, index, place);
      if (!line || line.x2 < 0 || line.x1 > width || line.x2 - line.x1 < 1 || index === this.#highlight) continue;
      const path = trades.result[index]! >= 0 ? gains : losses;
      path.moveTo(line.x1, line.y1);
      path.lineTo(line.x2, line.y2);
    }
    context.lineWidth = 1.5;
    context.strokeStyle = this.#colors.gain;
    context.stroke(gains);
    context.strokeStyle = this.#colors.loss;
    context.stroke(losses);
    const chosen = this.#highlight >= first && this.#highlight < last ? this.#line(trades, this.#highlight, place) : null;
    if (!chosen) return;
    const color = trades.result[this.#highlight]! >= 0 ? this.#colors.gain : this.#colors.loss;
    context.fillStyle = shade(color, 0.16);
    context.fillRect(chosen.x1, 0, Math.max(2, chosen.x2 - chosen.x1), 10_000);
    for (const [stroke, size] of [
      [this.#colors.background, 6],
      [color, 3],
    ] as const) {
      context.strokeStyle = stroke;
      context.lineWidth = size;
      context.beginPath();
      context.moveTo(chosen.x1, chosen.y1);
      context.lineTo(chosen.x2, chosen.y2);
      context.stroke();
    }
  }

  #drawFills(context: CanvasRenderingContext2D, fills: FillMarks, place: Place, width: number): void {
    const { ts, after } = this.#rows;
    const row = (x: number) => Math.min(Math.max(Math.floor((x - place.left) / place.step), 0), ts.length - 1);
    const leftmost = row(-LARGEST);
    const first = lowerBound(fills.ts, (leftmost === 0 ? after : ts[leftmost - 1]!) + 1);
    const last = lowerBound(fills.ts, ts[row(width + LARGEST)]! + 1);
    // Where fills are so many that each arrow stands for several, they must not hide the price.
    const crowded = last - first > width / 4;
    const room = Math.min(1, Math.max(crowded ? 0.35 : 0.75, place.step / 6));
    const taken = { [-1]: Number.NEGATIVE_INFINITY, 1: Number.NEGATIVE_INFINITY } as Record<number, number>;
    let shown = 0;
    const arrows = { [-1]: new Path2D(), 1: new Path2D() } as Record<number, Path2D>;
    for (let index = first; index < last; index++) {
      const side = fills.side[index]!;
      const x = this.#x(place, fills.ts[index]!);
      const y = place.y(fills.price[index]!);
      if (y === null || x - taken[side]! < FILL_PITCH) continue;
      taken[side] = x;
      shown++;
      const share = Math.sqrt((fills.quantity[index]! * fills.price[index]!) / this.#largest);
      const size = (SMALLEST + (LARGEST - SMALLEST) * share) * room;
      // The tip is at the price; a buy points up to it, a sale down.
      const path = arrows[side]!;
      path.moveTo(x, y);
      path.lineTo(x - size * 0.7, y + side * size * 1.3);
      path.lineTo(x + size * 0.7, y + side * size * 1.3);
      path.closePath();
    }
    context.lineJoin = "round";
    context.lineWidth = 1.5;
    context.strokeStyle = this.#colors.background;
    for (const side of [1, -1]) {
      if (!crowded) context.stroke(arrows[side]!);
      context.fillStyle = shade(side > 0 ? this.#colors.buy : this.#colors.sell, crowded ? 0.7 : 1);
      context.fill(arrows[side]!);
    }
    this.#counted({ shown, visible: last - first });
  }
}

function distanceToLine(x: number, y: number, { x1, y1, x2, y2 }: Line): number {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length));
  return Math.hypot(x - (x1 + share * (x2 - x1)), y - (y1 + share * (y2 - y1)));
}

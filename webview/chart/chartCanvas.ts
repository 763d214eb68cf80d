/**
 * The chart of a run: candles, volume, what the strategy drew, fills and round trips, equity, drawdown and exposure, in
 * panes over one time axis.
 *
 * What is visible is kept here, in rows of the run's axis (see `window.ts`); the library holds a slice of it and is told
 * which part of the slice to show. Everything that happens on every frame stays out of React.
 */
import {
  BaselineSeries,
  CandlestickSeries,
  CrosshairMode,
  createChartEx,
  HistogramSeries,
  type IChartApiBase,
  type ISeriesApi,
  LineSeries,
  LineStyle,
  LineType,
  PriceScaleMode,
  type SeriesType,
} from "lightweight-charts";
import type { Drawing } from "#contracts";
import { compact, money, number, percent, plain } from "../format.ts";
import { type ChartColors, readColors, shade } from "./colors.ts";
import { lowerBound } from "./columns.ts";
import type { ChartFrame } from "./frames.ts";
import { attachGestures } from "./gestures.ts";
import { Legend, type LegendItem } from "./legend.ts";
import { type FillMarks, type MarkCount, Marks, type TradeMarks } from "./marks.ts";
import { TimeAxis } from "./timeAxis.ts";
import { type ChartWindow, exactRowAt, levelFor, merged, rowAt, type Slice, sliceHolds, sliceOf, type Viewport } from "./window.ts";
import type { Zone } from "./zone.ts";

/** What a chart shows. */
export interface ChartRun {
  readonly id: string;
  readonly window: ChartWindow<ChartFrame>;
  readonly zone: Zone;
  /** Bars shorter than a day. */
  readonly intraday: boolean;
  readonly symbol: string;
  readonly currency: string;
  readonly priceDigits: number;
  readonly drawings: readonly Drawing[];
  readonly trades: TradeMarks;
  readonly fills: FillMarks;
  /** Equity of buying at the first close, per unit of the close; null where several instruments were traded. */
  readonly holdPerClose: number | null;
}

/** What may be shown or hidden. */
export interface ChartView {
  readonly logScale: boolean;
  readonly volume: boolean;
  readonly indicators: boolean;
  readonly trades: boolean;
  readonly positions: boolean;
  readonly hold: boolean;
  readonly drawdown: boolean;
  readonly exposure: boolean;
}

export const DEFAULT_VIEW: ChartView = {
  logScale: false,
  volume: true,
  indicators: true,
  trades: true,
  positions: true,
  hold: true,
  drawdown: true,
  exposure: true,
};

/** What the chart tells the page. */
export interface ChartReports {
  /** What is visible now, in words; told on every movement. */
  visible(text: string): void;
  detail(detail: ChartDetail): void;
  /** A trade was clicked, or stepped to: its index among the run's trades. */
  trade(index: number): void;
  /** The view was moved by hand. */
  moved(): void;
}

/** How true to the bars the picture is. */
export interface ChartDetail extends MarkCount {
  /** Bars that a candle merges. */
  readonly merged: number;
  /** Finer bars are on their way. */
  readonly loading: boolean;
}

export type ChartRange = "1M" | "3M" | "6M" | "YTD" | "1Y" | "5Y" | "All";

const FEWEST_ROWS = 8;

type Line = ISeriesApi<SeriesType, number>;

/** A line of a pane: where its figures come from and how the legend writes them. */
interface Plot {
  readonly series: Line;
  readonly values: (frame: ChartFrame) => Float64Array | undefined;
  readonly text: (value: number) => string;
}

interface Pane {
  readonly items: LegendItem[];
  readonly plots: Plot[];
}

export class ChartCanvas {
  readonly #chart: IChartApiBase<number>;
  readonly #element: HTMLElement;
  readonly #axis: TimeAxis;
  readonly #legend: Legend;
  readonly #marks: Marks;
  readonly #reports: ChartReports;
  readonly #resize: ResizeObserver;
  readonly #detach: () => void;
  /** Of the element, as last observed: asking for it while panning would cost a layout on every frame. */
  #size: { width: number; height: number };
  #colors: ChartColors;
  #run: ChartRun | null = null;
  #view: ChartView;
  #panes: Pane[] = [];
  #candles: ISeriesApi<"Candlestick", number> | null = null;
  #volume: ISeriesApi<"Histogram", number> | null = null;
  #viewport: Viewport = { from: 0, to: 1 };
  #frame: ChartFrame | null = null;
  #slice: Slice = { start: 0, end: 0 };
  /** Instant of the bar the legend shows; null: the last visible one. */
  #cursor: number | null = null;
  /** Where the pointer is over the chart; null while the cursor was set by keys or is nowhere. */
  #pointer: number | null = null;
  /** Bring this instant into the middle once the bars around it are known exactly. */
  #aim: number | null = null;
  #highlight = -1;
  #crosshair = 0;
  #fills: MarkCount = { shown: 0, visible: 0 };
  #told = "";

  constructor(element: HTMLElement, zone: Zone, view: ChartView, reports: ChartReports) {
    this.#element = element;
    this.#reports = reports;
    this.#view = view;
    this.#axis = new TimeAxis(zone);
    this.#colors = readColors();
    this.#chart = createChartEx<number, TimeAxis>(element, this.#axis, this.#options() as never) as IChartApiBase<number>;
    // Its canvases hang in a table for layout, which says nothing to a screen reader; the legend's text does.
    this.#chart.chartElement().setAttribute("aria-hidden", "true");
    this.#legend = new Legend(element);
    this.#marks = new Marks(this.#colors, (count) => this.#counted(count));
    this.#chart.subscribeCrosshairMove(({ point, sourceEvent }) => {
      // Told without an event when the cursor was set from here, and without a point when the pointer left.
      if (point && !sourceEvent) return;
      if (!point && this.#pointer === null) return;
      this.#pointer = point?.x ?? null;
      this.#followPointer();
      this.#writeLegend();
    });
    this.#size = { width: element.clientWidth, height: element.clientHeight };
    // A price axis that needs more room for its labels takes it from the bars, and the library would then show fewer of them.
    this.#chart.timeScale().subscribeSizeChange(() => this.#apply());
    this.#resize = new ResizeObserver(() => {
      this.#size = { width: element.clientWidth, height: element.clientHeight };
      this.#apply();
      this.#placeLegend();
    });
    this.#resize.observe(element);
    this.#detach = attachGestures(element, {
      area: () => ({ width: this.#chart.timeScale().width(), height: this.#size.height - this.#chart.timeScale().height() }),
      pan: (pixels) => this.#byHand(() => this.pan(pixels / this.#width())),
      zoom: (factor, x) => this.#byHand(() => this.zoom(factor, x / this.#width())),
      fit: () => this.#byHand(() => this.fit()),
      grab: () => this.clearCursor(),
      click: (x, y) => {
        const trade = this.#marks.tradeAt(x, y);
        if (trade >= 0) this.#reports.trade(trade);
      },
    });
  }

  dispose(): void {
    this.#detach();
    this.#resize.disconnect();
    cancelAnimationFrame(this.#crosshair);
    this.#run?.window.dispose();
    this.#legend.dispose();
    this.#chart.remove();
  }

  /** Show a run. The view stays where it is when the run covers the same rows; says whether it did. */
  show(run: ChartRun): boolean {
    const before = this.#run?.window.extent;
    const { extent } = run.window;
    const same = before?.rows === extent.rows && before.start === extent.start && before.coarse.at(-1) === extent.coarse.at(-1);
    if (this.#run !== run) this.#run?.window.dispose();
    this.#run = run;
    run.zone.prepare(extent.start, extent.coarse.at(-1) ?? extent.start);
    this.#axis.zone = run.zone;
    this.#axis.intraday = run.intraday;
    this.#frame = null;
    this.#highlight = -1;
    this.#cursor = null;
    this.#marks.setRun(run.trades, run.fills);
    this.#marks.highlight(-1);
    this.#build();
    if (same) this.#apply();
    else this.fit();
    return same;
  }

  /** A better frame has come. */
  refresh(): void {
    this.#apply();
  }

  setView(view: ChartView): void {
    this.#view = view;
    if (this.#run) this.#build();
    this.#apply();
  }

  setColors(): void {
    this.#colors = readColors();
    this.#chart.applyOptions(this.#options() as never);
    this.#marks.setColors(this.#colors);
    if (this.#run) this.#build();
    this.#apply();
  }

  /** Show all of it. */
  fit(): void {
    const rows = this.#run?.window.extent.rows ?? 1;
    const room = Math.max(0.5, rows * 0.015);
    this.#move({ from: -room, to: rows + room });
  }

  /** By a share of what is visible; positive shows earlier bars. */
  pan(share: number): void {
    const by = (this.#viewport.to - this.#viewport.from) * share;
    this.#move({ from: this.#viewport.from - by, to: this.#viewport.to - by });
  }

  /** Show `factor` times as much around a place, given as a share of the width. */
  zoom(factor: number, place = 0.5): void {
    const { from, to } = this.#viewport;
    const span = this.#bounded((to - from) * factor);
    const anchor = from + (to - from) * place;
    this.#move({ from: anchor - span * place, to: anchor + span * (1 - place) });
  }

  /** Show the last part of the run. */
  range(range: ChartRange): void {
    const run = this.#run;
    if (!run) return;
    if (range === "All") {
      this.fit();
      return;
    }
    const { extent } = run.window;
    const end = extent.coarse.at(-1)!;
    const from = rangeStart(range, end, run.zone);
    const row = from <= extent.start ? 0 : rowAt(from, extent);
    this.#move({ from: row, to: extent.rows + Math.max(0.5, (extent.rows - row) * 0.02) });
  }

  /** Move the cursor by bars. */
  step(bars: number): void {
    const frame = this.#frame;
    if (!frame || !this.#candles) return;
    const now = this.#cursor === null ? this.#lastVisible() : lowerBound(frame.ts, this.#cursor);
    const index = Math.min(Math.max(now + bars, 0), frame.ts.length - 1);
    const row = (frame.first + index) * merged(frame.level);
    const span = this.#viewport.to - this.#viewport.from;
    const at = frame.ts[index]!;
    if (row < this.#viewport.from) this.#move({ from: row - span * 0.1, to: row + span * 0.9 });
    else if (row + merged(frame.level) > this.#viewport.to) this.#move({ from: row - span * 0.9, to: row + span * 0.1 });
    this.#setCursor(at);
  }

  /** Go to the next trade (1) or the one before (−1), counted from the chosen one or from what is visible. */
  stepTrade(direction: 1 | -1): void {
    const run = this.#run;
    if (!run || run.trades.opened.length === 0) return;
    let next: number;
    if (this.#highlight >= 0) next = this.#highlight + direction;
    else {
      const at = this.#cursor ?? this.#frame?.ts[this.#lastVisible()] ?? 0;
      const after = lowerBound(run.trades.opened, at + 1);
      next = direction > 0 ? after : after - 1;
    }
    this.#reports.trade(Math.min(Math.max(next, 0), run.trades.opened.length - 1));
  }

  /** Mark a trade and bring it into view; −1 unmarks. */
  showTrade(index: number): void {
    const run = this.#run;
    this.#highlight = index;
    this.#marks.highlight(index);
    if (!run || index < 0) return;
    const { extent } = run.window;
    const opened = Math.floor(run.trades.opened[index]!);
    const closed = run.trades.closed[index]!;
    const last = Number.isNaN(closed) ? extent.coarse.at(-1)! : Math.floor(closed);
    const first = rowAt(opened, extent);
    const end = rowAt(last, extent);
    const span = this.#viewport.to - this.#viewport.from;
    const visible = first >= this.#viewport.from + span * 0.05 && end <= this.#viewport.to - span * 0.05;
    // A trade of a few bars is not to be found in a view of a hundred thousand: come close enough to see it.
    const wide = Math.max(end - first, 1);
    if (!visible || wide < span / 60) {
      const wanted = this.#bounded(Math.max(Math.min(span, Math.max(wide * 12, 120)), wide * 1.6));
      const middle = (first + end) / 2;
      this.#move({ from: middle - wanted / 2, to: middle + wanted / 2 });
      this.#aim = (opened + last) / 2;
      this.#apply();
    }
    this.#setCursor(opened);
  }

  /** Row of a trade in the run's table. */
  tradeRow(index: number): number {
    return this.#run?.trades.row[index] ?? -1;
  }

  /** Bring an instant into the middle and put the cursor there. */
  showTime(at: number): void {
    const run = this.#run;
    if (!run) return;
    const span = this.#bounded(Math.min(this.#viewport.to - this.#viewport.from, 240));
    const row = rowAt(Math.floor(at), run.window.extent);
    this.#move({ from: row - span / 2, to: row + span / 2 });
    this.#aim = Math.floor(at);
    this.#apply();
    this.#setCursor(Math.floor(at));
  }

  clearCursor(): void {
    this.#cursor = null;
    this.#pointer = null;
    this.#chart.clearCrosshairPosition();
    this.#writeLegend();
  }

  /** The legend of every pane as text, for those who cannot see it. */
  describe(): string {
    return this.#legend.texts().join("; ");
  }

  /** The chart with its legends on one picture. */
  picture(title: string): HTMLCanvasElement {
    const shot = this.#chart.takeScreenshot(true, false);
    const ratio = shot.width / this.#element.clientWidth;
    const head = 28;
    const canvas = document.createElement("canvas");
    canvas.width = shot.width;
    canvas.height = shot.height + head * ratio;
    const context = canvas.getContext("2d")!;
    context.fillStyle = this.#colors.background;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(shot, 0, head * ratio);
    context.scale(ratio, ratio);
    context.textBaseline = "middle";
    context.fillStyle = this.#colors.text;
    context.font = `600 13px ${this.#colors.font}`;
    context.fillText(title, 8, head / 2);
    context.font = `11px ${this.#colors.font}`;
    context.fillStyle = this.#colors.muted;
    const places = this.#panePlaces();
    this.#legend.texts().forEach((text, index) => {
      const place = places[index];
      if (place) context.fillText(text, 8, head + place.top + 11);
    });
    context.textAlign = "right";
    context.fillText("TradingView Lightweight Charts™", canvas.width / ratio - 8, head / 2);
    return canvas;
  }

  #byHand(action: () => void): void {
    this.#aim = null;
    action();
    this.#reports.moved();
  }

  #width(): number {
    return this.#chart.timeScale().width() || this.#size.width || 1;
  }

  #bounded(span: number): number {
    const rows = this.#run?.window.extent.rows ?? 1;
    return Math.min(Math.max(span, Math.min(FEWEST_ROWS, rows)), rows * 1.25 + 4);
  }

  #move({ from, to }: Viewport): void {
    const rows = this.#run?.window.extent.rows ?? 1;
    const span = this.#bounded(to - from);
    // Some of the data always stays in view.
    const start = Math.min(Math.max(from, -span * 0.7), rows - span * 0.3);
    this.#viewport = { from: start, to: start + span };
    this.#aim = null;
    this.#apply();
  }

  /** Bring the library into line with the view: the right frame, the right slice, the right range. */
  #apply(): void {
    const run = this.#run;
    if (!run || this.#size.width === 0) return;
    const { rows, levels } = run.window.extent;
    let frame = run.window.frameFor(this.#viewport, this.#width());
    if (this.#aim !== null) {
      const exact = exactRowAt(this.#aim, frame);
      if (exact !== null) {
        const span = this.#viewport.to - this.#viewport.from;
        this.#viewport = { from: exact + merged(frame.level) / 2 - span / 2, to: exact + merged(frame.level) / 2 + span / 2 };
        if (frame.level <= levelFor(this.#viewport, this.#width(), levels)) this.#aim = null;
        frame = run.window.frameFor(this.#viewport, this.#width());
      }
    }
    if (frame !== this.#frame || !sliceHolds(frame, this.#slice, this.#viewport, rows)) this.#setSlice(frame, sliceOf(frame, this.#viewport, rows));
    const scale = merged(frame.level);
    const offset = frame.first + this.#slice.start;
    this.#chart.timeScale().setVisibleLogicalRange({ from: this.#viewport.from / scale - offset, to: this.#viewport.to / scale - offset - 1 });
    this.#tellVisible();
    this.#tellDetail();
    if (this.#pointer !== null) this.#followPointer();
    else if (this.#cursor !== null) this.#placeCrosshair();
    this.#writeLegend();
  }

  /** The bar under the pointer, which may rest while the view moves. */
  #followPointer(): void {
    const frame = this.#frame;
    if (this.#pointer === null || !frame) this.#cursor = null;
    else {
      const { from, to } = this.#viewport;
      const row = from + ((to - from) * this.#pointer) / this.#width();
      this.#cursor = frame.ts[Math.min(Math.max(Math.floor(row / merged(frame.level)) - frame.first, 0), frame.ts.length - 1)] ?? null;
    }
  }

  #setSlice(frame: ChartFrame, slice: Slice): void {
    const run = this.#run;
    if (!run || !this.#candles) return;
    const { start, end } = slice;
    const { ts, open, high, low, close, volume } = frame;
    const candles: { time: number; open: number; high: number; low: number; close: number }[] = new Array(end - start);
    const volumes: { time: number; value: number }[] = [];
    for (let row = start; row < end; row++) {
      const time = ts[row]!;
      // A row on which this instrument has no bar keeps its place on the axis.
      candles[row - start] = Number.isNaN(open[row]!) ? ({ time } as never) : { time, open: open[row]!, high: high[row]!, low: low[row]!, close: close[row]! };
      if (this.#volume && !Number.isNaN(volume[row]!)) volumes.push({ time, value: volume[row]! });
    }
    this.#candles.setData(candles);
    this.#volume?.setData(volumes);
    for (const { plots } of this.#panes) {
      for (const { series, values } of plots) {
        const column = values(frame);
        const data: { time: number; value: number }[] = [];
        for (let row = start; column && row < end; row++) {
          const value = column[row]!;
          if (!Number.isNaN(value)) data.push({ time: ts[row]!, value });
        }
        series.setData(data);
      }
    }
    const beforeFirst = start > 0 ? ts[start - 1]! : frame.first === 0 ? Number.NEGATIVE_INFINITY : ts[0]! - 1;
    const offset = frame.first + start;
    this.#marks.setRows({ ts: ts.subarray(start, end), after: beforeFirst, beyond: (at) => rowAt(at, run.window.extent) / merged(frame.level) - offset });
    this.#frame = frame;
    this.#slice = slice;
  }

  /** Make panes and series anew for the run, the view and the colours. */
  #build(): void {
    const run = this.#run;
    if (!run) return;
    const chart = this.#chart;
    const view = this.#view;
    const colors = this.#colors;
    const heights = chart.panes().map((pane) => pane.getStretchFactor());
    const kept = this.#panes.map(({ items }) => items[0]?.label);
    for (const pane of [...chart.panes()].reverse()) for (const series of pane.getSeries()) chart.removeSeries(series);
    this.#panes = [];
    // Said for every pane: the library lets a new pane inherit what was last said for another.
    const scale = (pane: number, logarithmic: boolean, top: number, bottom: number) =>
      chart.priceScale("right", pane).applyOptions({ mode: logarithmic ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal, scaleMargins: { top, bottom } });
    const plain_ = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerRadius: 3 } as const;
    const line = (color: string, pane: number, format: (value: number) => string, more: object = {}) =>
      chart.addSeries(LineSeries, { ...plain_, color, lineWidth: 1, priceFormat: { type: "custom", formatter: format, minMove: 1e-8 }, ...more }, pane) as Line;

    this.#candles = chart.addSeries(
      CandlestickSeries,
      {
        upColor: colors.gain,
        downColor: colors.loss,
        wickUpColor: colors.gain,
        wickDownColor: colors.loss,
        borderVisible: false,
        priceLineVisible: false,
        lastValueVisible: true,
        priceFormat: { type: "price", precision: run.priceDigits, minMove: 10 ** -run.priceDigits },
      },
      0,
    ) as ISeriesApi<"Candlestick", number>;
    this.#candles.attachPrimitive(this.#marks);
    this.#marks.setVisible(view.trades, view.positions);
    scale(0, view.logScale, 0.12, view.volume ? 0.2 : 0.06);
    this.#volume = null;
    if (view.volume) {
      this.#volume = chart.addSeries(
        HistogramSeries,
        { ...plain_, priceScaleId: "volume", color: colors.volume, priceFormat: { type: "volume" } },
        0,
      ) as ISeriesApi<"Histogram", number>;
      chart.priceScale("volume", 0).applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    }
    const price: Pane = {
      items: [{ label: run.symbol }, { label: "O" }, { label: "H" }, { label: "L" }, { label: "C" }, { label: "" }, ...(view.volume ? [{ label: "Vol" }] : [])],
      plots: [],
    };
    this.#panes.push(price);

    const byPane = new Map<string, Drawing[]>();
    if (view.indicators) for (const drawing of run.drawings) byPane.set(drawing.pane, [...(byPane.get(drawing.pane) ?? []), drawing]);
    let used = 0;
    const draw = (drawing: Drawing, index: number, pane: Pane, digits: number) => {
      const color = colors.lines[used++ % colors.lines.length]!;
      const format = (value: number) => (Math.abs(value) >= 1e5 ? compact(value) : number(value, digits));
      pane.items.push({ label: drawing.label, color });
      pane.plots.push({ series: line(color, index, format), values: (frame) => frame.drawings.get(drawing.column), text: format });
    };
    for (const drawing of byPane.get("price") ?? []) draw(drawing, 0, price, run.priceDigits);
    byPane.delete("price");
    for (const drawings of byPane.values()) {
      const pane: Pane = { items: [], plots: [] };
      const index = this.#panes.push(pane) - 1;
      for (const drawing of drawings) draw(drawing, index, pane, 2);
      scale(index, false, 0.2, 0.08);
    }

    const cash = (value: number) => compact(value);
    const equity: Pane = { items: [{ label: "Equity", color: colors.text }], plots: [] };
    const equityAt = this.#panes.push(equity) - 1;
    equity.plots.push({
      series: line(colors.text, equityAt, cash, { lineWidth: 2 }),
      values: (frame) => frame.equity,
      text: (value) => money(value, run.currency),
    });
    const { holdPerClose } = run;
    if (view.hold && holdPerClose !== null) {
      equity.items.push({ label: "Buy and hold", color: colors.muted });
      equity.plots.push({
        series: line(colors.muted, equityAt, cash, { lineStyle: LineStyle.Dashed }),
        values: (frame) => frame.close.map((close) => close * holdPerClose),
        text: (value) => money(value, run.currency),
      });
    }
    scale(equityAt, view.logScale, 0.18, 0.06);

    const aroundZero = (label: string, above: string, below: string, values: Plot["values"], more: object = {}) => {
      const pane: Pane = { items: [{ label, color: colors.text }], plots: [] };
      const index = this.#panes.push(pane) - 1;
      const format = (value: number) => percent(value, 0);
      const series = chart.addSeries(
        BaselineSeries,
        {
          ...plain_,
          baseValue: { type: "price", price: 0 },
          topLineColor: above,
          topFillColor1: shade(above, 0.25),
          topFillColor2: shade(above, 0.25),
          bottomLineColor: below,
          bottomFillColor1: shade(below, 0.25),
          bottomFillColor2: shade(below, 0.25),
          lineWidth: 1,
          priceFormat: { type: "custom", formatter: format, minMove: 1e-4 },
          ...more,
        },
        index,
      ) as Line;
      pane.plots.push({ series, values, text: (value) => percent(value, 1) });
      scale(index, false, 0.22, 0.06);
    };
    if (view.drawdown) aroundZero("Drawdown", colors.loss, colors.loss, (frame) => frame.drawdown);
    if (view.exposure) aroundZero("Exposure", colors.buy, colors.sell, (frame) => frame.exposure, { lineType: LineType.WithSteps });

    // Heights the user has dragged stay as long as the panes are the same.
    const now = this.#panes.map(({ items }) => items[0]?.label);
    const same = now.length === kept.length && now.every((label, index) => label === kept[index]);
    chart.panes().forEach((pane, index) => {
      const usual = index === 0 ? 5 : index === equityAt ? 2 : 1;
      pane.setStretchFactor(same ? (heights[index] ?? usual) : usual);
    });
    this.#legend.setRows(this.#panes.map(({ items }) => items));
    this.#frame = null;
    this.#observePanes();
  }

  #observePanes(): void {
    // The library builds a pane's elements with the next frame; its own size changes come through them.
    requestAnimationFrame(() => {
      this.#resize.disconnect();
      this.#resize.observe(this.#element);
      for (const pane of this.#chart.panes()) {
        const element = pane.getHTMLElement();
        if (element) this.#resize.observe(element);
      }
      this.#placeLegend();
    });
  }

  #panePlaces(): { top: number; height: number }[] {
    const origin = this.#element.getBoundingClientRect().top;
    return this.#chart.panes().map((pane) => {
      const box = pane.getHTMLElement()?.getBoundingClientRect();
      return box ? { top: box.top - origin, height: box.height } : { top: 0, height: 0 };
    });
  }

  #placeLegend(): void {
    this.#legend.place(this.#panePlaces());
    this.#writeLegend();
  }

  #lastVisible(): number {
    const frame = this.#frame;
    if (!frame) return 0;
    return Math.min(Math.max(Math.ceil(this.#viewport.to / merged(frame.level)) - frame.first - 1, 0), frame.ts.length - 1);
  }

  #setCursor(at: number): void {
    if (!this.#frame || !this.#candles) return;
    this.#pointer = null;
    this.#cursor = at;
    this.#placeCrosshair();
    this.#writeLegend();
  }

  /** The library takes a new range over with its next frame and places a cursor by the old one until then. */
  #placeCrosshair(): void {
    cancelAnimationFrame(this.#crosshair);
    this.#crosshair = requestAnimationFrame(() => {
      const frame = this.#frame;
      if (!frame || !this.#candles || this.#cursor === null || this.#pointer !== null) return;
      const index = Math.min(lowerBound(frame.ts, this.#cursor), frame.ts.length - 1);
      const price = frame.close[index]!;
      if (!Number.isNaN(price)) this.#chart.setCrosshairPosition(price, frame.ts[index]!, this.#candles);
    });
  }

  #writeLegend(): void {
    const frame = this.#frame;
    const run = this.#run;
    if (!frame || !run || frame.ts.length === 0) return;
    const index = this.#cursor === null ? this.#lastVisible() : Math.min(lowerBound(frame.ts, this.#cursor), frame.ts.length - 1);
    const price = (column: Float64Array) => number(column[index]!, run.priceDigits);
    const close = frame.close[index]!;
    const before = index > 0 ? frame.close[index - 1]! : frame.open[index]!;
    const change = close / before - 1;
    this.#panes.forEach(({ plots }, pane) => {
      const values = plots.map(({ values: column, text }) => {
        const value = column(frame)?.[index] ?? Number.NaN;
        return Number.isNaN(value) ? "–" : text(value);
      });
      if (pane > 0) {
        this.#legend.write(pane, values);
        return;
      }
      const tone = change > 0 ? "gain" : change < 0 ? "loss" : null;
      const volume = this.#volume ? [compact(frame.volume[index])] : [];
      this.#legend.write(0, [
        this.#axis.label(frame.ts[index]!),
        price(frame.open),
        price(frame.high),
        price(frame.low),
        price(frame.close),
        { text: percent(change, 2, true), tone },
        ...volume,
        ...values,
      ]);
    });
  }

  #counted(count: MarkCount): void {
    if (count.shown === this.#fills.shown && count.visible === this.#fills.visible) return;
    this.#fills = count;
    // Told from within the library's drawing: the page may only change after it.
    queueMicrotask(() => this.#tellDetail());
  }

  #tellDetail(): void {
    if (!this.#frame || !this.#run) return;
    const { window } = this.#run;
    const coarse = this.#frame.level > levelFor(this.#viewport, this.#width(), window.extent.levels);
    this.#reports.detail({ merged: merged(this.#frame.level), loading: coarse && window.loading, ...this.#fills });
  }

  #tellVisible(): void {
    const frame = this.#frame;
    if (!frame || frame.ts.length === 0) return;
    const scale = merged(frame.level);
    const clamp = (index: number) => Math.min(Math.max(index, 0), frame.ts.length - 1);
    const left = clamp(Math.floor(this.#viewport.from / scale) - frame.first);
    // A merged row is named by its last bar; the run begins with its first.
    const first = left + frame.first === 0 ? this.#run!.window.extent.start : frame.ts[left]!;
    const last = frame.ts[clamp(Math.ceil(this.#viewport.to / scale) - frame.first - 1)]!;
    const rows = Math.round(Math.min(this.#viewport.to, this.#run!.window.extent.rows) - Math.max(this.#viewport.from, 0));
    const text = `${this.#axis.label(first)} – ${this.#axis.label(last)} · ${plain(rows, 0)} bars`;
    if (text === this.#told) return;
    this.#told = text;
    this.#reports.visible(text);
  }

  #options(): object {
    const colors = this.#colors;
    const crossLine = { color: shade(colors.text, 0.45), width: 1, style: LineStyle.Dashed, labelBackgroundColor: shade(colors.label, 1) };
    return {
      autoSize: true,
      layout: {
        background: { type: "solid", color: shade(colors.background, 1) },
        textColor: shade(colors.muted, 1),
        fontFamily: colors.font,
        fontSize: 11,
        attributionLogo: false,
        panes: { enableResize: true, separatorColor: shade(colors.border, 1), separatorHoverColor: shade(colors.accent, 0.35) },
      },
      grid: { vertLines: { color: colors.grid }, horzLines: { color: colors.grid } },
      crosshair: { mode: CrosshairMode.Normal, vertLine: crossLine, horzLine: crossLine },
      rightPriceScale: { borderColor: shade(colors.border, 1), entireTextOnly: true, minimumWidth: 64 },
      timeScale: {
        borderColor: shade(colors.border, 1),
        minBarSpacing: 0.001,
        rightOffset: 0,
        shiftVisibleRangeOnNewBar: false,
        lockVisibleTimeRangeOnResize: false,
        allowBoldLabels: true,
        // Our labels are this short; with room for more, months would give way to bare days.
        tickMarkMaxCharacterLength: 5,
      },
      handleScroll: false,
      handleScale: {
        mouseWheel: false,
        pinch: false,
        axisPressedMouseMove: { time: false, price: true },
        axisDoubleClickReset: { time: false, price: true },
      },
      kineticScroll: { mouse: false, touch: false },
    };
  }
}

/** First instant of a range that ends with the data; whole days of the zone. */
function rangeStart(range: Exclude<ChartRange, "All">, end: number, zone: Zone): number {
  const clock = new Date(zone.clock(end));
  const back = { "1M": 1, "3M": 3, "6M": 6, "1Y": 12, "5Y": 60 } as const;
  const start =
    range === "YTD" ? Date.UTC(clock.getUTCFullYear(), 0, 1) : Date.UTC(clock.getUTCFullYear(), clock.getUTCMonth() - back[range], clock.getUTCDate());
  return end - (zone.clock(end) - start);
}

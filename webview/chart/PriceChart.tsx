/** Candles and volume of one stored series, thinned by the engine to what the pixels need; marks for what was found in it. */
import { CandlestickSeries, createChart, createSeriesMarkers, HistogramSeries, type UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef, useState } from "react";
import { onThemeChange, readColors, shade } from "./colors.ts";
import { type Columns, lowerBound } from "./columns.ts";
import { Zone } from "./zone.ts";

/** Something to point at: shown below the bar nearest to it. */
export interface PriceMark {
  readonly at: number;
  readonly text: string;
  readonly tone: "info" | "warning" | "severe";
}

interface Props {
  readonly bars: Columns;
  readonly zone: string;
  readonly intraday: boolean;
  readonly digits: number;
  readonly marks: readonly PriceMark[];
  readonly label: string;
}

const SPACE_FOR_VOLUME = 0.22;

export function PriceChart({ bars, zone, intraday, digits, marks, label }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => onThemeChange(() => setTheme((count) => count + 1)), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useEffect(() => {
    if (!element.current) return;
    const colors = readColors();
    const clock = new Zone(zone);
    const times = bars.number("ts");
    clock.prepare(times[0] ?? 0, times[times.length - 1] ?? 0);
    const chart = createChart(element.current, {
      autoSize: true,
      layout: { background: { color: colors.background }, textColor: colors.muted, fontFamily: colors.font, fontSize: 11, attributionLogo: false },
      grid: { vertLines: { color: colors.grid }, horzLines: { color: colors.grid } },
      rightPriceScale: { borderColor: colors.border, scaleMargins: { top: 0.06, bottom: SPACE_FOR_VOLUME + 0.02 } },
      timeScale: { borderColor: colors.border, timeVisible: intraday, secondsVisible: false, minBarSpacing: 0.05 },
    });
    // The library knows no zones: it is told wall-clock times as if they were UTC.
    // Where the clock is put back, the hour that comes twice is pushed on by a second each, since times must rise.
    let last = Number.NEGATIVE_INFINITY;
    const shown = Array.from(times, (at) => {
      last = Math.max(Math.floor(clock.clock(at) / 1_000), last + 1);
      return last as UTCTimestamp;
    });
    const [open, high, low, close, volume] = ["open", "high", "low", "close", "volume"].map((name) => bars.number(name)) as Float64Array[];
    const candles = chart.addSeries(CandlestickSeries, {
      upColor: colors.gain,
      downColor: colors.loss,
      wickUpColor: colors.gain,
      wickDownColor: colors.loss,
      borderVisible: false,
      priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits },
    });
    candles.setData(shown.map((time, row) => ({ time, open: open![row]!, high: high![row]!, low: low![row]!, close: close![row]! })));
    const columns = chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      color: shade(colors.volume, 0.6),
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 1 - SPACE_FOR_VOLUME, bottom: 0 } });
    columns.setData(shown.map((time, row) => ({ time, value: volume![row]! })));
    const tones = { info: colors.muted, warning: colors.sell, severe: colors.loss };
    const placed = marks.flatMap(({ at, text, tone }) => {
      const row = nearest(times, at);
      return row === null ? [] : [{ time: shown[row]!, position: "belowBar" as const, shape: "arrowUp" as const, color: tones[tone], text }];
    });
    createSeriesMarkers(
      candles,
      placed.sort((a, b) => a.time - b.time),
    );
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [bars, zone, intraday, digits, marks, theme]);
  return <div className="price-chart" ref={element} role="img" aria-label={label} />;
}

function nearest(times: Float64Array, at: number): number | null {
  if (times.length === 0 || at < times[0]! - 86_400_000 || at > times[times.length - 1]! + 86_400_000) return null;
  return Math.min(lowerBound(times, at), times.length - 1);
}

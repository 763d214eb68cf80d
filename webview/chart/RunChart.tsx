/** The chart with its tools. What moves with the pointer is in `chartCanvas.ts`; this draws what changes by a click. */
import { type KeyboardEvent, useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Run } from "#contracts";
import { asTinoError, useAct, useTell, useTransport } from "../engine.tsx";
import { plain } from "../format.ts";
import { ToolButton } from "../parts/Button.tsx";
import { csvFile } from "../parts/csv.ts";
import { Icon } from "../parts/Icon.tsx";
import { Menu, MenuItem, MenuSwitch } from "../parts/Menu.tsx";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { ChartCanvas, type ChartDetail, type ChartRange, type ChartView, DEFAULT_VIEW } from "./chartCanvas.ts";
import { onThemeChange } from "./colors.ts";
import { Columns } from "./columns.ts";
import { type ChartFrame, type ChartTables, chartTables, type LoadSeries, layOut, openWindow } from "./frames.ts";
import { fillMarks, tradeMarks } from "./runMarks.ts";
import { instrumentOf, isIntraday, priceDigits } from "./runShape.ts";
import type { ChartWindow } from "./window.ts";
import { Zone } from "./zone.ts";
import "./chart.css";

/** What to bring into view; a new object asks anew. */
export type ChartFocus = { readonly kind: "trade"; readonly row: number } | { readonly kind: "time"; readonly at: number };

interface Props {
  readonly run: Run;
  readonly trades: Columns;
  readonly fills: Columns;
  readonly focus: ChartFocus | null;
  /** A trade was chosen in the chart: its row in the table of trades. */
  readonly onTrade: (row: number) => void;
}

const RANGES: readonly ChartRange[] = ["1M", "3M", "6M", "YTD", "1Y", "5Y", "All"];
const SHOWN: readonly [keyof ChartView, string][] = [
  ["volume", "Volume"],
  ["indicators", "Indicators"],
  ["trades", "Fills and trades"],
  ["positions", "Position shading"],
  ["hold", "Buy and hold"],
  ["drawdown", "Drawdown"],
  ["exposure", "Exposure"],
];
/** What a press of a key or button does: leaves a fifth of the view in sight, shows seven tenths of it. */
const PAGE = 0.8;
const CLOSER = 0.7;
const VIEW = "chart.view";
const SAID = ["merged", "loading", "shown", "visible"] as const satisfies readonly (keyof ChartDetail)[];

export function RunChart({ run, trades, fills, focus, onTrade }: Props) {
  const transport = useTransport();
  const act = useAct();
  const tell = useTell();
  const helpId = useId();
  const host = useRef<HTMLDivElement>(null);
  const visible = useRef<HTMLSpanElement>(null);
  const canvas = useRef<ChartCanvas | null>(null);
  const chosen = useRef(onTrade);
  chosen.current = onTrade;
  const result = run.result;
  const [barType, setBarType] = useState<string | null>(null);
  const [view, setView] = useState<ChartView>(() => ({ ...DEFAULT_VIEW, ...(transport.recall(VIEW) as Partial<ChartView> | undefined) }));
  const [detail, setDetail] = useState<ChartDetail>({ merged: 1, loading: false, shown: 0, visible: 0 });
  const [range, setRange] = useState<ChartRange | null>("All");
  const [state, setState] = useState<{ for: string; error: unknown } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [spoken, setSpoken] = useState("");

  const tables = useMemo(() => chartTables(run, barType), [run, barType]);
  const instrument = useMemo(() => instrumentOf(run, tables?.bars.barType), [run, tables]);
  const marks = useMemo(() => {
    const only = (result?.instruments.length ?? 0) > 1 ? (instrument?.id ?? null) : null;
    return { trades: tradeMarks(trades, only), fills: fillMarks(fills, only) };
  }, [result, instrument, trades, fills]);
  const zone = useMemo(() => new Zone(instrument?.timeZone ?? "UTC"), [instrument]);
  const load = useCallback<LoadSeries>(
    (series, query, signal) => transport.call("getSeries", { path: { id: run.id, series }, query }, signal),
    [transport, run.id],
  );
  const key = `${run.id} ${tables?.bars.id ?? ""}`;
  const first = useRef({ zone, view });

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const chart = new ChartCanvas(element, first.current.zone, first.current.view, {
      visible: (text) => {
        if (visible.current) visible.current.textContent = text;
      },
      detail: (next) => setDetail((now) => (SAID.every((name) => now[name] === next[name]) ? now : next)),
      trade: (index) => chosen.current(canvas.current?.tradeRow(index) ?? -1),
      moved: () => setRange(null),
    });
    canvas.current = chart;
    const stop = onThemeChange(() => chart.setColors());
    return () => {
      stop();
      chart.dispose();
      canvas.current = null;
    };
  }, []);

  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` is the wish to try again.
  useEffect(() => {
    if (!tables || !result) return;
    const abort = new AbortController();
    openWindow(
      tables,
      load,
      abort.signal,
      () => {
        setTrouble(null);
        canvas.current?.refresh();
      },
      (error) => {
        setTrouble(asTinoError(error).message);
        canvas.current?.refresh();
      },
    ).then(
      (window) => {
        if (abort.signal.aborted) return window.dispose();
        const kept = canvas.current?.show({
          id: run.id,
          window,
          zone,
          intraday: isIntraday(tables.bars.barType),
          symbol: instrument?.id ?? run.symbols[0] ?? "",
          currency: result.currency,
          priceDigits: priceDigits(instrument, lowest(window)),
          drawings: result.series.filter(({ kind }) => kind === "drawings").flatMap((info) => info.drawings),
          ...marks,
          holdPerClose: holdPerClose(run, window),
        });
        if (!kept) setRange("All");
        setState({ for: key, error: null });
      },
      (error) => {
        if (!abort.signal.aborted) setState({ for: key, error });
      },
    );
    return () => abort.abort();
  }, [tables, result, run, load, zone, instrument, marks, key, attempt]);

  useEffect(() => {
    canvas.current?.setView(view);
  }, [view]);

  const ready = state?.for === key && state.error === null;
  const followed = useRef<ChartFocus | null>(null);
  useEffect(() => {
    if (!ready || !focus || followed.current === focus) return;
    if (focus.kind === "trade" && !marks.trades.row.includes(focus.row)) {
      // The trade is of another instrument: its bars come first, and then this again.
      const other = trades.textAt("instrument", focus.row);
      setBarType((now) => result?.series.find((info) => info.kind === "bars" && info.barType?.startsWith(`${other}-`))?.barType ?? now);
      return;
    }
    followed.current = focus;
    if (focus.kind === "time") canvas.current?.showTime(focus.at);
    else canvas.current?.showTrade(marks.trades.row.indexOf(focus.row));
    setRange(null);
  }, [focus, ready, marks, trades, result]);

  const change = (part: Partial<ChartView>) => {
    const next = { ...view, ...part };
    setView(next);
    transport.remember(VIEW, next);
  };

  const byHand = (action: (chart: ChartCanvas) => void) => {
    if (canvas.current) action(canvas.current);
    setRange(null);
  };
  const showRange = (name: ChartRange) => {
    canvas.current?.range(name);
    setRange(name);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const chart = canvas.current;
    if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const direction = event.key === "ArrowRight" ? 1 : -1;
        if (event.shiftKey) chart.stepTrade(direction);
        else chart.step(direction);
        break;
      }
      case "PageUp":
        byHand(() => chart.pan(PAGE));
        break;
      case "PageDown":
        byHand(() => chart.pan(-PAGE));
        break;
      case "+":
      case "=":
        byHand(() => chart.zoom(CLOSER));
        break;
      case "-":
        byHand(() => chart.zoom(1 / CLOSER));
        break;
      case "f":
      case "F":
        showRange("All");
        break;
      case "Escape":
        chart.clearCursor();
        break;
      default:
        return;
    }
    event.preventDefault();
    setSpoken(chart.describe());
  };

  const title = `${run.name} on ${instrument?.id ?? run.symbols.join(", ")}`;
  const savePicture = () => {
    canvas.current?.picture(`${title} · ${visible.current?.textContent ?? ""}`).toBlob((blob) => {
      blob?.arrayBuffer().then((bytes) => act({ type: "saveFile", name: `${run.name}-${run.id}.png`, bytes: new Uint8Array(bytes) }), tell);
    }, "image/png");
  };
  const saveBars = () => {
    if (tables) barsFile(tables, load).then((bytes) => act({ type: "saveFile", name: `${run.name}-${run.id}-bars.csv`, bytes }), tell);
  };

  const barSeries = result?.series.filter(({ kind }) => kind === "bars") ?? [];
  return (
    <section className="chart" aria-label="Chart">
      <div className="chart-tools" role="toolbar" aria-label="Chart">
        {barSeries.length > 1 ? (
          <select aria-label="Instrument" value={tables?.bars.barType ?? ""} onChange={(event) => setBarType(event.target.value)}>
            {barSeries.map((info) => (
              <option key={info.id} value={info.barType ?? ""}>
                {info.barType}
              </option>
            ))}
          </select>
        ) : null}
        <span className="segmented">
          {RANGES.map((name) => (
            <button key={name} type="button" aria-pressed={range === name} onClick={() => showRange(name)}>
              {name}
            </button>
          ))}
        </span>
        <button
          type="button"
          className="tool has-text"
          aria-pressed={view.logScale}
          title="Logarithmic price scale"
          onClick={() => change({ logScale: !view.logScale })}
        >
          Log
        </button>
        <ToolButton icon="zoom-in" label="Zoom in (+)" onClick={() => byHand((chart) => chart.zoom(CLOSER))} />
        <ToolButton icon="zoom-out" label="Zoom out (−)" onClick={() => byHand((chart) => chart.zoom(1 / CLOSER))} />
        <ToolButton icon="screen-full" label="Show all (f)" onClick={() => showRange("All")} />
        <Menu icon="eye" label="Show">
          {SHOWN.map(([name, label]) => (
            <MenuSwitch key={name} checked={view[name]} onChange={(checked) => change({ [name]: checked })}>
              {label}
            </MenuSwitch>
          ))}
        </Menu>
        <Menu icon="export" label="Export" disabled={!ready}>
          <MenuItem icon="file-media" onClick={savePicture}>
            Chart as PNG
          </MenuItem>
          <MenuItem icon="table" onClick={saveBars}>
            Bars and equity as CSV
          </MenuItem>
        </Menu>
      </div>
      <div
        className="chart-body"
        ref={host}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart is walked with the keyboard.
        tabIndex={0}
        role="application"
        aria-label={`Chart of ${title}`}
        aria-describedby={helpId}
        onKeyDown={onKeyDown}
        onBlur={() => setSpoken("")}
      >
        {tables === null ? (
          <div className="chart-wait">
            <Empty icon="graph-line" title="This run left no bars to draw" />
          </div>
        ) : state === null ? (
          <div className="chart-wait">
            <Skeleton label="Loading the chart" lines={6} />
          </div>
        ) : null}
        {state?.for === key && state.error !== null ? (
          <div className="chart-wait">
            <Failure error={asTinoError(state.error).body} retry={() => setAttempt((n) => n + 1)} />
          </div>
        ) : null}
      </div>
      <p id={helpId} className="unseen">
        Left and right arrows step by bars, with Shift by trades. Plus and minus zoom, Page Up and Page Down move, F shows all.
      </p>
      <p className="unseen" aria-live="polite">
        {spoken}
      </p>
      <div className="chart-foot">
        <span ref={visible} />
        {detail.merged > 1 ? (
          <span title="Each candle shows the first open, highest high, lowest low, last close and the whole volume of the bars it merges.">
            1 candle = {plain(detail.merged)} bars
          </span>
        ) : null}
        {detail.visible > detail.shown ? (
          <span title="Fills that would cover one another are drawn as one.">
            {plain(detail.shown)} of {plain(detail.visible)} fills drawn
          </span>
        ) : null}
        {detail.loading ? (
          <span role="status">
            <Icon name="loading" spin /> Loading finer bars
          </span>
        ) : null}
        {trouble === null ? null : (
          <span className="chart-trouble" role="alert">
            <Icon name="warning" /> Finer bars could not be loaded: {trouble}
          </span>
        )}
        <span className="chart-zone" title="Times are those of the instrument's exchange.">
          {zone.name}
        </span>
        <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer" title="TradingView Lightweight Charts™, Copyright (c) 2025 TradingView, Inc.">
          Charts by TradingView
        </a>
      </div>
    </section>
  );
}

function lastClose({ whole }: ChartWindow<ChartFrame>): number {
  return whole.close.findLast((close) => !Number.isNaN(close)) ?? Number.NaN;
}

const lowest = ({ whole }: ChartWindow<ChartFrame>): number => whole.low.reduce((least, low) => (low < least ? low : least), Number.POSITIVE_INFINITY);

function holdPerClose(run: Run, window: ChartWindow<ChartFrame>): number | null {
  const result = run.result;
  const bought = result?.metrics.benchmarkReturn;
  const close = lastClose(window);
  if (!result || bought === null || bought === undefined || result.series.filter(({ kind }) => kind === "bars").length !== 1 || !(close > 0)) return null;
  // The benchmark is the last close over the first one, minus one: from both follows the first.
  return Number(run.venue.startingBalance) / (close / (1 + bought));
}

/** The whole run at full detail: a row for each row of the axis. */
async function barsFile(tables: ChartTables, load: LoadSeries): Promise<Uint8Array<ArrayBuffer>> {
  const all = { from: null, to: null, level: 0 };
  const never = new AbortController().signal;
  const [equity, bars, ...drawings] = await Promise.all(
    [tables.equity, tables.bars, ...tables.drawings].map(async ({ id }) => new Columns(await load(id, all, never))),
  );
  const frame = layOut({ level: 0, first: 0, count: equity!.rows, from: null, to: null }, equity!, bars!, drawings);
  const columns: [string, Float64Array][] = [
    ["open", frame.open],
    ["high", frame.high],
    ["low", frame.low],
    ["close", frame.close],
    ["volume", frame.volume],
    ["equity", frame.equity],
    ["drawdown", frame.drawdown],
    ["exposure", frame.exposure],
    ...frame.drawings,
  ];
  function* rows() {
    for (let row = 0; row < frame.ts.length; row++) yield [new Date(frame.ts[row]!).toISOString(), ...columns.map(([, column]) => column[row]!)];
  }
  return csvFile(["time", ...columns.map(([name]) => name)], rows());
}

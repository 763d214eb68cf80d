/**
 * Small plots as SVG: lines over time, bars, points. They are drawn at the size they are shown in, take the theme's colours, tell what is
 * under the pointer, can be printed, and need nothing but React, so that a tearsheet saved as a file holds them too.
 */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { extent, levels, logLevels, type Tick, timeTicks } from "./scale.ts";
import "./plots.css";

const MARGIN = { left: 60, right: 10, top: 8, bottom: 20 } as const;
/** Pixels that a label needs for itself. */
const LABEL_ACROSS = 72;
const LABEL_DOWN = 34;
/** A shorter drag is a click that slipped. */
const LEAST_DRAG = 6;

interface Area {
  readonly width: number;
  readonly height: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

interface FrameProps {
  readonly label: string;
  readonly height: number;
  readonly children: (width: number) => ReactNode;
}

/** Gives its width to what is drawn in it. */
function Frame({ label, height, children }: FrameProps) {
  const host = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return (
    <figure className="plot" ref={host} style={{ minHeight: height }} aria-label={label}>
      {width > MARGIN.left + MARGIN.right + 20 ? children(width) : null}
    </figure>
  );
}

function Levels({ area, ticks, text }: { area: Area; ticks: readonly number[]; text: (value: number) => string }) {
  return (
    <g className="plot-levels">
      {ticks.map((level) => (
        <g key={level}>
          <line x1={MARGIN.left} x2={area.width - MARGIN.right} y1={area.y(level)} y2={area.y(level)} />
          <text x={MARGIN.left - 6} y={area.y(level)} dy="0.32em" textAnchor="end">
            {text(level)}
          </text>
        </g>
      ))}
    </g>
  );
}

function Bottom({ area, ticks }: { area: Area; ticks: readonly Tick[] }) {
  return (
    <g className="plot-levels">
      {ticks.map(({ at, label }) => (
        <text
          key={`${at} ${label}`}
          x={Math.min(Math.max(area.x(at), MARGIN.left + 12), area.width - MARGIN.right - 12)}
          y={area.height - 5}
          textAnchor="middle"
        >
          {label}
        </text>
      ))}
    </g>
  );
}

export interface PlotLine {
  readonly label: string;
  /** Rising instants; they need not be those of the other lines. */
  readonly times: ArrayLike<number>;
  readonly values: ArrayLike<number | null>;
  /** A CSS colour; a variable of the theme. */
  readonly color: string;
  /** Shaded to the base line. */
  readonly filled?: boolean;
}

interface LinePlotProps {
  readonly label: string;
  readonly lines: readonly PlotLine[];
  readonly height?: number;
  readonly text: (value: number) => string;
  /** Of an instant under the pointer. */
  readonly timeText: (at: number) => string;
  /** A level that is always seen and marked. */
  readonly base?: number;
  readonly log?: boolean;
  /** What is shown; all of it if left out. */
  readonly range?: { readonly from: number; readonly to: number } | undefined;
  /** A stretch was chosen by dragging, or all of it by a double click. */
  readonly onRange?: (range: { readonly from: number; readonly to: number } | null) => void;
  readonly onPick?: (at: number) => void;
}

/** Lines on one axis of time. */
export function LinePlot(props: LinePlotProps) {
  return (
    <Frame label={props.label} height={props.height ?? 160}>
      {(width) => <Lines {...props} width={width} />}
    </Frame>
  );
}

function Lines({ label, lines, width, height = 160, text, timeText, base, log = false, range, onRange, onPick }: LinePlotProps & { width: number }) {
  const clip = useId();
  const [pointer, setPointer] = useState<number | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const drawn = useMemo(() => {
    const from = range?.from ?? Math.min(...lines.flatMap(({ times }) => (times.length > 0 ? [times[0]!] : [])));
    const to = range?.to ?? Math.max(...lines.flatMap(({ times }) => (times.length > 0 ? [times[times.length - 1]!] : [])));
    const [low, high] = extent(
      lines.map(({ times, values }) => within(times, values, from, to)),
      base === undefined ? [] : [base],
    );
    const isLog = log && low > 0;
    const scale = isLog ? Math.log : (value: number) => value;
    const [bottom, top] = [scale(low), scale(high)];
    const room = (top - bottom) * 0.04;
    const area: Area = {
      width,
      height,
      x: (at) => MARGIN.left + ((at - from) / (to - from || 1)) * (width - MARGIN.left - MARGIN.right),
      y: (value) => height - MARGIN.bottom - ((scale(value) - bottom + room) / (top - bottom + 2 * room || 1)) * (height - MARGIN.top - MARGIN.bottom),
    };
    const floor = base === undefined ? height - MARGIN.bottom : area.y(base);
    return {
      area,
      from,
      to,
      ticks: (isLog ? logLevels : levels)(low, high, Math.max(2, (height - MARGIN.top - MARGIN.bottom) / LABEL_DOWN)),
      times: timeTicks(from, to, (width - MARGIN.left - MARGIN.right) / LABEL_ACROSS),
      paths: lines.map((line) => pathsOf(line, area, floor)),
    };
  }, [lines, width, height, base, log, range]);
  const { area, from, to } = drawn;
  if (!(to > from)) return null;

  const instantAt = (x: number) =>
    from + ((Math.min(Math.max(x, MARGIN.left), width - MARGIN.right) - MARGIN.left) / (width - MARGIN.left - MARGIN.right)) * (to - from);
  const placeOf = (event: PointerEvent<SVGSVGElement>) => event.clientX - event.currentTarget.getBoundingClientRect().left;
  const at = pointer === null ? null : instantAt(pointer);
  const readings = at === null ? [] : lines.map((line) => ({ line, ...readAt(line, at) }));
  const shownAt = readings.find(({ time }) => time !== null)?.time ?? at;
  const step = (event: KeyboardEvent) => {
    const move = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (event.key === "Escape") {
      setPointer(null);
      onRange?.(null);
    } else if (move !== 0)
      setPointer((now) => Math.min(Math.max((now ?? (move > 0 ? MARGIN.left - 1 : width - MARGIN.right + 1)) + move * 4, MARGIN.left), width - MARGIN.right));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the plot is read with the arrow keys.
        tabIndex={0}
        data-drags={onRange !== undefined}
        onPointerMove={(event) => setPointer(placeOf(event))}
        onPointerLeave={() => setPointer(null)}
        onPointerDown={(event) => {
          if (!onRange || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDragged(placeOf(event));
        }}
        onPointerUp={(event) => {
          const end = placeOf(event);
          if (dragged !== null && onRange && Math.abs(end - dragged) >= LEAST_DRAG)
            onRange({ from: instantAt(Math.min(end, dragged)), to: instantAt(Math.max(end, dragged)) });
          else onPick?.(instantAt(end));
          setDragged(null);
        }}
        onDoubleClick={() => onRange?.(null)}
        onKeyDown={step}
        onBlur={() => setPointer(null)}
      >
        <clipPath id={clip}>
          <rect x={MARGIN.left} y={0} width={width - MARGIN.left - MARGIN.right} height={height - MARGIN.bottom + 1} />
        </clipPath>
        <Levels area={area} ticks={drawn.ticks} text={text} />
        <Bottom area={area} ticks={drawn.times} />
        {base === undefined ? null : <line className="plot-base" x1={MARGIN.left} x2={width - MARGIN.right} y1={area.y(base)} y2={area.y(base)} />}
        <g clipPath={`url(#${clip})`}>
          {drawn.paths.map(({ line, fill }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name that could not come twice.
            <g key={index}>
              {fill ? <path d={fill} style={{ fill: lines[index]!.color }} fillOpacity={0.18} stroke="none" /> : null}
              <path d={line} style={{ stroke: lines[index]!.color }} className="plot-line" />
            </g>
          ))}
          {dragged !== null && pointer !== null ? (
            <rect
              className="plot-drag"
              x={Math.min(dragged, pointer)}
              width={Math.abs(pointer - dragged)}
              y={MARGIN.top}
              height={height - MARGIN.top - MARGIN.bottom}
            />
          ) : null}
        </g>
        {shownAt === null || at === null ? null : (
          <g className="plot-cursor">
            <line x1={area.x(shownAt)} x2={area.x(shownAt)} y1={MARGIN.top} y2={height - MARGIN.bottom} />
            {readings.map(({ line, time, value }, index) =>
              time === null || value === null ? null : (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above.
                <circle key={index} cx={area.x(time)} cy={area.y(value)} r={3} style={{ fill: line.color }} />
              ),
            )}
          </g>
        )}
      </svg>
      {shownAt === null || at === null ? null : (
        <div className="plot-reading" role="status" data-side={area.x(shownAt) > width / 2 ? "left" : "right"} style={{ left: area.x(shownAt) }}>
          <strong>{timeText(shownAt)}</strong>
          {readings.map(({ line, value }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above.
            <span key={index}>
              <i style={{ background: line.color }} /> {line.label} {value === null ? "–" : text(value)}
            </span>
          ))}
        </div>
      )}
    </>
  );
}

function within(times: ArrayLike<number>, values: ArrayLike<number | null>, from: number, to: number): number[] {
  const found: number[] = [];
  for (let index = 0; index < times.length; index++) {
    const time = times[index]!;
    if (time >= from && time <= to) found.push(values[index] ?? Number.NaN);
  }
  return found;
}

function pathsOf({ times, values, filled }: PlotLine, area: Area, floor: number): { readonly line: string; readonly fill: string | null } {
  let line = "";
  let fill = "";
  let first: number | null = null;
  let last = 0;
  for (let index = 0; index <= times.length; index++) {
    const value = index < times.length ? (values[index] ?? Number.NaN) : Number.NaN;
    if (Number.isNaN(value)) {
      // A gap ends the stroke; what is shaded below it is closed.
      if (first !== null && filled) fill += `L${last.toFixed(1)},${floor.toFixed(1)}L${first.toFixed(1)},${floor.toFixed(1)}Z`;
      first = null;
      continue;
    }
    const x = area.x(times[index]!);
    const point = `${x.toFixed(1)},${area.y(value).toFixed(1)}`;
    line += `${first === null ? "M" : "L"}${point}`;
    if (filled) fill += `${first === null ? "M" : "L"}${point}`;
    first ??= x;
    last = x;
  }
  return { line, fill: filled ? fill : null };
}

/** The last value at or before an instant. */
function readAt({ times, values }: PlotLine, at: number): { readonly time: number | null; readonly value: number | null } {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  const value = values[low - 1];
  return low === 0 || value === undefined || value === null || Number.isNaN(value)
    ? { time: low === 0 ? null : times[low - 1]!, value: null }
    : { time: times[low - 1]!, value };
}

export interface PlotBar {
  readonly label: string;
  readonly value: number;
  /** What it says when pointed at. */
  readonly title: string;
  readonly tone?: "gain" | "loss" | undefined;
}

/** Bars beside each other; those below zero hang. */
export function BarPlot({ label, bars, height = 140, text }: { label: string; bars: readonly PlotBar[]; height?: number; text: (value: number) => string }) {
  return (
    <Frame label={label} height={height}>
      {(width) => {
        const [low, high] = extent([bars.map(({ value }) => value)], [0]);
        const across = (width - MARGIN.left - MARGIN.right) / Math.max(1, bars.length);
        const every = Math.max(1, Math.ceil((LABEL_ACROSS * 0.8) / across));
        const area: Area = {
          width,
          height,
          x: (index) => MARGIN.left + (index + 0.5) * across,
          y: (value) => height - MARGIN.bottom - ((value - low) / (high - low)) * (height - MARGIN.top - MARGIN.bottom),
        };
        return (
          <svg width={width} height={height} role="img" aria-label={label}>
            <Levels area={area} ticks={levels(low, high, Math.max(2, (height - MARGIN.top - MARGIN.bottom) / LABEL_DOWN))} text={text} />
            <Bottom area={area} ticks={bars.flatMap((bar, index) => (index % every === 0 && bar.label ? [{ at: index, label: bar.label }] : []))} />
            <line className="plot-base" x1={MARGIN.left} x2={width - MARGIN.right} y1={area.y(0)} y2={area.y(0)} />
            {bars.map((bar, index) => (
              <rect
                // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place.
                key={index}
                className="plot-bar"
                data-tone={bar.tone}
                x={MARGIN.left + index * across + Math.min(2, across * 0.12)}
                width={Math.max(1, across - 2 * Math.min(2, across * 0.12))}
                y={Math.min(area.y(bar.value), area.y(0))}
                height={Math.abs(area.y(bar.value) - area.y(0))}
              >
                <title>{bar.title}</title>
              </rect>
            ))}
          </svg>
        );
      }}
    </Frame>
  );
}

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly tone: "gain" | "loss";
}

interface PointPlotProps {
  readonly label: string;
  readonly points: readonly PlotPoint[];
  readonly xLabel: string;
  readonly height?: number;
  readonly text: (value: number) => string;
  readonly onPick?: ((index: number) => void) | undefined;
}

/** Points in a plane through zero. */
export function PointPlot({ label, points, xLabel, height = 220, text, onPick }: PointPlotProps) {
  return (
    <Frame label={label} height={height}>
      {(width) => {
        const [left, right] = extent([points.map(({ x }) => x)], [0]);
        const [low, high] = extent([points.map(({ y }) => y)], [0]);
        const area: Area = {
          width,
          height,
          x: (value) => MARGIN.left + 4 + ((value - left) / (right - left)) * (width - MARGIN.left - MARGIN.right - 8),
          y: (value) => height - MARGIN.bottom - 4 - ((value - low) / (high - low)) * (height - MARGIN.top - MARGIN.bottom - 8),
        };
        const across = levels(left, right, (width - MARGIN.left - MARGIN.right) / LABEL_ACROSS);
        return (
          <svg width={width} height={height} role="img" aria-label={label}>
            <Levels area={area} ticks={levels(low, high, (height - MARGIN.top - MARGIN.bottom) / LABEL_DOWN)} text={text} />
            <Bottom area={area} ticks={across.map((level) => ({ at: level, label: text(level) }))} />
            <line className="plot-base" x1={MARGIN.left} x2={width - MARGIN.right} y1={area.y(0)} y2={area.y(0)} />
            <line className="plot-base" x1={area.x(0)} x2={area.x(0)} y1={MARGIN.top} y2={height - MARGIN.bottom} />
            <text className="plot-axis" x={width - MARGIN.right - 2} y={height - MARGIN.bottom - 5} textAnchor="end">
              {xLabel}
            </text>
            {points.map((point, index) => (
              // biome-ignore lint/a11y/noStaticElementInteractions: the table of trades is the way for the keyboard.
              <circle
                // biome-ignore lint/suspicious/noArrayIndexKey: a point is its place.
                key={index}
                className="plot-point"
                data-tone={point.tone}
                data-picks={onPick !== undefined}
                cx={area.x(point.x)}
                cy={area.y(point.y)}
                r={points.length > 500 ? 2 : 3}
                onClick={onPick ? () => onPick(index) : undefined}
              >
                <title>{point.title}</title>
              </circle>
            ))}
          </svg>
        );
      }}
    </Frame>
  );
}

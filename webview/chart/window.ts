/**
 * Which part of a run the chart holds: a window around what is visible, at a level of detail that fits its pixels.
 *
 * A run's tables share one time axis, its rows; a row at level L merges 4^L of them. The page knows the axis only at the
 * coarsest level (a thousand rows at most, fetched once). Every request asks for whole rows of that level, so the reply's
 * place on the axis is known exactly although the engine answers by time and may send more than was asked for.
 *
 * Two margins keep panning smooth. A frame is what was fetched: the visible part and twice as much on either side. A
 * slice is what the chart is given of it: the visible part and once as much on either side, taken anew without a request
 * when the view nears its edge. Until a frame is there, the finest one that covers the view stands in for it, at worst
 * the whole run at its coarsest: the view is never blank, and never waits.
 */
import { lowerBound } from "./columns.ts";

/** Edges of what is visible, in rows of the axis: row r spans [r, r + 1). May reach beyond the data. */
export interface Viewport {
  readonly from: number;
  readonly to: number;
}

/** The axis of a run. */
export interface Extent {
  readonly rows: number;
  readonly levels: number;
  /** Instant of the first row. */
  readonly start: number;
  /** Instant of each row at the coarsest level: that of the last row it merges. */
  readonly coarse: Float64Array;
}

/** Part of the axis at one level. `ts[0]` is row `first` of that level; each instant is that of the last row merged. */
export interface Frame {
  readonly level: number;
  readonly first: number;
  readonly ts: Float64Array;
}

/** What to ask the engine for: rows [first, first + count) of a level, and the instants that enclose them; null: no bound. */
export interface FrameRequest {
  readonly level: number;
  readonly first: number;
  readonly count: number;
  readonly from: number | null;
  readonly to: number | null;
}

/** Rows of a frame, as indices into it. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

/** More rows than this for a pixel cannot be told apart; the next level has a quarter of them. */
const ROWS_PER_PIXEL = 1;
const FRAME_MARGIN = 2;
const SLICE_MARGIN = 1;
/** A slice is taken anew, and a frame fetched, when the view is this near to its edge, in views. */
const NEAR = 0.5;
const FRAMES_KEPT = 8;
/** After a failed request the chart shows what it has and asks again only this much later. */
const PAUSE_MS = 2_000;

/** How many rows of the axis one row of a level merges. */
export const merged = (level: number): number => 4 ** level;

/** The finest level whose rows fit the pixels, or the coarsest there is. */
export function levelFor(viewport: Viewport, width: number, levels: number): number {
  const most = Math.max(1, width) * ROWS_PER_PIXEL;
  let level = 0;
  while (level < levels - 1 && (viewport.to - viewport.from) / merged(level) > most) level++;
  return level;
}

/** The rows of `viewport` with `margin` times its length on either side, as far as there are any. */
function around(viewport: Viewport, margin: number, rows: number): Viewport {
  const more = (viewport.to - viewport.from) * margin;
  const clamp = (value: number) => Math.min(Math.max(value, 0), rows);
  return { from: clamp(viewport.from - more), to: clamp(viewport.to + more) };
}

/** What to fetch for a view at a level: whole rows of the coarsest level around it. */
export function requestFor(viewport: Viewport, level: number, extent: Extent): FrameRequest {
  const block = merged(extent.levels - 1);
  const blocks = extent.coarse.length;
  const want = around(viewport, FRAME_MARGIN, extent.rows);
  const first = Math.min(Math.floor(want.from / block), blocks - 1);
  const last = Math.max(Math.ceil(want.to / block), first + 1);
  const start = (first * block) / merged(level);
  const end = last >= blocks ? Math.ceil(extent.rows / merged(level)) : (last * block) / merged(level);
  return {
    level,
    first: start,
    count: end - start,
    from: first === 0 ? null : extent.coarse[first - 1]! + 1,
    to: last >= blocks ? null : extent.coarse[last - 1]!,
  };
}

/** Whether a frame holds all data of the view and `margin` times as much on either side. */
export function covers(frame: Frame, viewport: Viewport, rows: number, margin = 0): boolean {
  const { from, to } = around(viewport, margin, rows);
  const scale = merged(frame.level);
  return frame.first * scale <= from && Math.min((frame.first + frame.ts.length) * scale, rows) >= to;
}

/** What of a frame to give to the chart. */
export function sliceOf(frame: Frame, viewport: Viewport, rows: number): Slice {
  const { from, to } = around(viewport, SLICE_MARGIN, rows);
  const scale = merged(frame.level);
  const clamp = (value: number) => Math.min(Math.max(value, 0), frame.ts.length);
  const start = clamp(Math.floor(from / scale) - frame.first);
  return { start, end: Math.max(start, clamp(Math.ceil(to / scale) - frame.first)) };
}

/** Whether a slice still holds the view with some room, as far as its frame could give it. */
export function sliceHolds(frame: Frame, slice: Slice, viewport: Viewport, rows: number): boolean {
  const { from, to } = around(viewport, NEAR, rows);
  const scale = merged(frame.level);
  const leftDone = slice.start === 0 || (frame.first + slice.start) * scale <= from;
  const rightDone = slice.end === frame.ts.length || (frame.first + slice.end) * scale >= to;
  return leftDone && rightDone;
}

/** Row at an instant: exact for the last row of each coarsest one, by proportion of time between them. */
export function rowAt(ts: number, extent: Extent): number {
  const block = merged(extent.levels - 1);
  const index = lowerBound(extent.coarse, ts);
  if (index >= extent.coarse.length) return extent.rows - 1;
  const last = Math.min((index + 1) * block, extent.rows) - 1;
  const [row, at] = index === 0 ? [0, extent.start] : [index * block - 1, extent.coarse[index - 1]!];
  const span = extent.coarse[index]! - at;
  return span > 0 ? row + Math.max(0, (ts - at) / span) * (last - row) : last;
}

/** Row at an instant by a frame that contains it: exact to the frame's level. Null when the frame does not reach so far. */
export function exactRowAt(ts: number, frame: Frame): number | null {
  const index = lowerBound(frame.ts, ts);
  if (index >= frame.ts.length || (index === 0 && ts < frame.ts[0]! && frame.first > 0)) return null;
  return (frame.first + index) * merged(frame.level);
}

/** Fetches frames as the view moves and says which one to show. One request at a time; the newest wish counts. */
export class ChartWindow<F extends Frame> {
  readonly extent: Extent;
  /** The whole run at its coarsest. */
  readonly whole: F;
  readonly #load: (request: FrameRequest, signal: AbortSignal) => Promise<F>;
  readonly #arrived: () => void;
  readonly #failed: (error: unknown) => void;
  /** Latest used last; the first one is the whole run and stays. */
  readonly #frames: F[];
  #pending: { request: FrameRequest; abort: AbortController } | null = null;
  #pauseUntil = 0;

  constructor(
    extent: Extent,
    whole: F,
    load: (request: FrameRequest, signal: AbortSignal) => Promise<F>,
    arrived: () => void,
    failed: (error: unknown) => void,
  ) {
    this.extent = extent;
    this.whole = whole;
    this.#frames = [whole];
    this.#load = load;
    this.#arrived = arrived;
    this.#failed = failed;
  }

  /** A better frame than the shown one is on its way. */
  get loading(): boolean {
    return this.#pending !== null;
  }

  /** The best frame at hand for a view; fetches a better one when there could be one. */
  frameFor(viewport: Viewport, width: number): F {
    const { rows, levels } = this.extent;
    const level = levelFor(viewport, width, levels);
    const fits = this.#frames.filter((frame) => covers(frame, viewport, rows));
    const roomy = fits.find((frame) => frame.level === level && covers(frame, viewport, rows, NEAR));
    if (!roomy) this.#want(viewport, level);
    else this.#drop();
    const best = roomy ?? fits.reduce((a, b) => (Math.abs(b.level - level) < Math.abs(a.level - level) ? b : a), this.whole);
    this.#touch(best);
    return best;
  }

  dispose(): void {
    this.#drop();
  }

  #want(viewport: Viewport, level: number): void {
    const request = requestFor(viewport, level, this.extent);
    const under = this.#pending?.request;
    if (
      under &&
      under.level === level &&
      under.first <= request.first + request.count / 4 &&
      under.first + under.count >= request.first + (request.count * 3) / 4
    )
      return;
    this.#drop();
    if (performance.now() < this.#pauseUntil) return;
    const abort = new AbortController();
    const pending = { request, abort };
    this.#pending = pending;
    this.#load(request, abort.signal).then(
      (frame) => {
        if (this.#pending !== pending) return;
        this.#pending = null;
        this.#frames.push(frame);
        if (this.#frames.length > FRAMES_KEPT) this.#frames.splice(1, 1);
        this.#arrived();
      },
      (error) => {
        if (this.#pending !== pending) return;
        this.#pending = null;
        this.#pauseUntil = performance.now() + PAUSE_MS;
        this.#failed(error);
      },
    );
  }

  #drop(): void {
    this.#pending?.abort.abort();
    this.#pending = null;
  }

  #touch(frame: F): void {
    const index = this.#frames.indexOf(frame);
    if (index > 0) this.#frames.push(...this.#frames.splice(index, 1));
  }
}

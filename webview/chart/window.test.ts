import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import {
  ChartWindow,
  covers,
  type Extent,
  exactRowAt,
  type Frame,
  type FrameRequest,
  levelFor,
  merged,
  requestFor,
  rowAt,
  sliceHolds,
  sliceOf,
  type Viewport,
} from "./window.ts";

/** A run's axis: rows at uneven times, as markets have them. */
function axis(rows: number, seed = 1): { ts: Float64Array; extent: Extent } {
  const ts = new Float64Array(rows);
  let at = 1_000_000;
  let state = seed;
  for (let row = 0; row < rows; row++) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    at += 1 + (state % 5) * (row % 390 === 0 ? 1_000 : 60);
    ts[row] = at;
  }
  let levels = 1;
  while (rows / merged(levels - 1) > 1_000) levels++;
  return { ts, extent: { rows, levels, start: ts[0]!, coarse: level(ts, levels - 1) } };
}

function level(ts: Float64Array, wanted: number): Float64Array {
  const scale = merged(wanted);
  return Float64Array.from({ length: Math.ceil(ts.length / scale) }, (_, index) => ts[Math.min((index + 1) * scale, ts.length) - 1]!);
}

/** What an engine answers: rows by time, and whole batches, so more than was asked for. */
function answer(ts: Float64Array, request: FrameRequest, batch: number): Float64Array {
  const all = level(ts, request.level);
  const first = request.from === null ? 0 : all.findIndex((at) => at >= request.from!);
  const after = request.to === null ? all.length : all.findLastIndex((at) => at <= request.to!) + 1;
  return all.slice(Math.floor(first / batch) * batch, Math.min(all.length, Math.ceil(after / batch) * batch));
}

const views = (rows: number) =>
  fc
    .tuple(fc.double({ min: -0.5, max: 1.2, noNaN: true }), fc.double({ min: 0.0005, max: 1.3, noNaN: true }))
    .map(([from, span]): Viewport => ({ from: from * rows, to: (from + span) * rows }))
    .filter(({ from, to }) => to > 1 && from < rows - 1);
const RUNS = [7, 999, 1_000, 1_001, 3_310, 64_000, 500_000].map((rows) => axis(rows));
const cases = fc
  .constantFrom(...RUNS)
  .chain((run) => fc.record({ run: fc.constant(run), view: views(run.extent.rows), width: fc.integer({ min: 200, max: 3_000 }) }));

describe("the level", () => {
  test("is the finest whose rows fit the pixels", () => {
    fc.assert(
      fc.property(cases, ({ run, view, width }) => {
        const chosen = levelFor(view, width, run.extent.levels);
        const rows = (at: number) => (view.to - view.from) / merged(at);
        if (chosen < run.extent.levels - 1) expect(rows(chosen)).toBeLessThanOrEqual(width);
        if (chosen > 0) expect(rows(chosen - 1)).toBeGreaterThan(width);
      }),
    );
  });
});

describe("a request", () => {
  test("encloses the view and says exactly where its rows lie", () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 5_000 }), ({ run, view, width }, batch) => {
        const { extent, ts } = run;
        const wanted = requestFor(view, levelFor(view, width, extent.levels), extent);
        const all = level(ts, wanted.level);
        const got = answer(ts, wanted, batch);
        // Cut as the chart does: by the instants it asked for.
        const cut = got.filter((at) => (wanted.from === null || at >= wanted.from) && (wanted.to === null || at <= wanted.to));
        expect(cut).toEqual(all.slice(wanted.first, wanted.first + wanted.count));
        expect(covers({ level: wanted.level, first: wanted.first, ts: cut }, view, extent.rows)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("asks for a few views' worth of rows, not for the run", () => {
    const { extent } = axis(500_000);
    const wanted = requestFor({ from: 250_000, to: 250_800 }, 0, extent);
    expect(wanted.count).toBeLessThanOrEqual(5 * 800 + 2 * merged(extent.levels - 1));
  });
});

describe("a slice", () => {
  test("holds the view, and what it lacks its frame lacks too", () => {
    fc.assert(
      fc.property(cases, ({ run, view, width }) => {
        const { extent, ts } = run;
        const wanted = requestFor(view, levelFor(view, width, extent.levels), extent);
        const frame: Frame = { level: wanted.level, first: wanted.first, ts: level(ts, wanted.level).slice(wanted.first, wanted.first + wanted.count) };
        const slice = sliceOf(frame, view, extent.rows);
        const scale = merged(frame.level);
        expect((frame.first + slice.start) * scale).toBeLessThanOrEqual(Math.max(0, Math.min(view.from, extent.rows)));
        expect((frame.first + slice.end) * scale).toBeGreaterThanOrEqual(Math.max(0, Math.min(view.to, extent.rows)));
        expect(sliceHolds(frame, slice, view, extent.rows)).toBe(true);
      }),
    );
  });

  test("is kept for small movements and taken anew near its edge", () => {
    const { extent, ts } = axis(500_000);
    const frame: Frame = { level: 0, first: 100_000, ts: ts.slice(100_000, 110_000) };
    const slice = sliceOf(frame, { from: 104_000, to: 105_000 }, extent.rows);
    expect(slice).toEqual({ start: 3_000, end: 6_000 });
    expect(sliceHolds(frame, slice, { from: 104_400, to: 105_400 }, extent.rows)).toBe(true);
    expect(sliceHolds(frame, slice, { from: 104_600, to: 105_600 }, extent.rows)).toBe(false);
  });
});

describe("a row at an instant", () => {
  test("is exact by a frame and near by the axis alone", () => {
    fc.assert(
      fc.property(fc.constantFrom(...RUNS), fc.double({ min: 0, max: 1, noNaN: true }), ({ extent, ts }, share) => {
        const row = Math.min(Math.floor(share * extent.rows), extent.rows - 1);
        expect(exactRowAt(ts[row]!, { level: 0, first: 0, ts })).toBe(row);
        expect(Math.abs(rowAt(ts[row]!, extent) - row)).toBeLessThan(merged(extent.levels - 1));
      }),
    );
  });

  test("is unknown to a frame that does not reach so far", () => {
    const { ts } = axis(2_000);
    const frame: Frame = { level: 0, first: 500, ts: ts.slice(500, 600) };
    expect(exactRowAt(ts[100]!, frame)).toBeNull();
    expect(exactRowAt(ts[700]!, frame)).toBeNull();
    expect(exactRowAt(ts[550]!, frame)).toBe(550);
  });
});

describe("the window", () => {
  interface Asked {
    readonly request: FrameRequest;
    readonly signal: AbortSignal;
    answer(): Promise<void>;
    fail(): Promise<void>;
  }

  function open(rows = 500_000) {
    const { extent, ts } = axis(rows);
    const asked: Asked[] = [];
    const arrived = vi.fn();
    const failed = vi.fn();
    const whole: Frame = { level: extent.levels - 1, first: 0, ts: extent.coarse };
    const load = (request: FrameRequest, signal: AbortSignal) =>
      new Promise<Frame>((resolve, reject) => {
        const settled = () => new Promise<void>((done) => setTimeout(done));
        asked.push({
          request,
          signal,
          answer: () => {
            resolve({ level: request.level, first: request.first, ts: level(ts, request.level).slice(request.first, request.first + request.count) });
            return settled();
          },
          fail: () => {
            reject(new Error("gone"));
            return settled();
          },
        });
      });
    return { chart: new ChartWindow(extent, whole, load, arrived, failed), asked, arrived, failed, whole };
  }
  const near = { from: 250_000, to: 250_800 };

  test("shows the whole run at its coarsest without asking", () => {
    const { chart, asked, whole } = open();
    expect(chart.frameFor({ from: 0, to: 500_000 }, 1_000)).toBe(whole);
    expect(asked).toHaveLength(0);
  });

  test("shows what it has until the better frame is there, and asks once", async () => {
    const { chart, asked, arrived, whole } = open();
    expect(chart.frameFor(near, 1_000)).toBe(whole);
    expect(chart.frameFor({ from: 250_010, to: 250_810 }, 1_000)).toBe(whole);
    expect(asked).toHaveLength(1);
    await asked[0]!.answer();
    expect(arrived).toHaveBeenCalledOnce();
    expect(chart.frameFor(near, 1_000).level).toBe(0);
    expect(chart.loading).toBe(false);
  });

  test("fetches the next frame before the view leaves this one, and goes on showing this one", async () => {
    const { chart, asked } = open();
    chart.frameFor(near, 1_000);
    await asked[0]!.answer();
    const { first, count } = asked[0]!.request;
    const edge = { from: first + count - 1_000, to: first + count - 200 };
    const shown = chart.frameFor(edge, 1_000);
    expect(shown.level).toBe(0);
    expect(asked).toHaveLength(2);
    await asked[1]!.answer();
    expect(chart.frameFor(edge, 1_000)).not.toBe(shown);
  });

  test("drops a request for what nobody looks at any more", async () => {
    const { chart, asked, arrived } = open();
    chart.frameFor(near, 1_000);
    chart.frameFor({ from: 10_000, to: 10_800 }, 1_000);
    expect(asked[0]!.signal.aborted).toBe(true);
    await asked[0]!.answer();
    expect(arrived).not.toHaveBeenCalled();
    await asked[1]!.answer();
    expect(arrived).toHaveBeenCalledOnce();
  });

  test("comes back to a frame it had without asking again", async () => {
    const { chart, asked } = open();
    chart.frameFor(near, 1_000);
    await asked[0]!.answer();
    const frame = chart.frameFor(near, 1_000);
    chart.frameFor({ from: 0, to: 500_000 }, 1_000);
    expect(chart.frameFor(near, 1_000)).toBe(frame);
    expect(asked).toHaveLength(1);
  });

  test("tells a failure, shows what it has, and does not ask at every movement", async () => {
    const { chart, asked, failed, whole } = open();
    chart.frameFor(near, 1_000);
    await asked[0]!.fail();
    expect(failed).toHaveBeenCalledOnce();
    for (let move = 0; move < 50; move++) expect(chart.frameFor({ from: 250_000 + move, to: 250_800 + move }, 1_000)).toBe(whole);
    expect(asked).toHaveLength(1);
  });

  test("never gives a frame that lacks visible data", async () => {
    const { chart, asked } = open(64_000);
    for (const view of [near, { from: 100, to: 900 }, { from: 63_500, to: 65_000 }, { from: -300, to: 500 }, { from: 30_000, to: 42_000 }].map(
      ({ from, to }) => ({ from: from % 64_000, to: (from % 64_000) + to - from }),
    )) {
      for (let turn = 0; turn < 2; turn++) {
        expect(covers(chart.frameFor(view, 1_000), view, 64_000)).toBe(true);
        await asked.at(-1)?.answer();
      }
    }
  });
});

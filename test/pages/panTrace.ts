/**
 * How much work a frame costs while half a million bars are dragged through the chart: script and layout of the page's main
 * thread between two frames, from a trace of the browser. For the bench; a test cannot rely on time.
 */
import type { Pages } from "./browser.ts";
import { MINUTES } from "./market.ts";

export interface PanFigures {
  /** 95th percentile of script and layout a frame, in ms of the wall clock and of the thread's own time. */
  readonly p95Ms: number;
  readonly p95ThreadMs: number;
  readonly medianMs: number;
  readonly frames: number;
  readonly framesPerSecond: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

const WORK = new Set([
  "FunctionCall",
  "EvaluateScript",
  "FireAnimationFrame",
  "EventDispatch",
  "TimerFire",
  "RunMicrotasks",
  "Layout",
  "UpdateLayoutTree",
  "MinorGC",
  "MajorGC",
]);
/** Two callbacks nearer than this belong to the same frame. */
const SAME_FRAME_US = 8_000;

export async function measurePan(pages: Pages): Promise<PanFigures> {
  const engine = await pages.engine();
  const run = engine.addFinished(MINUTES);
  const page = await pages.show(engine, `/backtest?run=${run.id}`);
  await page.getByText(/1 candle =/).waitFor();
  const box = (await page.locator(".chart-body").boundingBox())!;
  const y = box.y + 100;
  await page.mouse.move(box.x + box.width / 2, y);
  while (await page.getByText(/1 candle =/).isVisible()) {
    await page.mouse.wheel(0, -160);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const drag = async (times: number) => {
    for (let turn = 0; turn < times; turn++) {
      await page.mouse.move(box.x + 60, y);
      await page.mouse.down();
      for (let step = 1; step <= 60; step++) await page.mouse.move(box.x + 60 + step * 12, y);
      await page.mouse.up();
    }
  };
  // The first drags compile; everybody's later ones do not.
  await drag(2);
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline"] } });
  const start = performance.now();
  await drag(10);
  const elapsed = performance.now() - start;
  const complete = new Promise<void>((resolve) => session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.end");
  await complete;
  return figures(events, elapsed);
}

function figures(events: readonly TraceEvent[], elapsedMs: number): PanFigures {
  const fired = events.filter(({ name }) => name === "FireAnimationFrame").sort((a, b) => a.ts - b.ts);
  const first = fired[0];
  if (!first) throw new Error("The trace holds no frame.");
  const starts: number[] = [];
  for (const { ts } of fired) if (starts.length === 0 || ts - starts.at(-1)! > SAME_FRAME_US) starts.push(ts);
  // Only outermost pieces of work: what happens inside one is part of it.
  const work: TraceEvent[] = [];
  let end = 0;
  for (const event of events
    .filter(({ name, ph, pid, tid }) => ph === "X" && WORK.has(name) && pid === first.pid && tid === first.tid)
    .sort((a, b) => a.ts - b.ts)) {
    if (event.ts < end) continue;
    work.push(event);
    end = event.ts + (event.dur ?? 0);
  }
  const perFrame = (cost: (event: TraceEvent) => number) => {
    const sums = starts.slice(1).map(() => 0);
    let frame = 0;
    for (const event of work) {
      while (frame < sums.length && event.ts >= starts[frame + 1]!) frame++;
      if (frame < sums.length && event.ts >= starts[frame]!) sums[frame]! += cost(event) / 1_000;
    }
    return sums.sort((a, b) => a - b);
  };
  const wall = perFrame(({ dur }) => dur ?? 0);
  const thread = perFrame(({ tdur, dur }) => tdur ?? dur ?? 0);
  const at = (sorted: readonly number[], share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]!;
  return {
    p95Ms: at(wall, 0.95),
    p95ThreadMs: at(thread, 0.95),
    medianMs: at(wall, 0.5),
    frames: wall.length,
    framesPerSecond: (starts.length / elapsedMs) * 1_000,
  };
}

/** Half a million bars dragged through the chart in a real browser: what a frame costs its page's main thread, from a trace; see `measurePan`. */
import { existsSync } from "node:fs";
import { CHROMIUM, Pages } from "../../test/pages/browser.ts";
import { measurePan, type PanFigures } from "../../test/pages/panTrace.ts";
import { atMost, type Row } from "../row.ts";

const MOST_MS = 8;

/** Taken once for both rows. */
let figures: Promise<PanFigures> | undefined;

function pan(): Promise<PanFigures> {
  figures ??= (async () => {
    if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}; install one, or name it in TINO_CHROMIUM`);
    const pages = await Pages.open();
    try {
      return await measurePan(pages);
    } finally {
      await pages.close();
    }
  })();
  return figures;
}

export const rows: readonly Row[] = [
  {
    name: "pan",
    goal: `≤ ${MOST_MS} ms; p95 of script and layout a frame, 500,000 bars, in the thread's own time`,
    run: async () => atMost("ms", (await pan()).p95ThreadMs, MOST_MS),
  },
  {
    name: "frames panned",
    goal: "printed; frames the browser showed while it was dragged, software rendering",
    run: async () => atMost("1/s", (await pan()).framesPerSecond, Number.POSITIVE_INFINITY),
  },
];

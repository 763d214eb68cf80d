/** Whether a run stays linear in its bars, and how much memory it takes at its peak, a million bars against a hundred thousand and against NautilusTrader alone. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineLink } from "../../extension/client/engineLink.ts";
import { python } from "../engine.ts";
import { againstFloor, inTurns, least, type Row } from "../row.ts";
import { CROSSING, FOLDER, runCrossing, takeScript, withBars } from "../runs.ts";

const FEW = 100_000;
const MANY = 1_000_000;
const TURNS = 2;
const MOST_TIME = 11;
const MOST_MEMORY = 1.2;
const LOOK_MS = 50;

export const rows: readonly Row[] = [
  {
    name: "a million bars",
    goal: `≤ ${MOST_TIME}× a run of ${FEW.toLocaleString("en")}`,
    run: () =>
      withBars(FEW, (_few, few) =>
        withBars(MANY, async (_many, many) => {
          const take = (link: EngineLink) => async () => (await runCrossing(link, CROSSING)).elapsed;
          const [value, floor] = await inTurns(TURNS, take(many), take(few), least);
          return againstFloor("ms", value, floor, MOST_TIME);
        }),
      ),
  },
  {
    name: "peak memory of a million bars",
    goal: `≤ ${MOST_MEMORY}× NautilusTrader alone, streaming the same file`,
    run: () =>
      withBars(MANY, async (rig, link) => {
        let value = 0;
        const watch = setInterval(() => {
          void link.call("getEngine").then(({ children }) => {
            for (const { role, pid } of children) if (role === "work" || role === "spare") value = Math.max(value, peakOf(pid));
          });
        }, LOOK_MS);
        try {
          await runCrossing(link, CROSSING);
        } finally {
          clearInterval(watch);
        }
        const { answer } = await takeScript(python(), ["-E", "-s", join(FOLDER, "bare_backtest.py"), join(rig.home, "data", "catalog")]);
        return againstFloor("MB", value / 1e6, (answer.peak ?? 0) / 1e6, MOST_MEMORY);
      }),
  },
];

/** The most resident memory that a process has had, in bytes; 0 of one that is gone. Linux alone keeps it. */
function peakOf(pid: number): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return line ? Number(line[1]) * 1024 : 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && process.platform === "linux") return 0;
    throw new Error("The peak of a process's memory can be read on Linux only.");
  }
}

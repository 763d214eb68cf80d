/**
 * Ten thousand bars over HTTP: processor time a request, of the engine and its data worker together, against an answer that FastAPI builds and
 * checks by a `response_model` of the same bars. Both from memory that is warm; Linux alone tells the time of another process finely enough.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { python } from "../engine.ts";
import { againstFloor, type Row } from "../row.ts";
import { FOLDER, withBars } from "../runs.ts";

const BARS = 10_000;
const REQUESTS = 300;
const FLOOR_REQUESTS = 30;
const MOST = 1 / 50;
const MS_PER_TICK = 10;

export const rows: readonly Row[] = [
  {
    name: "bars over HTTP",
    goal: "≤ 0.02×; processor time for 10,000 bars, the floor builds JSON by a response_model",
    run: () =>
      withBars(BARS, async (_rig, link) => {
        const ask = () => link.call("getBars", { query: { barType: "BENCH.XNAS-1-MINUTE-LAST-EXTERNAL" } });
        const status = async () => {
          const { pid, children } = await link.call("getEngine");
          return [pid, ...children.filter(({ role }) => role === "data").map((child) => child.pid)];
        };
        await ask();
        const pids = await status();
        const value = await takeTime(pids, REQUESTS, ask);
        const child = spawn(python(), ["-I", join(FOLDER, "response_model.py"), String(BARS)], { stdio: ["ignore", "pipe", "inherit"] });
        try {
          const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
          const fetchBars = () => read(Number(line));
          await fetchBars();
          return againstFloor("ms", value, await takeTime([child.pid ?? 0], FLOOR_REQUESTS, fetchBars), MOST);
        } finally {
          await end(child);
        }
      }),
  },
];

/** Processor milliseconds a request, of these processes together. */
async function takeTime(pids: readonly number[], requests: number, ask: () => Promise<unknown>): Promise<number> {
  const spent = () => pids.reduce((sum, pid) => sum + processorMs(pid), 0);
  const before = spent();
  for (let number = 0; number < requests; number += 1) await ask();
  return (spent() - before) / requests;
}

function processorMs(pid: number): number {
  if (process.platform !== "linux") throw new Error("The processor time of another process can be read on Linux only.");
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function read(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/" }, (response) => response.resume().on("end", () => resolve())).on("error", reject);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

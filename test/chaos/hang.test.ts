/**
 * What takes its time in truth: an engine that answers nothing is dumped to the log and replaced; one whose clients were away for a while
 * is not; one that gets nowhere with its start is given up.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { CATALOGUE } from "#contracts/catalogue";
import { type ClientProcess, Rig, ROOT, until } from "../rig.ts";

const folder = mkdtempSync(join(tmpdir(), "tino-hang-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where an engine is looked for: an interpreter that runs the real one with a way to hang. */
function installHanging(): string {
  const bin = join(folder, ".venv", "bin");
  mkdirSync(bin, { recursive: true });
  const python = join(ROOT, "engine", ".venv", "bin", "python");
  writeFileSync(join(bin, "python"), `#!/bin/sh\nexec "${python}" -I "${join(ROOT, "test", "chaos", "hanging_engine.py")}" "$@"\n`);
  chmodSync(join(bin, "python"), 0o755);
  return folder;
}

/** Ten seconds of silence, a question, and the start of an engine on a machine that may be busy. */
const PATIENCE_MS = 120_000;

// All wait out the ten seconds that an engine has, so they do it at the same time.
test.concurrent.each(["", ", though its record is deleted"])(
  "an engine that hangs leaves its stacks in the log and is replaced, also for one that comes meanwhile%s",
  async (deleted) => {
    const rig = new Rig({ engine: "real", env: { TINO_ENGINE_DIR: installHanging() } });
    try {
      const clients = await Promise.all([rig.startClient("vscode"), rig.startClient()]);
      const [hanging] = await Promise.all(clients.map((client) => client.live()));
      if (!hanging) throw new Error("no engine");
      process.kill(hanging.pid, "SIGUSR2");
      const all = [...clients, await rig.startClient()];
      const nextOf = (client: ClientProcess) => client.reports.find(({ state }) => state?.kind === "live" && state.connection?.instance !== hanging.instance);
      const isNext = () => {
        // Again and again, since it may write it once more before it hangs.
        if (deleted && rig.engineInfo()?.instance === hanging.instance) rmSync(rig.paths.engineInfo, { force: true });
        return all.every(nextOf);
      };
      await until(isNext, () => `the next engine; heard ${JSON.stringify(all.map((client) => client.reports))}`, PATIENCE_MS);
      expect(new Set(all.map((client) => nextOf(client)?.state?.connection?.instance)).size).toBe(1);
      const told = () =>
        readFileSync(rig.paths.engineLog, "utf8")
          .split("\n")
          .find((line) => line.includes('"no_tick"'));
      await until(
        () => told() !== undefined,
        () => "the stacks in the log",
      );
      expect(JSON.parse(told() ?? "").stacks).toMatch(/hanging_engine\.py", line \d+ in hang/);
      expect(all.flatMap((client) => client.reports.filter((report) => report.state?.kind === "failed"))).toEqual([]);
    } finally {
      await rig.close();
    }
  },
  2 * PATIENCE_MS,
);

test.concurrent(
  "clients that were stopped for longer than that ask first, and keep their engine",
  async () => {
    const rig = new Rig({ engine: "real" });
    try {
      const clients = await Promise.all([rig.startClient("vscode"), rig.startClient()]);
      const [engine] = await Promise.all(clients.map((client) => client.live()));
      for (const client of clients) client.kill("SIGSTOP");
      // The time itself is what is tested: three of their ticks are missed.
      await delay(16_000);
      for (const client of clients) client.kill("SIGCONT");
      const other = await rig.startClient();
      expect(await other.live()).toEqual(engine);
      for (const client of clients) {
        await client.hears("the third client", ({ event }) => event?.type === "client.joined" && event.client?.pid === other.pid);
        const lives = client.reports.flatMap(({ state }) => (state?.kind === "live" ? (state.connection?.pid ?? []) : []));
        expect(new Set(lives)).toEqual(new Set([engine?.pid]));
      }
    } finally {
      await rig.close();
    }
  },
  2 * PATIENCE_MS,
);

test.concurrent(
  "a terminal gives up an engine that gets nowhere for fifteen seconds, and shows where and what it said last",
  async () => {
    const rig = new Rig({ fake: "stall" });
    try {
      const { code, stderr } = await rig.tino(["up"]);
      expect(code).toBe(CATALOGUE.engine_start_timeout.exit);
      expect(stderr).toContain("The engine did not start: no progress for 15 s while looking for its glasses.");
      expect(stderr).toContain(rig.paths.engineStartLog);
      expect(stderr).toContain("They were here a moment ago.");
      await rig.untilEmpty();
    } finally {
      await rig.close();
    }
  },
  2 * PATIENCE_MS,
);

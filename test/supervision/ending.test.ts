/** Ending an engine: asked, refused, forced; one that does not answer; one that is not to be signalled. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { Place } from "../../extension/supervisor/place.ts";
import { endEngine } from "../../extension/supervisor/shutdown.ts";
import { type ClientProcess, Rig } from "../rig.ts";

let rig: Rig;
const stopped: number[] = [];
afterEach(async () => {
  for (const pid of stopped.splice(0)) if (rig.processes().includes(pid)) process.kill(pid, "SIGCONT");
  await rig.close();
});

const started = async (options: ConstructorParameters<typeof Rig>[0] = {}): Promise<{ client: ClientProcess; pid: number }> => {
  rig = new Rig(options);
  const client = await rig.startClient("vscode");
  return { client, pid: (await client.live()).pid };
};

/** The rig's place with every signal noted. */
function watched(change: Partial<Place["processes"]> = {}): { place: Place; signals: [number, string][] } {
  const place = rig.place();
  const signals: [number, string][] = [];
  const signal: Place["processes"]["signal"] = (pid, name) => {
    signals.push([pid, name]);
    return place.processes.signal(pid, name);
  };
  return { place: { ...place, processes: { ...place.processes, signal, ...change } }, signals };
}

test("nothing to end is no failure", async () => {
  rig = new Rig();
  expect(await rig.tino(["down"])).toMatchObject({ code: 0, stdout: "No engine is running.\n" });
  expect(JSON.parse((await rig.tino(["down", "--json"])).stdout)).toEqual({ ended: false });
});

test("an engine that does as it is asked gets no signal", async () => {
  await started();
  const { place, signals } = watched();
  await expect(endEngine(place, false)).rejects.toMatchObject({ code: "engine_busy" });
  expect(await endEngine(place, true)).toBe(true);
  expect(signals).toEqual([]);
  expect(rig.engineInfo()).toBeNull();
});

test("an engine that does not answer is left alone without --force, and ended with it", async () => {
  const { client, pid } = await started();
  client.kill("SIGSTOP"); // Or it would start another as soon as this one is gone.
  stopped.push(pid);
  process.kill(pid, "SIGSTOP");
  const status = await rig.tino(["status", "--json"]);
  expect(status.code).toBe(5);
  expect(JSON.parse(status.stdout)).toMatchObject({ running: false, engine: null, problem: { code: "engine_unreachable" } });
  const { place, signals } = watched();
  await expect(endEngine(place, false)).rejects.toMatchObject({ code: "engine_unreachable" });
  expect(signals).toEqual([]);
  expect(await endEngine(place, true)).toBe(true);
  expect(signals).toEqual([
    [pid, "SIGTERM"],
    [pid, "SIGKILL"],
  ]);
  expect(rig.engineInfo()).toBeNull();
  client.kill("SIGKILL");
  client.kill("SIGCONT");
});

test("a process whose identity cannot be proven is never signalled", async () => {
  const { client, pid } = await started();
  stopped.push(pid);
  process.kill(pid, "SIGSTOP");
  // As where no start can be read: the PID alone is known, and what runs under it is not tino's.
  const { place, signals } = watched({ look: (asked) => ({ exists: asked === pid, startId: null }), startId: () => "another's" });
  await expect(endEngine(place, true)).rejects.toMatchObject({ code: "engine_unreachable" });
  expect(signals).toEqual([]);
  process.kill(pid, "SIGCONT");
  client.tell("leave");
  await client.running.finished;
});

test("a record of a process that is gone is cleared by --force and by nothing else", async () => {
  const { client, pid } = await started();
  const record = readFileSync(rig.paths.engineInfo, "utf8");
  client.tell("leave");
  await client.running.finished;
  writeFileSync(rig.paths.engineInfo, record);
  const { place, signals } = watched();
  expect(await endEngine(place, false)).toBe(false);
  expect(rig.engineInfo()?.pid).toBe(pid);
  expect(await endEngine(place, true)).toBe(false);
  expect(rig.engineInfo()).toBeNull();
  expect(signals).toEqual([]);
});

test("a client waits for an engine that does not answer, and goes on when it does", async () => {
  const { pid } = await started();
  stopped.push(pid);
  process.kill(pid, "SIGSTOP");
  const second = await rig.startClient();
  await second.hears("waiting", (report) => report.state?.phase === "waiting for the engine to answer");
  process.kill(pid, "SIGCONT");
  expect((await second.live()).pid).toBe(pid);
  expect(rig.fakeStarts()).toEqual([pid]);
});

test("leaving never fails, and does not end an engine that is not reached", async () => {
  const { client } = await started();
  writeFileSync(rig.paths.engineToken, "00".repeat(32));
  client.tell("leave");
  await client.running.finished;
  expect(client.reports.at(-1)?.left).toBe("gone");
  await rig.untilEmpty();
});

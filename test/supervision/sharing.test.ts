/** One engine, however many clients, whatever happens to them: with the fake engine, whose kernel lock is as real as the engine's. */
import { unlinkSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type ClientProcess, Rig, until } from "../rig.ts";

let rig: Rig;
afterEach(() => rig.close());

const startClients = (count: number) => Promise.all(Array.from({ length: count }, (_, index) => rig.startClient(index % 2 ? "vscode" : "cli")));
const leave = async (client: ClientProcess) => {
  client.tell("leave");
  await client.running.finished;
  return client.reports.at(-1)?.left;
};

test("eight clients that start at the same instant share one engine", async () => {
  rig = new Rig();
  const clients = await startClients(8);
  const engines = await Promise.all(clients.map((client) => client.live()));
  expect(new Set(engines.map((engine) => engine.instance)).size).toBe(1);
  expect(rig.fakeStarts()).toEqual([engines[0]?.pid]);
  expect(rig.locks().sort()).toEqual(clients.map((client) => `cli-${client.pid}.lock`).sort());
});

test("the second attaches to the first's engine, and each sees the other come", async () => {
  rig = new Rig();
  const first = await rig.startClient();
  const engine = await first.live();
  const second = await rig.startClient("vscode");
  expect(await second.live()).toEqual(engine);
  await first.hears("the second", (report) => report.event?.type === "client.joined");
  expect(rig.fakeStarts()).toHaveLength(1);
});

test("the last one out ends the engine, the one before does not", async () => {
  rig = new Rig({ env: { TINO_TERMINAL_GRACE_MS: "60000" } });
  const [first, second] = await startClients(2);
  await first?.live();
  await second?.live();
  expect(await leave(first as ClientProcess)).toBe("inUse");
  expect(rig.processes()).toContain(rig.engineInfo()?.pid);
  expect(await leave(second as ClientProcess)).toBe("ended");
  await rig.untilEmpty();
  expect(rig.engineInfo()).toBeNull();
  expect(rig.locks()).toEqual([]);
});

test("two that leave at the same instant leave no engine behind", async () => {
  rig = new Rig({ env: { TINO_TERMINAL_GRACE_MS: "60000", TINO_WINDOW_GRACE_MS: "60000" } });
  const clients = await startClients(4);
  await Promise.all(clients.map((client) => client.live()));
  const left = await Promise.all(clients.map(leave));
  expect(left).toContain("ended");
  await rig.untilEmpty();
});

test("when every client is killed the engine still ends", async () => {
  rig = new Rig();
  const clients = await startClients(3);
  await Promise.all(clients.map((client) => client.live()));
  for (const client of clients) client.kill("SIGKILL");
  await rig.untilEmpty();
});

test("a window that closes leaves the engine to its grace, and finds it again", async () => {
  rig = new Rig({ env: { TINO_WINDOW_GRACE_MS: "60000" } });
  const window = await rig.startClient("vscode");
  const engine = await window.live();
  window.tell("dispose");
  await window.running.finished;
  expect(rig.locks()).toEqual([]);
  const reloaded = await rig.startClient("vscode");
  expect(await reloaded.live()).toEqual(engine);
});

test("a killed engine is replaced without a word, for all of its clients by the same one", async () => {
  rig = new Rig();
  const clients = await startClients(3);
  const engine = await (clients[0] as ClientProcess).live();
  await Promise.all(clients.map((client) => client.live()));
  process.kill(engine.pid, "SIGKILL");
  const next = await Promise.all(clients.map((client) => client.live(engine.instance)));
  expect(new Set(next.map(({ instance }) => instance)).size).toBe(1);
  for (const client of clients) await client.hears("a fresh snapshot", (report) => report.snapshot?.instance === next[0]?.instance);
  expect(rig.fakeStarts()).toHaveLength(2);
});

test("after three ends in two minutes no engine is started, until the user says so", async () => {
  rig = new Rig();
  const client = await rig.startClient();
  const seen: string[] = [];
  for (const _ of [1, 2, 3]) {
    const engine = await client.live(...seen);
    seen.push(engine.instance);
    process.kill(engine.pid, "SIGKILL");
  }
  const failed = await client.hears("the end of patience", (report) => report.state?.kind === "failed");
  expect(failed.state?.error?.code).toBe("engine_crash_loop");
  expect(rig.fakeStarts()).toHaveLength(3);
  client.tell("again");
  await client.live(...seen);
});

test("an engine that was ended in order is not started again behind its user's back", async () => {
  rig = new Rig();
  const client = await rig.startClient();
  await client.live();
  const down = await rig.tino(["down", "--force"]);
  expect(down).toMatchObject({ code: 0, stderr: "" });
  await client.hears("stopped", (report) => report.state?.kind === "stopped");
  expect(rig.fakeStarts()).toHaveLength(1);
});

test("a deleted lock file is written again", async () => {
  rig = new Rig();
  const client = await rig.startClient();
  await client.live();
  unlinkSync(`${rig.paths.clients}/cli-${client.pid}.lock`);
  await until(
    () => rig.locks().length === 1,
    () => "the lock file",
  );
});

test("an engine.pid of a dead process is not believed, and nobody asks its port", async () => {
  rig = new Rig();
  const first = await rig.startClient();
  const dead = await first.live();
  const left = rig.engineInfo();
  process.kill(dead.pid, "SIGKILL");
  const next = await first.live(dead.instance);
  // A second client finds the dead engine's file in place of the living one's: the lock leads it to the right one.
  writeFileSync(rig.paths.engineInfo, JSON.stringify({ ...left, port: 9 }));
  const second = await rig.startClient();
  await second.hears("waiting", (report) => report.state?.phase === "waiting for the engine another program started");
  expect(rig.fakeStarts()).toHaveLength(2);
  expect(next.instance).not.toBe(dead.instance);
});

test("events come in order; after a gap a fresh snapshot takes their place", async () => {
  rig = new Rig({ fake: "gap" });
  const client = await rig.startClient();
  await client.live();
  for (const folder of ["a", "b", "c", "d"]) client.tell(`trust ${folder}`);
  await client.hears("a second snapshot", (report) => (report.snapshot?.seq ?? 0) > 0);
  const last = client.reports.findIndex((report) => (report.snapshot?.seq ?? 0) > 0);
  const seqs = client.reports.slice(0, last).flatMap((report) => report.event?.seq ?? []);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
});

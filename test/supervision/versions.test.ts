/**
 * Programs and engines of different versions, all nine pairs of older, same and newer. The programs are the real ones, bundled with
 * another protocol number; the engine is the fake one in the matrix and the real one in the story after it.
 */
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { EngineClient } from "../../extension/client/engineClient.ts";
import { findEngine } from "../../extension/supervisor/discovery.ts";
import { Lease } from "../../extension/supervisor/lockDirectory.ts";
import { STRATEGIES } from "../cli/strategies.ts";
import { bundleOf, ClientProcess, installOtherVersion, Rig, until } from "../rig.ts";

let rig: Rig;
afterEach(() => rig.close());

const LONG_GRACES = { TINO_WINDOW_GRACE_MS: "60000", TINO_TERMINAL_GRACE_MS: "60000" };

/** A client of a version, in a process of its own; an engine that it starts is of the same one. */
async function startClient(version: number, kind: "vscode" | "cli" = "cli", env: Record<string, string> = {}): Promise<ClientProcess> {
  return new ClientProcess(rig.start([await bundleOf("test/supervision/client.ts", version), kind], { env: { TINO_FAKE: `protocol=${version}`, ...env } }));
}

async function leave(client: ClientProcess, how: "leave" | "dispose" = "leave"): Promise<void> {
  client.tell(how);
  await client.running.finished;
}

/** What a client of a version is told that may not use the engine. It stays, as a window does that shows this, or leaves as a terminal does. */
async function refused(version: number, env: Record<string, string> = {}, stays = false): Promise<{ code: string; message: string }> {
  const client = await startClient(version, "cli", env);
  const { error } = await client.hears("the refusal", (report) => report.error !== undefined);
  if (!stays) await leave(client);
  return error as { code: string; message: string };
}

async function statusBy(version: number) {
  const { code, stdout } = await rig.start([await bundleOf("extension/cli/main.ts", version), "status", "--json"]).finished;
  return { code, ...JSON.parse(stdout) };
}

/** Every file of the home with its time; the fake's own list of requests aside. */
const homeAsItIs = () =>
  readdirSync(rig.home, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.endsWith("fake-requests.log"))
    .sort()
    .map((name) => `${name} ${statSync(join(rig.home, name)).mtimeMs}`);

describe.each([1, 2, 3])("an engine of version %i", (engine) => {
  /** It runs, held by a window of its version. */
  async function running(): Promise<{ window: ClientProcess; pid: number }> {
    rig = new Rig({ env: LONG_GRACES });
    const window = await startClient(engine, "vscode");
    return { window, pid: (await window.live()).pid };
  }

  /** It is the only one that ever ran, and it runs. */
  const expectUntouched = (pid: number) => {
    expect(rig.fakeStarts()).toEqual([pid]);
    expect(rig.engineInfo()?.pid).toBe(pid);
    expect(rig.processes()).toContain(pid);
  };

  test.each([1, 2, 3].filter((client) => client === engine))("is shared with a client of version %i", async (client) => {
    const { pid } = await running();
    const before = homeAsItIs();
    expect(await statusBy(client)).toMatchObject({ code: 0, running: true, engine: { pid, protocol: engine }, problem: null });
    expect(homeAsItIs()).toEqual(before);
    expect((await (await startClient(client)).live()).pid).toBe(pid);
    expectUntouched(pid);
  });

  test.each([1, 2, 3].filter((client) => client < engine))("is left alone by a client of version %i, busy or idle", async (client) => {
    const { window, pid } = await running();
    const before = homeAsItIs();
    const told = `A newer engine runs: process ${pid}, version 0.0.0-fake, protocol ${engine}; this program speaks only protocol ${client}.`;
    expect(await statusBy(client)).toMatchObject({ code: 5, running: true, engine: null, problem: { code: "engine_too_new", message: told } });
    expect(homeAsItIs()).toEqual(before);
    expect(await refused(client)).toMatchObject({ code: "engine_too_new", message: told });
    expectUntouched(pid);
    await leave(window, "dispose");
    expect((await refused(client)).code).toBe("engine_too_new");
    expectUntouched(pid);
  });

  test.each([1, 2, 3].filter((client) => client > engine))("makes room for a client of version %i when it is idle, and not before", async (client) => {
    const { window, pid } = await running();
    const before = homeAsItIs();
    const told = `An older engine runs: process ${pid}, version 0.0.0-fake, protocol ${engine}; this program speaks protocol ${client}.`;
    const inUse = (holder: string) => ({ code: "engine_too_old", message: `${told} The engine is in use: ${holder}.` });
    const status = await statusBy(client);
    expect(status).toMatchObject({ code: 5, running: true, engine: null, problem: { code: "engine_too_old" } });
    expect(status.problem.message).toBe(`${told} It is used by window ${window.pid}.`);
    expect(homeAsItIs()).toEqual(before);

    // One that was refused holds nothing, else the next ones would be refused because of it.
    expect(await refused(client, {}, true)).toMatchObject(inUse(`window ${window.pid}`));
    await leave(window, "dispose");
    const { processes, clock } = rig.place();
    const trader = Lease.take(rig.paths, { kind: "trader", version: "1", workspace: null }, processes, clock);
    expect(await refused(client)).toMatchObject(inUse(`trader ${process.pid}`));
    trader.release();
    writeFileSync(join(rig.home, "fake-run"), "");
    expect(await refused(client)).toMatchObject(inUse("1 run under way"));
    rmSync(join(rig.home, "fake-run"));
    expectUntouched(pid);

    expect((await statusBy(client)).problem.message).toBe(`${told} No window, terminal or trader uses it.`);
    expectUntouched(pid);
    const next = await (await startClient(client)).live();
    expect(rig.fakeStarts()).toEqual([pid, next.pid]);
    expect(rig.processes()).not.toContain(pid);
    expect(rig.engineInfo()).toMatchObject({ pid: next.pid, protocol: client });
  });
});

test("one that an older engine refused has the next one by itself when that one goes", async () => {
  rig = new Rig({ env: LONG_GRACES });
  const old = await startClient(1, "vscode");
  const { pid } = await old.live();
  const refused = await startClient(2, "vscode");
  await refused.hears("the refusal", ({ error }) => error?.code === "engine_too_old");
  await leave(old, "dispose");
  process.kill(pid, "SIGTERM"); // Rather than wait for its grace.
  const next = await refused.live();
  expect(rig.fakeStarts()).toEqual([pid, next.pid]);
  expect(rig.engineInfo()).toMatchObject({ pid: next.pid, protocol: 2 });
});

test("a terminal says that an older engine runs and offers to restart it, which takes two presses", async () => {
  rig = new Rig({ env: LONG_GRACES });
  const window = await startClient(0, "vscode");
  const { pid } = await window.live();
  const view = await rig.startInTerminal([], { columns: 100, rows: 24 });
  await view.says(new RegExp(`An older engine runs: process ${pid}`));
  await view.says(/restart the engine/);
  view.process.stdin?.write("r");
  await view.says(/Press r again to restart the engine/);
  expect(rig.fakeStarts()).toEqual([pid]);
  view.process.stdin?.write("r");
  await view.says(/engine healthy/);
  expect(rig.engineInfo()).toMatchObject({ protocol: 1 });
  await window.hears("the end", (report) => report.state?.kind === "stopped");
  view.process.stdin?.write("q");
  await view.finished;
});

test("an engine package that was not updated with its program says so, and is not tried again and again", async () => {
  rig = new Rig();
  const { code, message } = await refused(2, { TINO_FAKE: "protocol=1" });
  expect(code).toBe("engine_start_failed");
  expect(message).toContain("it speaks protocol 2, this engine 1");
  expect(rig.fakeStarts()).toHaveLength(1);
});

test("`tino status` where no engine was ever started writes nothing", async () => {
  rig = new Rig();
  expect(await statusBy(2)).toMatchObject({ code: 5, running: false, problem: null });
  expect(() => statSync(rig.home)).toThrow("ENOENT");
});

test("the real engine: a run under way is not interrupted; when it is over a newer program replaces the engine, and the older one is told", async () => {
  rig = new Rig({ engine: "real", env: LONG_GRACES });
  const folder = dirname(rig.home);
  writeFileSync(join(folder, "loops.py"), STRATEGIES.loops);
  const newer = { TINO_ENGINE_DIR: installOtherVersion(folder, 2) };
  const window = await startClient(1, "vscode");
  const old = await window.live();
  window.tell(`trust ${folder}`);
  const finding = await findEngine(rig.place());
  if (finding.kind !== "running") throw new Error(finding.kind);
  const engine = new EngineClient(finding.connection, null);
  await engine.call("importSample", {}, { timeoutMs: 60_000 });
  const run = await engine.call("startBacktest", { body: { path: join(folder, "loops.py"), name: "Loops", symbols: ["AAPL.XNAS"] } });
  await leave(window, "dispose");

  const busy = await refused(2, newer);
  expect(busy).toMatchObject({ code: "engine_too_old" });
  expect(busy.message).toMatch(/ protocol 1; this program speaks protocol 2\. The engine is in use: 1 run under way\.$/);
  expect((await statusBy(2)).problem.message).toMatch(/No window, terminal or trader uses it\.$/);
  expect((await engine.call("getRun", { path: { id: run.id } })).error).toBeNull();

  await engine.call("cancelRun", { path: { id: run.id } });
  await until(
    async () => (await engine.call("getRun", { path: { id: run.id } })).status === "cancelled",
    () => "the end of the run",
  );
  engine.close();
  const terminal = await startClient(2, "cli", newer);
  const next = await terminal.live();
  expect(next.pid).not.toBe(old.pid);
  expect(rig.engineInfo()).toMatchObject({ pid: next.pid, protocol: 2 });
  expect(rig.processes()).not.toContain(old.pid);
  expect((await refused(1)).message).toMatch(/^A newer engine runs: process \d+, version \S+, protocol 2; this program speaks only protocol 1\.$/);
  expect(rig.engineInfo()?.pid).toBe(next.pid);
});

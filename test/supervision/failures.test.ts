/** What can go wrong on the way to an engine: each has a code of the catalogue, and none leaves a process behind. */
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { EngineInfo } from "#contracts";
import { CATALOGUE, TinoError } from "#contracts/catalogue";
import { type Clock, systemClock } from "../../extension/supervisor/clock.ts";
import { findEngine } from "../../extension/supervisor/discovery.ts";
import { Lease } from "../../extension/supervisor/lockDirectory.ts";
import { ensureEngine } from "../../extension/supervisor/supervise.ts";
import { Rig, type RigOptions } from "../rig.ts";

let rig: Rig;
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rig.close();
});

/** Ask for the engine from this process; gives the connection or the failure. */
async function ensure(options: Partial<Parameters<typeof ensureEngine>[1]> = {}, clock: Clock = systemClock) {
  const place = { ...rig.place(), clock };
  const lease = Lease.take(rig.paths, { kind: "cli", version: "1", workspace: null }, place.processes, place.clock);
  try {
    return await ensureEngine(place, { lease, ...options });
  } catch (error) {
    if (error instanceof TinoError) return error;
    throw error;
  } finally {
    lease.release();
  }
}

async function failure(options: RigOptions, ensured: Parameters<typeof ensure>[0] = {}): Promise<TinoError> {
  rig = new Rig(options);
  const outcome = await ensure(ensured);
  if (!(outcome instanceof TinoError)) throw new Error("it did not fail");
  return outcome;
}

/** A service on a port of its own that remembers what it was sent. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`.trim());
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, heard };
}

/** Leave an engine.pid and a token as if an engine of this process were running on a port. */
function recordEngine(port: number): EngineInfo {
  const { processes } = rig.place();
  mkdirSync(rig.home, { mode: 0o700 });
  mkdirSync(rig.paths.run, { mode: 0o700 });
  mkdirSync(rig.paths.logs, { mode: 0o700 });
  const startId = processes.look(process.pid).startId;
  const info = {
    pid: process.pid,
    port,
    startedAt: 1,
    pythonPath: "python",
    instance: "ab".repeat(16),
    protocol: 1,
    version: "1",
    startId,
    bootId: processes.bootId(),
    logPath: "log",
  };
  writeFileSync(rig.paths.engineToken, "cd".repeat(32), { mode: 0o600 });
  writeFileSync(rig.paths.engineInfo, JSON.stringify(info), { mode: 0o600 });
  return info;
}

const forgetEngine = () => rmSync(rig.paths.engineInfo, { force: true });

test("an engine that breaks while it starts is named with its reason", async () => {
  const error = await failure({ fake: "broken" });
  expect(error.code).toBe("engine_start_failed");
  expect(error.message).toBe("The engine ended while starting (exit code 3: Something is missing).");
  expect(error.hint).toContain(rig.paths.engineStartLog);
});

test.each([
  ["stall", "looking for its glasses"],
  ["mute", "checking the start message"],
])("an engine that says nothing more (%s) is given up after 15 s, ended, and its phase named", async (fake, phase) => {
  rig = new Rig({ fake });
  // From that phase on the clock runs as fast as it is asked, so that fifteen seconds take no time.
  let ahead: number | null = null;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => ahead ?? systemClock.monotonic(),
    async sleep(ms, signal) {
      if (ahead === null) return systemClock.sleep(ms, signal);
      ahead += ms;
      return systemClock.sleep(0, signal);
    },
  };
  const onPhase = (words: string) => {
    if (words === phase) ahead = systemClock.monotonic();
  };
  const error = await ensure({ onPhase }, clock);
  expect(error).toMatchObject({ code: "engine_start_timeout", message: `The engine did not start: no progress for 15 s while ${phase}.` });
  await rig.untilEmpty();
});

test("phases are told in order", async () => {
  rig = new Rig();
  const phases: string[] = [];
  await ensure({ onPhase: (phase) => phases.push(phase) });
  expect(phases.slice(0, 4)).toEqual(["starting Python", "checking the start message", "opening the database", "healthy"]);
});

test("a missing interpreter says what to do", async () => {
  const error = await failure({ env: { TINO_ENGINE_DIR: "/nowhere" } });
  expect(error.code).toBe("engine_not_installed");
});

test("giving up before the engine was told how to start leaves none behind", async () => {
  rig = new Rig({ fake: "stall" });
  const controller = new AbortController();
  const reason = new Error("enough");
  const onPhase = (phase: string) => phase.includes("glasses") && controller.abort(reason);
  const place = rig.place();
  const lease = Lease.take(rig.paths, { kind: "cli", version: "1", workspace: null }, place.processes, place.clock);
  await expect(ensureEngine(place, { lease, signal: controller.signal, onPhase })).rejects.toBe(reason);
  lease.release();
  await rig.untilEmpty();
});

test("a taken port is named with who holds it", async () => {
  rig = new Rig();
  const { port } = await listen((_, response) => response.end());
  const error = await ensure({ port });
  expect(error).toBeInstanceOf(TinoError);
  expect((error as TinoError).code).toBe("port_in_use");
  expect((error as TinoError).message).toMatch(new RegExp(`^Port ${port} is taken by .*process ${process.pid}`));
});

test("a terminal is told which program of another process has the port", async () => {
  rig = new Rig();
  const listening = 'const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port));';
  const other = rig.start(["-e", listening]);
  await other.says(/\d+/);
  const { code, stderr } = await rig.tino(["up", "--port", other.stdout.trim()]);
  expect(code).toBe(CATALOGUE.port_in_use.exit);
  expect(stderr).toContain(`Port ${other.stdout.trim()} is taken by node (process ${other.pid}).`);
});

test("a fixed port is used", async () => {
  rig = new Rig();
  const probe = await listen(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect(await ensure({ port: probe.port })).toMatchObject({ port: probe.port });
});

const IMPOSTORS: [string, (info: EngineInfo) => unknown][] = [
  [
    "copies everything but cannot prove it",
    (info) => ({
      service: "tino",
      status: "healthy",
      pid: info.pid,
      port: info.port,
      instance: info.instance,
      protocol: 1,
      version: "1",
      proof: "00".repeat(32),
    }),
  ],
  [
    "leaves the proof out",
    (info) => ({ service: "tino", status: "healthy", pid: info.pid, port: info.port, instance: info.instance, protocol: 1, version: "1", proof: null }),
  ],
  ["is another service", () => ({ status: "healthy", engine_version: "1.0" })],
  ["sends no JSON", () => "<html>"],
];
test.each(IMPOSTORS)("a service on the recorded port that %s never sees the token", async (_, answer) => {
  rig = new Rig();
  let info: EngineInfo | null = null;
  const { port, heard } = await listen((_, response) => response.end(JSON.stringify(answer(info as EngineInfo))));
  info = recordEngine(port);
  expect(await findEngine(rig.place())).toEqual({ kind: "impostor", info });
  expect(await ensure({ allowSpawn: false })).toMatchObject({ code: "engine_impostor" });
  // With a spawn the kernel lock says that there is no engine, and a new one takes the place of the file.
  expect(await ensure()).not.toBeInstanceOf(TinoError);
  expect(heard.every((request) => /^GET \/api\/health\?nonce=[0-9a-f]{32}$/.test(request))).toBe(true);
});

test("a service that relays the challenge of another start is refused", async () => {
  rig = new Rig();
  const real = await ensure();
  if (real instanceof TinoError) throw real;
  const { port, heard } = await listen((request, response) => {
    get(`http://127.0.0.1:${real.port}${request.url}`, (answer) => answer.pipe(response));
  });
  writeFileSync(rig.paths.engineInfo, JSON.stringify({ ...rig.engineInfo(), port }));
  expect((await findEngine(rig.place())).kind).toBe("impostor");
  expect(heard.join()).not.toContain("Bearer");
});

test("a service that listens and says nothing is silent, and waited for no longer than asked", async () => {
  rig = new Rig();
  const { port } = await listen(() => undefined);
  recordEngine(port);
  expect((await findEngine(rig.place(), undefined, 100)).kind).toBe("silent");
  forgetEngine();
});

test("the record of a dead process is stale, and nobody asks its port", async () => {
  rig = new Rig();
  const { port, heard } = await listen((_, response) => response.end());
  const info = recordEngine(port);
  for (const change of [{ startId: "1" }, { bootId: "00000000-0000-0000-0000-000000000000:1" }]) {
    writeFileSync(rig.paths.engineInfo, JSON.stringify({ ...info, ...change }));
    expect((await findEngine(rig.place())).kind).toBe("stale");
  }
  expect(heard).toEqual([]);
});

test.each(["", "{", '{"pid": 1}', "[]"])("an engine.pid of another form (%s) counts as none", async (text) => {
  rig = new Rig();
  recordEngine(1);
  writeFileSync(rig.paths.engineInfo, text);
  expect(await findEngine(rig.place())).toEqual({ kind: "none" });
});

test.each([
  ["a symbolic link", () => symlinkSync("/tmp", rig.paths.run), "it is a symbolic link"],
  ["a file", () => writeFileSync(rig.paths.run, ""), "it is not a directory"],
  ["open to others", () => mkdirSync(rig.paths.run, 0o755), "others may use it (mode 755)"],
])("a run directory that is %s is refused", async (_, plant, reason) => {
  rig = new Rig();
  mkdirSync(rig.home, { mode: 0o700 });
  const before = process.umask(0);
  plant();
  process.umask(before);
  await expect(ensure()).rejects.toMatchObject({ code: "run_directory_unsafe" });
  await expect(ensure()).rejects.toThrow(reason);
});

test("what clients write is private whatever the umask", async () => {
  rig = new Rig();
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  const before = process.umask(0);
  try {
    const place = rig.place();
    const lease = Lease.take(rig.paths, { kind: "cli", version: "1", workspace: null }, place.processes, place.clock);
    expect(mode(lease.path)).toBe("600");
    expect([rig.home, rig.paths.run, rig.paths.clients, rig.paths.logs].map(mode)).toEqual(["700", "700", "700", "700"]);
    lease.release();
  } finally {
    process.umask(before);
  }
});

/** Every check, by a world that is in order but for one thing: what is said, how bad it is, and what can be put right. */
import { createHmac } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EngineInfo, LockFile } from "#contracts";
import { healthChallenge, PROTOCOL } from "#contracts/handshake";
import type { Clock } from "../supervisor/clock.ts";
import { locateInstallation } from "../supervisor/locate.ts";
import { type Paths, pathsOf } from "../supervisor/paths.ts";
import type { Place } from "../supervisor/place.ts";
import { systemProcesses } from "../supervisor/processes.ts";
import { type Check, verdictOf } from "./check.ts";
import { diagnose, diagnosisJson, repair, summaryOf } from "./diagnose.ts";
import type { Ended, Machine, Volume } from "./machine.ts";
import { compareWithLock } from "./python.ts";
import { type Inspection, Subject } from "./subject.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOCK = "alpha==1.0 \\\n    --hash=sha256:00\n    # via x\nBeta_b==2.0\nwindows-only==3.0 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n";
const INSTANCE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const NONCE = "a".repeat(32);

/** A machine and a home that are in order; each test changes one thing. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), "tino-doctor-"));
  readonly paths: Paths = pathsOf(join(this.folder, "home"));
  engineDirectory = join(this.folder, "engine");
  inspection: Inspection = {
    python: "3.13.2",
    executable: "/opt/python",
    version: locateInstallation(ROOT).version,
    packages: { Alpha: "1.0", "beta.b": "2.0" },
    database: { findings: [], revision: "0001", known: ["0001"], error: null, interrupted: false },
  };
  ended: Partial<Ended> = {};
  volume: Volume = { freeBytes: 5e10, totalBytes: 1e11, freeFiles: 1e6, isRemote: false };
  volumeError: Error | null = null;
  nodeVersion = "22.1.0";
  noPort: string | null = null;
  lockHolder: number | null = null;
  /** Time that passes when somebody waits for it. */
  wall = Date.now();
  steady = 0;
  /** Set while somebody waits. */
  stepMs = 0;
  readonly clock: Clock = {
    now: () => this.wall,
    monotonic: () => this.steady,
    sleep: async (ms) => {
      this.wall += ms + this.stepMs;
      this.steady += ms;
    },
    every: () => () => undefined,
  };
  readonly servers: { close(): unknown }[] = [];

  constructor() {
    for (const folder of [this.paths.home, this.paths.run, this.paths.clients, join(this.paths.home, "db")]) mkdirSync(folder, { mode: 0o700 });
    writeFileSync(this.database, `SQLite format 3\0${"x".repeat(4080)}`, { mode: 0o600 });
    mkdirSync(join(this.engineDirectory, ".venv", "bin"), { recursive: true });
    writeFileSync(join(this.engineDirectory, ".venv", "bin", "python"), "");
    writeFileSync(join(this.engineDirectory, "requirements.lock"), LOCK);
  }

  get database(): string {
    return join(this.paths.home, "db", "tino.db");
  }

  subject(): Subject {
    const machine: Machine = {
      system: "linux 6 x64",
      nodeVersion: this.nodeVersion,
      volume: () => {
        if (this.volumeError) throw this.volumeError;
        return this.volume;
      },
      run: async () => ({ code: 0, stdout: JSON.stringify(this.inspection), stderr: "", reason: "", ...this.ended }),
      lockHolder: () => this.lockHolder,
      whyNoPort: async () => this.noPort,
    };
    const installation = { ...locateInstallation(ROOT), engineDirectory: this.engineDirectory };
    const place: Place = { paths: this.paths, installation, env: {}, log: () => undefined, clock: this.clock, processes: systemProcesses };
    return new Subject(place, "tino", machine);
  }

  async check(name: string): Promise<Check> {
    const { checks } = await diagnose(this.subject());
    return checks.find((check) => check.name === name) as Check;
  }

  lock(name: string, content: Partial<LockFile> | string): string {
    const path = join(this.paths.clients, name);
    const whole = { pid: 999_999_999, startedAt: 1, tty: null, kind: "cli", startId: "1", bootId: null, nonce: NONCE, version: "1", workspace: null };
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify({ ...whole, ...content }), { mode: 0o600 });
    return path;
  }

  engineInfo(content: Partial<EngineInfo>): string {
    const whole = {
      pid: process.pid,
      port: 1,
      startedAt: 1,
      pythonPath: "python",
      instance: INSTANCE,
      protocol: PROTOCOL,
      version: this.inspection.version,
      startId: null,
      bootId: null,
      logPath: "log",
    };
    writeFileSync(this.paths.engineInfo, JSON.stringify({ ...whole, ...content }), { mode: 0o600 });
    return this.paths.engineInfo;
  }

  /** Somebody who answers on a port of this machine. */
  async listen(answer: RequestListener | null): Promise<number> {
    const server: Server | ReturnType<typeof createSocketServer> = answer ? createServer(answer) : createSocketServer(() => undefined);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    return (server.address() as AddressInfo).port;
  }

  /** An engine that proves itself; its clock is off by so much. */
  async engine(content: Partial<EngineInfo>, clockOffMs = 0): Promise<void> {
    const token = "b".repeat(64);
    writeFileSync(this.paths.engineToken, token, { mode: 0o600 });
    const { protocol = PROTOCOL, version = this.inspection.version } = content;
    const port = await this.listen((request, response) => {
      const nonce = /nonce=([0-9a-f]+)/.exec(request.url ?? "")?.[1] ?? "";
      const own = (response.socket?.localPort ?? 0) as number;
      const proof = createHmac("sha256", token)
        .update(healthChallenge(nonce, process.pid, own, INSTANCE))
        .digest("hex");
      const health = { service: "tino", status: "healthy", pid: process.pid, port: own, instance: INSTANCE, protocol, version, proof };
      response.end(JSON.stringify(request.url?.startsWith("/api/health") ? health : { now: this.wall + clockOffMs }));
    });
    this.engineInfo({ ...content, port });
  }

  close(): void {
    for (const server of this.servers) server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.close());

type Case = [why: string, check: string, arrange: (world: World) => unknown, verdict: Check["findings"][number]["verdict"], says: RegExp];
const CASES: Case[] = [
  ["no interpreter", "python", (w) => rmSync(join(w.engineDirectory, ".venv"), { recursive: true }), "problem", /is not set up: .*python is missing/],
  [
    "an interpreter that cannot load the engine",
    "python",
    (w) => (w.ended = { code: 1, reason: "No module named tino_engine" }),
    "problem",
    /does not run the engine: No module named tino_engine\./,
  ],
  ["an interpreter that hangs", "python", (w) => (w.ended = { code: null, reason: "no answer within 45 s" }), "problem", /no answer within 45 s/],
  ["one of another version", "python", (w) => (w.inspection = { ...w.inspection, python: "3.12.9" }), "problem", /3\.12\.9; the engine needs 3\.13/],
  ["something else that prints", "python", (w) => (w.ended = { stdout: "hello" }), "problem", /not the answer/],
  ["no interpreter", "packages", (w) => rmSync(join(w.engineDirectory, ".venv"), { recursive: true }), "warning", /Not looked at/],
  ["a missing package", "packages", (w) => (w.inspection = { ...w.inspection, packages: { alpha: "1.0" } }), "problem", /1 package missing: Beta_b\./],
  [
    "another version",
    "packages",
    (w) => (w.inspection = { ...w.inspection, packages: { alpha: "1.1", "beta-b": "2.0" } }),
    "problem",
    /alpha 1\.1 instead of 1\.0/,
  ],
  ["no lock", "packages", (w) => rmSync(join(w.engineDirectory, "requirements.lock")), "problem", /cannot be read: it does not exist/],
  ["no home", "run_directory", (w) => rmSync(w.paths.home, { recursive: true }), "ok", /first start makes it/],
  ["a home that others enter", "run_directory", (w) => chmodSync(w.paths.home, 0o755), "problem", /others may use it \(mode 755\)/],
  ["a run directory that others write", "run_directory", (w) => chmodSync(w.paths.run, 0o770), "problem", /run: others may use it \(mode 770\)/],
  ["one that its owner may not use", "run_directory", (w) => chmodSync(w.paths.run, 0o500), "problem", /You may not use .*run \(mode 500\)/],
  [
    "a link",
    "run_directory",
    (w) => {
      renameSync(w.paths.run, join(w.folder, "elsewhere"));
      symlinkSync(join(w.folder, "elsewhere"), w.paths.run);
    },
    "problem",
    /symbolic link/,
  ],
  [
    "a link that leads nowhere",
    "run_directory",
    (w) => {
      rmSync(w.paths.run, { recursive: true });
      symlinkSync(join(w.folder, "nowhere"), w.paths.run);
    },
    "problem",
    /symbolic link/,
  ],
  [
    "a file in its place",
    "run_directory",
    (w) => {
      rmSync(w.paths.run, { recursive: true });
      writeFileSync(w.paths.run, "");
    },
    "problem",
    /run is not a directory/,
  ],
  [
    "a token that others read",
    "run_directory",
    (w) => writeFileSync(w.paths.engineToken, "x", { mode: 0o644 }),
    "problem",
    /Others may use .*engine\.token \(mode 644\)/,
  ],
  ["a home on another machine", "run_directory", (w) => (w.volume = { ...w.volume, isRemote: true }), "warning", /lies on another machine/],
  ["a full disk", "disk", (w) => (w.volume = { ...w.volume, freeBytes: 5e6 }), "problem", /Only 5\.0 MB of 100 GB free/],
  ["a disk that is nearly full", "disk", (w) => (w.volume = { ...w.volume, freeBytes: 5e8 }), "warning", /Only 500 MB/],
  ["no more files", "disk", (w) => (w.volume = { ...w.volume, freeFiles: 3 }), "problem", /Only 3 more files/],
  ["a disk that does not answer", "disk", (w) => (w.volumeError = Object.assign(new Error("x"), { code: "EIO" })), "problem", /the disk cannot be read/],
  ["no database", "database", (w) => rmSync(w.database), "ok", /first start makes it/],
  ["something else in its place", "database", (w) => writeFileSync(w.database, "hello, hello, hello"), "problem", /not a database/],
  [
    "a folder in its place",
    "database",
    (w) => {
      rmSync(w.database);
      mkdirSync(w.database);
    },
    "problem",
    /cannot be read: it is a folder/,
  ],
  ["no Python to look through it", "database", (w) => (w.ended = { code: 1, reason: "x" }), "warning", /the rest was not looked at/],
  [
    "damage",
    "database",
    (w) => (w.inspection = { ...w.inspection, database: { ...w.inspection.database, findings: ["row 3 missing"] } }),
    "problem",
    /damaged: row 3 missing/,
  ],
  [
    "SQLite refuses",
    "database",
    (w) => (w.inspection = { ...w.inspection, database: { ...w.inspection.database, error: "malformed" } }),
    "problem",
    /malformed/,
  ],
  [
    "a newer tino's",
    "database",
    (w) => (w.inspection = { ...w.inspection, database: { ...w.inspection.database, revision: "0099" } }),
    "problem",
    /newer tino \(revision 0099\)/,
  ],
  ["one too large", "database", (w) => (w.inspection = { ...w.inspection, database: { ...w.inspection.database, interrupted: true } }), "warning", /in time/],
  ["a live claim", "locks", (w) => w.lock("cli-1.lock", { pid: process.pid, startId: null, kind: "vscode" }), "ok", /^1 window$/],
  ["a dead claim", "locks", (w) => w.lock("cli-999999999.lock", {}), "warning", /process 999999999, which is gone/],
  [
    "a claim of a reused PID",
    "locks",
    (w) => w.lock("cli-2.lock", { pid: process.pid, startId: "1", bootId: systemProcesses.bootId() }),
    "warning",
    /which is gone/,
  ],
  ["a file that is none", "locks", (w) => w.lock("cli-3.lock", "{half"), "warning", /not a lock file/],
  [
    "an old shutdown lock",
    "locks",
    (w) => {
      mkdirSync(w.paths.shutdownLock);
      utimesSync(w.paths.shutdownLock, 1, 1);
    },
    "warning",
    /shutdown lock was left/,
  ],
  ["a kernel lock without an engine", "locks", (w) => (w.lockHolder = 4711), "warning", /held by process 4711/],
  [
    "a directory that is none",
    "locks",
    (w) => {
      rmSync(w.paths.clients, { recursive: true });
      writeFileSync(w.paths.clients, "");
    },
    "problem",
    /cannot be read/,
  ],
  ["a record of a dead engine", "port", (w) => w.engineInfo({ pid: 999_999_999 }), "warning", /process 999999999, which is gone/],
  ["half a record", "port", (w) => writeFileSync(w.paths.engineInfo, "{", { mode: 0o600 }), "warning", /not of its form/],
  ["a live process that listens no more", "port", (w) => w.engineInfo({}), "warning", /listens on no port/],
  [
    "somebody else who answers",
    "port",
    async (w) => w.engineInfo({ port: await w.listen((_, response) => response.end("hello")) }),
    "problem",
    /answered by .*not by the engine/,
  ],
  ["somebody who says nothing", "port", async (w) => w.engineInfo({ port: await w.listen(null) }), "problem", /does not answer/],
  ["an engine", "port", (w) => w.engine({}), "ok", /answered by the engine .* proved itself/],
  ["no ports", "port", (w) => (w.noPort = "listen EPERM"), "problem", /No port .* EPERM/],
  ["a clock that was never set", "clock", (w) => (w.wall = 700), "problem", /1970-01-01 00:00:01 UTC, which is past/],
  ["a clock that is set while it is looked at", "clock", (w) => (w.stepMs = 3_600_000), "warning", /It was set by 3600000 ms/],
  [
    "a record from the future",
    "clock",
    (w) => w.engineInfo({ pid: 999_999_999, startedAt: w.wall + 86_400_000 }),
    "warning",
    /engine\.pid was written at .* yet to come/,
  ],
  ["an engine with the same clock", "clock", (w) => w.engine({}), "ok", /the engine's agrees/],
  ["an engine with another", "clock", (w) => w.engine({}, -86_400_000), "problem", /differs by -86400000 ms/],
  ["an old Node", "versions", (w) => (w.nodeVersion = "18.20.0"), "problem", /Node\.js is 18\.20\.0; tino needs 20/],
  ["an engine folder of another version", "versions", (w) => (w.inspection = { ...w.inspection, version: "0.0.9" }), "problem", /files are of 0\.0\.9/],
  ["a running engine that is older", "versions", (w) => w.engine({ protocol: PROTOCOL - 1 }), "warning", /speaks protocol/],
  ["a running engine that is newer", "versions", (w) => w.engine({ protocol: PROTOCOL + 1 }), "warning", /only/],
  ["a running engine of another version", "versions", (w) => w.engine({ version: "9.9.9" }), "warning", /engine is 9\.9\.9.*understand each other/],
];

test("a world in order", async () => {
  const diagnosis = await diagnose(world.subject());
  expect(diagnosis.checks.flatMap(({ findings }) => findings.filter(({ verdict }) => verdict !== "ok"))).toEqual([]);
  expect([diagnosis.verdict, summaryOf(diagnosis)]).toEqual(["ok", "Everything is in order."]);
  expect(diagnosis.checks.map(({ name }) => name)).toEqual(["versions", "python", "packages", "run_directory", "disk", "database", "locks", "port", "clock"]);
});

describe.each(CASES)("%s", (_, name, arrange, verdict, says) => {
  test(`${name}: ${verdict}`, async () => {
    await arrange(world);
    const check = await world.check(name);
    expect(check.findings.map(({ text }) => text).join("\n")).toMatch(says);
    expect(verdictOf(check)).toBe(verdict);
    expect(check.findings.filter((finding) => finding.verdict !== "ok" && !finding.fix)).toEqual([]);
  });
});

test("looking changes nothing", async () => {
  chmodSync(world.paths.run, 0o755);
  const lock = world.lock("cli-999999999.lock", {});
  world.engineInfo({ pid: 999_999_999 });
  const before = [lock, world.paths.engineInfo, world.database].map((path) => [readFileSync(path, "utf8"), statSync(path).mtimeMs]);
  await diagnose(world.subject());
  expect([lock, world.paths.engineInfo, world.database].map((path) => [readFileSync(path, "utf8"), statSync(path).mtimeMs])).toEqual(before);
  expect(statSync(world.paths.run).mode & 0o777).toBe(0o755);
});

test("what can be put right is, and then all is in order", async () => {
  chmodSync(world.paths.home, 0o755);
  chmodSync(world.paths.clients, 0o707);
  writeFileSync(world.paths.engineToken, "x");
  chmodSync(world.paths.engineToken, 0o666);
  world.engineInfo({ pid: 999_999_999 });
  mkdirSync(world.paths.shutdownLock);
  utimesSync(world.paths.shutdownLock, 1, 1);
  const dead = world.lock("cli-999999999.lock", {});
  const live = world.lock("cli-1.lock", { pid: process.pid, startId: null });
  const repaired = repair(await diagnose(world.subject()));
  expect(repaired.map(({ failed }) => failed)).toEqual(repaired.map(() => null));
  expect([dead, live, world.paths.engineInfo].map((path) => existsSync(path))).toEqual([false, true, false]);
  const after = await diagnose(world.subject());
  expect(diagnosisJson(after).checks.filter((check) => check.verdict !== "ok")).toEqual([]);
});

test.each([
  ["a lock file", () => world.lock("cli-999999999.lock", {}), () => world.lock("cli-999999999.lock", { pid: process.pid, startId: null })],
  ["the engine's record", () => world.engineInfo({ pid: 999_999_999 }), () => world.engineInfo({ instance: "1".repeat(32), pid: process.pid })],
])("%s that a live process wrote since is kept", async (_, arrange, replace) => {
  const path = arrange();
  const diagnosis = await diagnose(world.subject());
  replace();
  const meant = readFileSync(path, "utf8");
  repair(diagnosis);
  expect(readFileSync(path, "utf8")).toBe(meant);
});

test("while an engine lives its lock files are left to it", async () => {
  await world.engine({});
  const lock = world.lock("cli-999999999.lock", {});
  const diagnosis = await diagnose(world.subject());
  expect(repair(diagnosis)).toEqual([]);
  expect(existsSync(lock)).toBe(true);
});

test("a repair that fails does not keep the others back", async () => {
  chmodSync(world.paths.run, 0o755);
  chmodSync(join(world.paths.home, "db"), 0o755);
  const diagnosis = await diagnose(world.subject());
  rmSync(world.paths.run, { recursive: true });
  expect(repair(diagnosis).map(({ failed }) => failed)).toEqual(["it does not exist", null]);
});

test("packages of another platform may be missing, but not be wrong", () => {
  expect(compareWithLock(LOCK, { alpha: "1.0", "beta-b": "2.0" })).toEqual({ total: 2, missing: [], other: [] });
  expect(compareWithLock(LOCK, { alpha: "1.0", "beta-b": "2.0", Windows_only: "2.9" }).other).toEqual(["windows-only 2.9 instead of 3.0"]);
  const real = readFileSync(join(ROOT, "engine", "requirements.lock"), "utf8");
  expect(compareWithLock(real, {}).missing).toContain("nautilus-trader");
});

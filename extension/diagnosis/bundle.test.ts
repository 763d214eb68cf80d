/** What a bundle holds, and that nothing private gets in, wherever it stands: a canary is put into every place that is read. */
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { healthChallenge, PROTOCOL } from "#contracts/handshake";
import { systemClock } from "../supervisor/clock.ts";
import { locateInstallation } from "../supervisor/locate.ts";
import { pathsOf } from "../supervisor/paths.ts";
import type { Place } from "../supervisor/place.ts";
import { systemProcesses } from "../supervisor/processes.ts";
import { Anonymiser } from "./anonymiser.ts";
import { buildBundle, bundleText, saveBundle } from "./bundle.ts";
import { problem } from "./check.ts";
import { diagnose } from "./diagnose.ts";
import { systemMachine } from "./machine.ts";
import { Subject } from "./subject.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TOKEN = "c0ffee00".repeat(8);
const NONCE = "canaryca".repeat(4);
const INSTANCE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SECRET = "plain-Canary-words";
const SLASHED = "wJalr/Canary+K7MDENG/bPx";
const USER = "canaryuser";
const ACCOUNTS = ["DU7654321", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111", "98765432"];

let folder: string;
let home: string;
let place: Place;
let server: Server;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tino-bundle-"));
  home = join(folder, USER, "tino home");
  const paths = pathsOf(home);
  for (const part of [paths.clients, paths.logs, join(home, "runs", "run_canaryrun", "CanaryStrategy.py")]) mkdirSync(part, { recursive: true, mode: 0o700 });
  const env = {
    HOME: join(folder, USER),
    USER,
    BROKER_API_KEY: SECRET,
    AWS_SECRET_ACCESS_KEY: SLASHED,
    // Words that every bundle holds, and a place: no secrets, whatever their variables are called.
    AUTH_TOKEN: "engine",
    GIT_AUTHOR_NAME: "supervision",
    SSH_AUTH_SOCK: "/run/user/agent",
    CANARY_PLAIN: "canary-of-the-environment",
    HOSTNAME: "canaryhost",
    PATH: process.env.PATH,
  };
  place = { paths, installation: locateInstallation(ROOT), env, log: () => undefined, clock: systemClock, processes: systemProcesses };
  writeFileSync(paths.engineToken, TOKEN, { mode: 0o600 });
  server = createServer((request, response) => {
    const nonce = /nonce=([0-9a-f]+)/.exec(request.url ?? "")?.[1] ?? "";
    const { port } = server.address() as AddressInfo;
    const proof = createHmac("sha256", TOKEN)
      .update(healthChallenge(nonce, process.pid, port, INSTANCE))
      .digest("hex");
    const health = { service: "tino", status: "healthy", pid: process.pid, port, instance: INSTANCE, protocol: PROTOCOL, version: "0.1.0", proof };
    const status = {
      state: "healthy",
      mode: "PAPER",
      version: "0.1.0",
      protocol: PROTOCOL,
      startedAt: 5,
      now: Date.now(),
      memoryBytes: 7,
      runsRunning: 0,
      runsQueued: 0,
      pythonPath: "/canary/python",
      home: "/canary/home",
      logPath: "/canary/log",
      futureField: "canary of a later version",
      clients: [{ kind: "cli", pid: 1, since: 3, tty: "/dev/canary", workspace: "/canary/workspace", connected: true }],
      children: [{ role: "spare", pid: 2, memoryBytes: 9 }],
    };
    response.end(JSON.stringify(request.url?.startsWith("/api/health") ? health : status));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  const info = {
    pid: process.pid,
    port,
    startedAt: 5,
    pythonPath: "/canary/python",
    instance: INSTANCE,
    protocol: PROTOCOL,
    version: "0.1.0",
    startId: null,
    bootId: null,
    logPath: "x",
  };
  writeFileSync(paths.engineInfo, JSON.stringify(info), { mode: 0o600 });
  const lock = {
    pid: process.pid,
    startedAt: 1,
    tty: "/dev/canary",
    kind: "cli",
    startId: null,
    bootId: null,
    nonce: NONCE,
    version: "0.1.0",
    workspace: "/clients/Canary Capital/alpha",
  };
  writeFileSync(join(paths.clients, "cli-1.lock"), JSON.stringify(lock), { mode: 0o600 });
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything private that a sentence may hold. */
const PRIVATE = [
  TOKEN,
  NONCE,
  SECRET,
  SLASHED,
  USER,
  "canaryhost",
  ...ACCOUNTS,
  join("/", "home", "ada", "canary", "alpha.py"),
  "C:\\Users\\Canary\\alpha.py",
  "/clients/Canary Capital/alpha",
  "canary_momentum.py",
  "ada.canary@example.org",
  "https://canary.example/path?x=1",
  "192.168.77.13",
  "sk-canary0123456789abcdef",
  "Bearer canary.canary",
  "password=canary12",
  "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
];
const LEAK = new RegExp([...PRIVATE.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")), "canary", "Canary"].join("|"), "i");

const write = (path: string, ...records: object[]) => writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""), { mode: 0o600 });
const bundleOf = async () => {
  const subject = new Subject(place, "tino", {
    ...systemMachine,
    run: async () => ({ code: 1, stdout: "", stderr: "", reason: `cannot open ${PRIVATE.join(" , ")}` }),
  });
  const diagnosis = await diagnose(subject);
  const withSentence = {
    ...diagnosis,
    checks: [...diagnosis.checks, { name: "x", title: "X", looked: PRIVATE.join(" "), findings: [problem(PRIVATE.join(" ; "), PRIVATE.join(" | "))] }],
  };
  return bundleText(await buildBundle(subject, withSentence));
};

test("no canary gets in, from wherever it is read", async () => {
  const trace = `Traceback (most recent call last):\n  File "${place.installation.engineDirectory}/tino_engine/engine.py", line 12, in stop\n    canary_line = 1\n  File "/home/ada/canary.py", line 3, in canary_secret\n    signal = canary * 2\n  File "/x/site-packages/uvicorn/server.py", line 7, in serve\nKeyError: 'canary'`;
  const record = { ts: "2026-11-21T12:00:00.123Z", level: "info", component: "supervision", event: "client_joined", pid: 7 };
  write(
    place.paths.engineLog,
    { ...record, run_id: "run_canary", trader_id: "canary", instance: INSTANCE, port: 4711, kind: "cli" },
    { ...record, reason: PRIVATE.join(" / "), code: "engine_busy", version: "canary!" },
    { ...record, component: "child.work", event: "output", text: "canary printed", reason: "canary said a strategy" },
    { ...record, event: "a sentence of a library with a canary", exception: trace },
    { ...record, unknown_field: "canary", "canary key": 1, nested: { canary: 1 }, pid: "canary", port: { canary: 1 } },
  );
  write(`${place.paths.engineLog}.1`, { ...record, event: "older" });
  writeFileSync(place.paths.clientLog, `not a record, canary\n[1, "canary"]\n"canary"\nnull\n`);
  const text = await bundleOf();
  expect(text.match(LEAK)).toBeNull();
  for (const known of [homedir(), userInfo().username, hostname()].filter((name) => name.length > 4)) expect(text).not.toContain(known);
  const bundle = JSON.parse(text);
  expect(bundle.logs["engine.log"].map(({ event }: { event?: string }) => event)).toEqual([
    "older",
    "client_joined",
    "client_joined",
    "output",
    undefined,
    "client_joined",
  ]);
  expect(bundle.logs["engine.log"][1]).toMatchObject({ port: 4711, kind: "cli", run_id: expect.stringMatching(/^#[0-9a-f]{8}$/) });
  expect(bundle.logs["engine.log"][3].left_out).toEqual(["text", "reason"]);
  expect(bundle.logs["engine.log"][4].exception).toEqual({ kinds: ["KeyError"], frames: ["tino_engine/engine.py:12", "<elsewhere>:3", "uvicorn/server.py:7"] });
  expect(bundle.engine).toEqual({
    state: "healthy",
    mode: "PAPER",
    version: "0.1.0",
    protocol: PROTOCOL,
    startedAt: 5,
    memoryBytes: 7,
    runsRunning: 0,
    runsQueued: 0,
    clients: [{ kind: "cli", since: 3, connected: true }],
    children: [{ role: "spare", memoryBytes: 9 }],
  });
  expect(Object.keys(bundle)).toEqual(["about", "machine", "doctor", "engine", "claims", "storage", "logs"]);
});

test("whatever a log record holds, none of its texts get in unasked", async () => {
  const subject = new Subject(place, "tino", { ...systemMachine, run: async () => ({ code: 1, stdout: "", stderr: "", reason: "" }) });
  const diagnosis = { verdict: "ok", checks: [] } as const;
  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.constant("canary"),
    fc.constantFrom(...PRIVATE),
    fc.array(fc.constant("canary")),
    fc.dictionary(fc.string(), fc.constant("canary")),
  );
  const names = fc.constantFrom("ts", "reason", "run_id", "trader_id", "instance", "exception", "version", "pid", "text", "message", "code", "port", "x");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.dictionary(fc.oneof(names, fc.string()), value)), async (records) => {
      write(place.paths.windowLog, ...records);
      const { logs } = JSON.parse(bundleText(await buildBundle(subject, diagnosis)));
      for (const record of logs["vscode.log"])
        for (const [name, text] of Object.entries(record)) if (name !== "left_out") expect(JSON.stringify(text)).not.toMatch(LEAK);
    }),
    { numRuns: 30, seed: 7 },
  );
});

test("our own places and words stay readable", () => {
  const anonymiser = new Anonymiser(place, []);
  const keep = (text: string) => expect(anonymiser.text(text));
  keep(`${home}/run/engine.pid, and who answers there`).toBe("<home>/run/engine.pid, and who answers there");
  keep(`${home}/data/catalog/AAPL.XNAS is gone`).toBe("<home>/data/… is gone");
  keep(`${place.installation.root}/engine/.venv/bin/python3`).toBe("<tino>/engine/.venv/bin/python3");
  keep("The engine (process 4711) listens on port 40123, at 2026-11-21 15:30:02 UTC.").toBe(
    "The engine (process 4711) listens on port 40123, at 2026-11-21 15:30:02 UTC.",
  );
  keep("74.6 GB of 271 GB free; 127.0.0.1").toBe("74.6 GB of 271 GB free; 127.0.0.1");
  expect(anonymiser.mark("a")).toBe(anonymiser.mark("a"));
  expect(new Anonymiser(place, []).mark("a")).not.toBe(anonymiser.mark("a"));
});

test("a bundle is saved for its user alone, and over nothing", async () => {
  const path = saveBundle("report.json", folder, "{}\n");
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual(["{}\n", 0o600]);
  expect(() => saveBundle("report.json", folder, "other")).toThrow(/cannot be written: it exists already/);
  expect(() => saveBundle("none/report.json", folder, "other")).toThrow(/it does not exist/);
  expect(readFileSync(path, "utf8")).toBe("{}\n");
});

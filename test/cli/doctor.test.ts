/** `tino doctor` from the outside, with the real engine, a killed one, and where nothing works; and that no log ever holds a secret. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { EXIT } from "#contracts";
import { requestLoopback } from "../../extension/supervisor/loopback.ts";
import { Rig, type RigOptions, type Running, until } from "../rig.ts";

let rig: Rig;
afterEach(() => rig.close());

interface Doctor {
  verdict: string;
  checks: { name: string; verdict: string; findings: { text: string }[] }[];
  repaired: { failed: string | null }[];
}

async function doctor(args: string[] = [], env: Record<string, string> = {}): Promise<{ code: number | null; doctor: Doctor; bad: string[] }> {
  const { code, stdout, stderr } = await rig.tino(["doctor", "--json", ...args], { env });
  expect(stderr).toBe("");
  const found: Doctor = JSON.parse(stdout);
  return { code, doctor: found, bad: found.checks.filter(({ verdict }) => verdict !== "ok").map(({ name }) => name) };
}
const textOf = ({ checks }: Doctor, name: string) =>
  checks
    .find((check) => check.name === name)
    ?.findings.map(({ text }) => text)
    .join(" ");

test("an engine is looked at without being touched; killed, its record is found and cleared; damage is named", { timeout: 120_000 }, async () => {
  rig = new Rig({ engine: "real" });
  const holder = await rig.startClient("vscode");
  const engine = await holder.live();
  const locks = rig.locks();
  const running = await doctor();
  expect([running.code, running.bad]).toEqual([EXIT.ok, []]);
  expect(textOf(running.doctor, "port")).toContain(`${engine.port}, answered by the engine (process ${engine.pid})`);
  expect(textOf(running.doctor, "clock")).toContain("the engine's agrees");
  expect(textOf(running.doctor, "database")).toMatch(/^whole, /);
  expect([rig.engineInfo()?.instance, rig.locks()]).toEqual([engine.instance, locks]);

  // Held still, so that it cannot tidy up after its client before it dies too.
  process.kill(engine.pid, "SIGSTOP");
  holder.kill("SIGKILL");
  process.kill(engine.pid, "SIGKILL");
  await rig.untilEmpty();
  const killed = await doctor();
  expect([killed.code, killed.bad]).toEqual([EXIT.ok, ["locks", "port"]]);
  expect(textOf(killed.doctor, "database")).toMatch(/^whole, /);
  const fixed = await doctor(["--fix"]);
  expect([fixed.bad, fixed.doctor.repaired.map(({ failed }) => failed)]).toEqual([[], [null, null]]);
  expect([rig.engineInfo(), rig.locks(), rig.processes()]).toEqual([null, [], []]);

  // What the log still held would be right in spite of it.
  for (const end of ["-wal", "-shm"]) rmSync(join(rig.home, "db", `tino.db${end}`), { force: true });
  const database = openSync(join(rig.home, "db", "tino.db"), "r+");
  writeSync(database, Buffer.alloc(1_000, 0xff), 0, 1_000, 100);
  closeSync(database);
  const damaged = await doctor();
  expect([damaged.code, damaged.bad]).toEqual([EXIT.fault, ["database"]]);
});

/** As a user without a superuser's way around modes. */
test("where nothing works it says so, each thing with what to do", async () => {
  rig = new Rig();
  const nothing = join(rig.home, "..", "nothing");
  mkdirSync(nothing);
  mkdirSync(rig.home, { mode: 0o700 });
  chmodSync(rig.home, 0o000);
  const { code, stdout, stderr } = await rig.tino(["doctor", "--json"], { env: { TINO_ENGINE_DIR: nothing }, powerless: true });
  chmodSync(rig.home, 0o700);
  const found: Doctor = JSON.parse(stdout);
  expect([code, stderr, found.verdict]).toEqual([EXIT.fault, "", "problem"]);
  const verdicts = Object.fromEntries(found.checks.map(({ name, verdict }) => [name, verdict]));
  expect(verdicts).toMatchObject({
    python: "problem",
    packages: "warning",
    run_directory: "problem",
    database: "problem",
    locks: "problem",
    port: "warning",
    clock: "ok",
  });
  expect(textOf(found, "run_directory")).toContain("(mode 0)");
});

test("the text fits a narrow terminal, and what was found comes before what was looked at", async () => {
  rig = new Rig();
  const { stdout } = await rig.tino(["doctor"], { env: { COLUMNS: "40", TINO_ENGINE_DIR: join(rig.home, "none") } });
  expect(stdout).toMatch(/✗ {2}Python\n {5}The engine is not set up/);
  const words = stdout.split("\n").filter((line) => line.trim().includes(" "));
  expect(words.filter((line) => line.length > 44 && !/\/\S{20}/.test(line))).toEqual([]);
  expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/problem/);
});

test("a bundle is shown in full and saved only after a yes; without a terminal only with --yes", async () => {
  rig = new Rig();
  const path = join(rig.home, "..", "report.json");
  const options: RigOptions["env"] = { NO_COLOR: "1" };
  const refused = await rig.tino(["doctor", "--bundle", path]);
  expect([refused.code, refused.stderr, existsSync(path)]).toEqual([EXIT.refused, expect.stringContaining("--yes"), false]);
  const answer = async (word: string) => {
    const running: Running = await rig.startInTerminal(["doctor", "--bundle", path], { columns: 100, rows: 30 }, options);
    await running.says(/Save it as .*\? \[y\/N\]/);
    running.process.stdin?.write(`${word}\r`);
    const { code, stdout } = await running.finished;
    return { code, shown: stdout.replaceAll("\r\n", "\n") };
  };
  const no = await answer("n");
  expect([no.code, no.shown.includes("Nothing was saved."), existsSync(path)]).toEqual([EXIT.cancelled, true, false]);
  const yes = await answer("y");
  expect([yes.code, existsSync(path)]).toEqual([EXIT.ok, true]);
  expect(yes.shown).toContain(readFileSync(path, "utf8"));
  const again = await rig.tino(["doctor", "--bundle", path, "--yes", "--json"]);
  expect([again.code, JSON.parse(again.stdout).code]).toEqual([EXIT.fault, "file_not_written"]);
});

test("no log holds a token, a code, a key or a nonce, whatever was asked of the engine", { timeout: 120_000 }, async () => {
  const canaries = { BROKER_API_KEY: "canaryBrokerKey0123456789", AWS_SECRET_ACCESS_KEY: "canaryCloudKey0123456789" };
  rig = new Rig({ engine: "real", env: { ...canaries, TINO_LOG_LEVEL: "debug" } });
  const holder = await rig.startClient("vscode");
  const { port, pid, instance } = await holder.live();
  const token = readFileSync(rig.paths.engineToken, "utf8").trim();
  const nonces = rig.locks().map((name) => JSON.parse(readFileSync(join(rig.paths.clients, name), "utf8")).nonce);
  const ask = (path: string, options: { method?: string; token?: string; body?: unknown; headers?: Record<string, string> } = {}) =>
    requestLoopback({ port, method: "GET", path, timeoutMs: 20_000, ...options }).then(({ body }) => body.toString("utf8"));
  const code = JSON.parse(await ask("/api/session/code", { method: "POST", token, body: { path: "/" } }));
  const used: string[] = [code.code ?? ""];
  await ask("/api/engine", { token: "canary".repeat(11) });
  await ask("/api/engine?token=canaryQuery0123456789", { headers: { cookie: "session=canaryCookie0123456789", authorization: "Basic canaryBasic0123456789" } });
  await ask("/api/strategies/schema?path=%2Fnone%2Fcanary.py&name=x", { token });
  await ask("/api/backtest", { method: "POST", token, body: { canaryKey: "canaryBody0123456789" } });
  await rig.tino(["backtest", "canary0123456789.py", "--symbol", "canary.XNAS"]);
  process.kill(pid, "SIGKILL");
  const next = await holder.live(instance);
  const second = readFileSync(rig.paths.engineToken, "utf8").trim();
  process.kill(next.pid, "SIGTERM");
  await until(
    () => readFileSync(rig.paths.engineLog, "utf8").includes('"stopped"'),
    () => "the orderly end in the log",
  );
  const logs = readdirSync(rig.paths.logs).map((name) => [name, readFileSync(join(rig.paths.logs, name), "utf8")] as const);
  expect(logs.map(([name]) => name)).toEqual(expect.arrayContaining(["cli.log", "engine.log"]));
  const secrets = [token, second, ...nonces, ...used, ...Object.values(canaries)].filter((secret) => secret.length > 0);
  expect(secrets.length).toBeGreaterThan(5);
  const leaks = logs.flatMap(([name, text]) =>
    [...secrets, /canary(?:Query|Cookie|Basic|Body)/]
      .filter((secret) => (typeof secret === "string" ? text.includes(secret) : secret.test(text)))
      .map((secret) => `${name}: ${secret}`),
  );
  expect(leaks).toEqual([]);
});

/** `tino` from the outside, with the real engine: what each verb prints, its JSON, its exit code. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorBody, EXIT, METRICS, Run, RunList, type RunSummary } from "#contracts";
import { type ClientProcess, Rig, ROOT, type Running, until } from "../rig.ts";
import { STRATEGIES } from "./strategies.ts";

const EXAMPLE = join(ROOT, "examples", "strategies", "ema_cross.py");
const SYMBOL = ["--symbol", "AAPL.XNAS"];
const ESCAPE = "\u001b";

let rig: Rig;
let holder: ClientProcess;
let folder: string;

/** One engine for the whole file, held by a client; the first test brings the sample data. */
beforeAll(async () => {
  rig = new Rig({ engine: "real" });
  folder = mkdtempSync(join(tmpdir(), "tino-strategies-"));
  for (const [name, text] of Object.entries(STRATEGIES)) writeFileSync(join(folder, `${name}.py`), text);
  holder = await rig.startClient("vscode");
  await holder.live();
});
afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const json = (text: string) => JSON.parse(text);
const lastFinished = async () => json((await rig.tino(["runs", "--json", "--strategy", "EmaCross", "-n", "1"])).stdout).runs[0];

describe("tino demo", () => {
  test("prints figures, the equity curve, what became of the orders, that prices are adjusted, and the address", async () => {
    const { code, stdout, stderr } = await rig.tino(["demo"]);
    expect(code).toBe(EXIT.ok);
    expect(stderr).toContain("Running EmaCross on AAPL.XNAS.");
    for (const { label } of Object.values(METRICS)) expect(stdout).toContain(label);
    expect(stdout).toMatch(/Equity, USD\n.*[┤│].*\n/);
    expect(stdout).toMatch(/[⠁-⣿]{5}/);
    expect(stdout).toMatch(/\d+ orders: .*\d+ filled/);
    expect(stdout).toContain("Prices adjusted for splits and dividends.");
    expect(stdout).toMatch(/Dashboard {2}http:\/\/127\.0\.0\.1:\d+\/backtest\?run=run_[0-9a-z]+#code=/);
    expect(stdout).not.toContain(ESCAPE);
  });
});

describe("tino backtest", () => {
  test("takes parameters, period and account to the run", async () => {
    const options = [
      ...SYMBOL,
      "--from",
      "2005-01-01",
      "--to",
      "2009-12-31",
      "--param",
      "fast=5",
      "-p",
      "slow=15",
      "--balance",
      "50000",
      "--account",
      "cash",
      "--fee",
      "0.1%",
    ];
    const { code, stdout } = await rig.tino(["backtest", EXAMPLE, ...options, "--json"]);
    expect(code).toBe(EXIT.ok);
    const { run } = json(stdout);
    expect(Run.parse(run)).toEqual(run);
    expect(run).toMatchObject({
      status: "finished",
      name: "EmaCross",
      symbols: ["AAPL.XNAS"],
      from: "2005-01-01",
      to: "2009-12-31",
      adjustment: "splitsAndDividends",
    });
    expect(run.parameters).toMatchObject({ fast: 5, slow: 15 });
    expect(run.venue).toMatchObject({ accountType: "CASH", startingBalance: "50000", takerFee: "0.001", makerFee: "0.001" });
  });

  test("says why nothing was traded", async () => {
    const { code, stdout } = await rig.tino(["backtest", "idles.py", ...SYMBOL], { cwd: folder });
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain("0 orders");
    expect(stdout).toMatch(/No order was submitted/);
  });

  const failures: [string, string[], string, number][] = [
    ["a file that is not there", ["missing.py", ...SYMBOL], "strategy_file_not_found", EXIT.input],
    ["two, none named", ["two.py", ...SYMBOL], "strategy_ambiguous", EXIT.input],
    ["a strategy that raises", ["raises.py", ...SYMBOL], "strategy_failed", EXIT.strategy],
    ["an unknown symbol", ["idles.py", "--symbol", "APPL.XNAS"], "symbol_unknown", EXIT.input],
    ["a parameter of another type", [EXAMPLE, ...SYMBOL, "-p", "fast=ten"], "parameter_invalid", EXIT.input],
    ["a parameter without a value", [EXAMPLE, ...SYMBOL, "-p", "fast"], "usage", EXIT.usage],
    ["a day that is none", [EXAMPLE, ...SYMBOL, "--from", "2005"], "usage", EXIT.usage],
    ["no data named", [EXAMPLE], "usage", EXIT.usage],
  ];
  test.each(failures)("%s: one error as JSON, with its exit code", async (_, args, code, exit) => {
    const finished = await rig.tino(["backtest", ...args, "--json"], { cwd: folder });
    expect(ErrorBody.parse(json(finished.stdout)).code).toBe(code);
    expect(finished.code).toBe(exit);
    expect(finished.stderr).toBe("");
  });

  test("a strategy that raises is shown by its own lines, without ours", async () => {
    const { code, stdout, stderr } = await rig.tino(["backtest", "raises.py", ...SYMBOL], { cwd: folder });
    expect(code).toBe(EXIT.strategy);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^tino: Raises\.on_bar raised KeyError: 'key'\.$/m);
    expect(stderr).toMatch(/raises\.py:19 in on_bar\n {6}missing\["key"\]/);
    expect(stderr).not.toMatch(/Traceback|site-packages|tino_engine/);
  });

  test("Ctrl-C cancels the run, also one that never comes back", async () => {
    const running = await rig.startTino(["backtest", "loops.py", ...SYMBOL], { cwd: folder });
    await until(
      () => running.stderr.includes("Running Loops"),
      () => `the start of the run: ${running.stderr}`,
    );
    running.process.kill("SIGINT");
    expect((await running.finished).code).toBe(EXIT.cancelled);
    const { runs } = json((await rig.tino(["runs", "--json", "-n", "1"])).stdout);
    expect(runs[0]).toMatchObject({ name: "Loops", status: "cancelled" });
  });

  test("the engine killed under a run: said in words, nothing hangs", async () => {
    const running = await rig.startTino(["backtest", "loops.py", ...SYMBOL], { cwd: folder });
    // A run that is still queued would go on in the next engine; this one has to be under way.
    await until(
      async () => /"status":"running"/.test((await rig.tino(["runs", "--json", "-n", "1"])).stdout),
      () => `the run: ${running.stderr}`,
    );
    const killed = await holder.live();
    process.kill(rig.engineInfo()?.pid as number, "SIGKILL");
    const { code, stderr } = await running.finished;
    expect(stderr).toContain("tino: The engine ended while the run was under way.");
    expect(code).toBe(EXIT.engine);
    await holder.live(killed.instance);
  });
});

describe("tino runs and tino show", () => {
  test("list runs, newest first, and filter them", async () => {
    const list = RunList.parse(json((await rig.tino(["runs", "--json", "--strategy", "EmaCross"])).stdout));
    expect(list.runs.length).toBeGreaterThan(1);
    expect(new Set(list.runs.map((run) => run.name))).toEqual(new Set(["EmaCross"]));
    expect(list.runs.map((run) => run.id)).toEqual(
      list.runs
        .map((run) => run.id)
        .sort()
        .reverse(),
    );
    const { stdout, stderr } = await rig.tino(["runs", "--limit", "1"]);
    expect(stdout.trim().split("\n")).toHaveLength(2);
    expect(stderr).toContain("There are more");
  });

  test("a run by a part of its id, with its trades, orders and log", async () => {
    const run = await lastFinished();
    const shown = await rig.tino(["show", run.id.slice(-8), "--trades", "--orders", "--log", "--json"]);
    const { run: details, trades, orders, log } = json(shown.stdout);
    expect(Run.parse(details)).toEqual(details);
    expect(trades.filter((trade: { closed: number | null }) => trade.closed !== null)).toHaveLength(details.metrics.trades);
    expect(orders).toHaveLength(details.result.outcome.orders);
    expect(trades[0]).toMatchObject({ instrument: "AAPL.XNAS", entryPrice: expect.anything(), line: expect.any(Number) });
    expect(log[0]).toMatchObject({ level: expect.any(String), message: expect.stringContaining("Averages crossed") });
    const text = await rig.tino(["show", run.id, "--trades"]);
    expect(text.stdout).toMatch(/Opened +Closed +Side +Quantity +Entry +Exit +Result +Return +Fees +Bars +Code/);
    expect(text.stdout).toContain("ema_cross.py:");
  });

  test.each([
    ["nosuch", "run_not_found", EXIT.input],
    ["run_", "usage", EXIT.usage],
  ])("%s is %s", async (reference, code, exit) => {
    const finished = await rig.tino(["show", reference, "--json"]);
    expect(json(finished.stdout).code).toBe(code);
    expect(finished.code).toBe(exit);
  });
});

describe("runs that are there", () => {
  test("are compared, taken apart, exported, labelled and deleted", async () => {
    const of = async (...args: string[]) => json((await rig.tino([...args, "--json"])).stdout);
    const run = async (fast: number) => (await of("backtest", EXAMPLE, ...SYMBOL, "--from", "2008-01-01", "-p", `fast=${fast}`)).run as Run;
    const [first, second] = [await run(7), await run(9)];
    const compared = await rig.tino(["compare", first.id, second.id]);
    expect(compared.code).toBe(EXIT.ok);
    expect(compared.stdout).toMatch(/Metric +A +B +B − A/);
    expect(compared.stdout).toMatch(/fast +7 +9/);
    for (const { label } of Object.values(METRICS)) expect(compared.stdout).toContain(label);
    const { metrics } = await of("compare", first.id, second.id);
    expect(metrics.find(({ name }: { name: string }) => name === "sharpe").differences[1]).toBeCloseTo(second.metrics!.sharpe! - first.metrics!.sharpe!, 12);

    const sheet = await rig.tino(["tearsheet", first.id]);
    for (const title of ["Returns by month", "Deepest drawdowns", "VaR 95 %", "By weekday", "MAE"]) expect(sheet.stdout).toContain(title);

    const file = join(folder, "trades.csv");
    expect(await of("export", first.id, "--out", file)).toMatchObject({ path: file });
    const rows = readFileSync(file, "utf8").trim().split("\n");
    expect(rows).toHaveLength(first.result!.series.find(({ kind }) => kind === "trades")!.rows + 1);
    expect(rows[0]).toMatch(/^opened,closed,instrument,.*adverse,favourable$/);
    const refused = await rig.tino(["export", first.id, "--out", join(folder, "nowhere", "trades.csv"), "--json"]);
    expect([ErrorBody.parse(json(refused.stdout)).code, refused.code]).toEqual(["file_not_written", EXIT.fault]);

    await of("tag", first.id, "calm", "low risk");
    await of("note", first.id, "keeps", "its", "head");
    await of("pin", first.id);
    const listed = (await of("runs", "--tag", "low risk")).runs as RunSummary[];
    expect(listed.map(({ id, tags, note, pinned }) => [id, tags, note, pinned])).toEqual([[first.id, ["calm", "low risk"], "keeps its head", true]]);
    // What is pinned stands before the newer one.
    expect((await of("runs")).runs.slice(0, 2).map(({ id }: RunSummary) => id)).toEqual([first.id, second.id]);
    const asks = await rig.tino(["delete", first.id, "--json"]);
    expect([ErrorBody.parse(json(asks.stdout)).code, asks.code]).toEqual(["terminal_required", EXIT.refused]);
    expect((await of("delete", first.id, second.id, "--yes")).deleted).toEqual([first.id, second.id]);
    expect((await rig.tino(["show", first.id])).code).toBe(EXIT.input);
  });
});

describe("tino open", () => {
  test("prints a one-time address and leaves when others hold the engine", async () => {
    const { code, stdout } = await rig.tino(["open", "last"]);
    expect(code).toBe(EXIT.ok);
    expect(stdout.trim()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/backtest\?run=run_[0-9a-z]+#code=\S+$/);
    const printed = json((await rig.tino(["open", "runs", "--json"])).stdout);
    expect(printed).toEqual({ url: expect.stringMatching(/\/runs#code=/), expiresAt: expect.any(Number) });
  });
});

describe("tino status, up and down", () => {
  test("status says who uses the engine and changes nothing", async () => {
    const { code, stdout } = await rig.tino(["status", "--json"]);
    expect(code).toBe(EXIT.ok);
    const reply = json(stdout);
    expect(reply).toMatchObject({ running: true, problem: null, engine: { state: "healthy", mode: "PAPER", pid: rig.engineInfo()?.pid } });
    expect(reply.engine.clients).toEqual(expect.arrayContaining([expect.objectContaining({ kind: "vscode", pid: holder.pid, connected: true })]));
    const text = (await rig.tino(["status"])).stdout;
    expect(text).toContain("PAPER");
    expect(text).toMatch(new RegExp(`window +${holder.pid}`));
  });

  test("down leaves an engine that others use, and says who they are", async () => {
    const { code, stdout } = await rig.tino(["down", "--json"]);
    expect(code).toBe(EXIT.refused);
    expect(json(stdout)).toMatchObject({ code: "engine_busy", message: expect.stringContaining(`window ${holder.pid}`) });
  });
});

describe("what is printed", () => {
  test("colour in a pipe only when it is asked for", async () => {
    expect((await rig.tino(["runs"])).stdout).not.toContain(ESCAPE);
    expect((await rig.tino(["runs"], { env: { FORCE_COLOR: "1" } })).stdout).toContain(ESCAPE);
    expect((await rig.tino(["runs"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout).not.toContain(ESCAPE);
  });

  test.each([[["--help"]], [["backtest", "--help"]], [["--version"]]])("%j goes to standard output with code 0", async (args) => {
    const { code, stdout, stderr } = await rig.tino(args);
    expect([code, stderr]).toEqual([EXIT.ok, ""]);
    expect(stdout).not.toBe("");
  });

  test("an unknown verb is named, with what may be meant", async () => {
    const { code, stderr } = await rig.tino(["bactest"]);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain("Did you mean backtest?");
  });

  test("a reader that has seen enough ends nothing badly", async () => {
    const running: Running = await rig.startTino(["show", (await lastFinished()).id, "--log"]);
    running.process.stdout?.destroy();
    expect((await running.finished).stderr).not.toContain("tino:");
    expect(rig.locks()).toEqual([`cli-${holder.pid}.lock`]);
  });
});

describe("tino logs", () => {
  test("filters by component and level, as text and as JSON", async () => {
    const all = (await rig.tino(["logs", "-n", "500", "--json"])).stdout.trim().split("\n").map(json);
    expect(new Set(all.map((record) => record.component)).size).toBeGreaterThan(1);
    expect(all.map((record) => record.ts)).toEqual(all.map((record) => record.ts).sort());
    const some = (await rig.tino(["logs", "--component", "supervision", "--json"])).stdout.trim().split("\n").map(json);
    expect(new Set(some.map((record) => record.component))).toEqual(new Set(["supervision"]));
    const none = await rig.tino(["logs", "--component", "nosuch"]);
    expect(none).toMatchObject({ code: EXIT.ok, stdout: "" });
    expect((await rig.tino(["logs", "-n", "1"])).stdout.trim().split("\n")[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}\w+/);
  });

  test("follows what is written, until Ctrl-C", async () => {
    const running = await rig.startTino(["logs", "-f", "-n", "1", "--json", "--component", "supervision"]);
    await running.says(/\n/);
    const before = running.stdout.length;
    await rig.tino(["runs", "-n", "1"]);
    await until(
      () => /client_joined[\s\S]*client_left/.test(running.stdout.slice(before)),
      () => `the coming and going of a client in ${running.stdout}`,
    );
    running.process.kill("SIGINT");
    const { code, stdout } = await running.finished;
    expect(code).toBe(EXIT.ok);
    const lines = stdout.trim().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
  });
});

/** The pages in a real browser, against an engine that speaks the contracts (`stubEngine.ts`). */
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { METRICS, TinoError } from "#contracts";
import { metric } from "../../webview/format.ts";
import { Pages } from "./browser.ts";
import { DAILY, MINUTES } from "./market.ts";
import { actionsOf } from "./panelHost.ts";
import { EMA_CROSS, STRATEGY_PATH, type StubEngine } from "./stubEngine.ts";

let pages: Pages;
let engine: StubEngine;
beforeAll(async () => {
  pages = await Pages.open();
});
afterAll(() => pages.close());
beforeEach(async () => {
  engine = await pages.engine();
});
afterEach(async () => {
  const complaints = pages.complaints.splice(0);
  await pages.reset();
  // Also what the content security policy refused.
  expect(complaints).toEqual([]);
});

/** For tests in which the network fails on purpose: the browser logs each failure itself. */
const expectFailedRequests = (): void => {
  for (const complaint of pages.complaints.splice(0)) expect(complaint).toMatch(/Failed to load resource|WebSocket connection|code_expired|one-time address/);
};

const chartReady = (page: Page): Promise<void> =>
  page
    .locator(".chart-foot span")
    .filter({ hasText: /[\d,]+ bars$/ })
    .first()
    .waitFor();
const visibleRange = (page: Page): Promise<string> => page.locator(".chart-foot span").first().innerText();
const trades = (page: Page): Locator => page.getByRole("grid", { name: "Trades" });
const tab = (page: Page, name: RegExp): Locator => page.getByRole("tab", { name });
const eventually = (check: () => Promise<boolean>): Promise<void> => expect.poll(check, { timeout: 10_000 }).toBe(true);

/** What is visible once the chart stands still: the coarse bars that stand in for finer ones begin and end on other days. */
async function settledRange(page: Page): Promise<string> {
  let range = "";
  await eventually(async () => {
    const before = range;
    await page.getByText("Loading finer bars").waitFor({ state: "detached" });
    range = await visibleRange(page);
    return range === before;
  });
  return range;
}

describe("a session", () => {
  test("begins with the address's code, which then stands nowhere, and survives a reload", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    expect(page.url()).not.toContain("code");
    expect(new URL(page.url()).searchParams.get("run")).toBe(run.id);
    await page.reload();
    await chartReady(page);
    expect(engine.requests.filter((request) => request === "POST /api/session")).toHaveLength(1);
  });

  test("that is missing is explained", async () => {
    const page = await pages.blank();
    await page.goto(`http://127.0.0.1:${engine.port}/backtest`);
    await page.getByRole("heading", { name: "This page has no session" }).waitFor();
    await page.getByText("tino open").waitFor();
  });

  test("that the engine no longer knows is explained", async () => {
    const page = await pages.show(engine, "/runs");
    await page.getByRole("heading", { name: "Nothing has been run yet" }).waitFor();
    engine.forgetSessions();
    engine.cut();
    await page.getByRole("heading", { name: "This page has no session" }).waitFor();
    expectFailedRequests();
  });

  test("is not opened by a code that was used before", async () => {
    const address = engine.address("/runs");
    const first = await pages.blank();
    await first.goto(address);
    await first.getByText("Nothing has been run yet").waitFor();
    const second = await pages.blank();
    await second.goto(address);
    await second.getByRole("heading", { name: "This page has no session" }).waitFor();
    expectFailedRequests();
  });
});

describe("a first visit", () => {
  test("without data offers the sample, and goes on when it is there", async () => {
    engine.symbols = [];
    const page = await pages.show(engine);
    await page.getByRole("button", { name: "Import sample data" }).click();
    await page.getByRole("heading", { name: "Choose a strategy" }).waitFor();
  });

  test("lists what can be run; choosing one shows its form with defaults", async () => {
    const page = await pages.show(engine);
    await page.getByRole("button", { name: /EmaCross/ }).click();
    await page.getByRole("heading", { name: "EmaCross has not been run yet" }).waitFor();
    expect(await page.getByRole("spinbutton", { name: "fast" }).inputValue()).toBe("10");
    expect(await page.getByRole("combobox", { name: "Symbol" }).inputValue()).toBe("AAPL.XNAS");
    expect(new URL(page.url()).searchParams.get("path")).toBe(STRATEGY_PATH);
  });

  test("without a strategy says what one is", async () => {
    engine.strategies = [];
    const page = await pages.show(engine);
    await page.getByRole("heading", { name: "No strategy found" }).waitFor();
  });

  test("of the runs page leads to a backtest", async () => {
    const page = await pages.show(engine, "/runs");
    await page.getByRole("button", { name: "Run a backtest" }).click();
    await page.getByRole("heading", { name: "Choose a strategy" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Nothing has been run yet" }).waitFor();
  });
});

describe("a run", () => {
  const open = () => pages.show(engine, `/backtest?path=${encodeURIComponent(STRATEGY_PATH)}&name=EmaCross`);

  test("is asked for as the form stands, shows its progress, and then exactly the engine's numbers", async () => {
    engine.outcome = null;
    const page = await open();
    await page.getByRole("spinbutton", { name: "fast" }).fill("12");
    await page.getByRole("combobox", { name: "Symbol" }).click();
    await page.getByRole("option", { name: /MSFT/ }).click();
    await page.getByRole("textbox", { name: "From" }).fill("2004-01-01");
    await page.getByText("Assumptions").first().click();
    await page.getByRole("textbox", { name: "Taker fee" }).fill("0.12");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    expect(engine.started).toHaveLength(1);
    expect(engine.started[0]).toMatchObject({
      path: STRATEGY_PATH,
      name: "EmaCross",
      symbols: ["MSFT.XNAS"],
      from: "2004-01-01",
      to: null,
      parameters: { fast: 12 },
      adjustment: "splitsAndDividends",
      venue: { takerFee: "0.0012", makerFee: "0.0005" },
    });

    const [id] = [...engine.runs.keys()];
    engine.progress(id!, { phase: "running", barsDone: 1_655, barsTotal: 3_310, barsPerSecond: 110_000, remainingMs: 15_000 });
    await page.getByText("1,655 of 3,310 bars").waitFor();
    await page.getByText("110,000 bars/s").waitFor();
    await page.getByText("15.0 s left").waitFor();
    expect(await page.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("50");

    engine.finish(id!);
    await chartReady(page);
    const { metrics } = engine.runs.get(id!)!.run;
    const panel = page.getByRole("tabpanel");
    for (const [name, value] of Object.entries(metrics!)) {
      const key = name as keyof typeof METRICS;
      const figure = panel.locator(".figure", { has: page.getByText(METRICS[key].label, { exact: true }) });
      expect(await figure.locator(".figure-value").innerText()).toBe(metric(key, value as number | null, "USD"));
    }
    expect(new URL(page.url()).searchParams.get("run")).toBe(id);
    // The form still says what was run.
    expect(await page.getByRole("spinbutton", { name: "fast" }).inputValue()).toBe("12");
  });

  test("keeps the earlier result in sight until the new one is there, and the chart where it was", async () => {
    const earlier = engine.addFinished(DAILY);
    engine.outcome = null;
    const page = await pages.show(engine, `/backtest?run=${earlier.id}`);
    await chartReady(page);
    await page.getByRole("button", { name: "1Y", exact: true }).last().click();
    await eventually(async () => !(await visibleRange(page)).startsWith("2000"));
    const range = await settledRange(page);
    await page.getByRole("button", { name: "Run backtest" }).click();
    await page.getByText("Previous run").waitFor();
    expect(await visibleRange(page)).toBe(range);
    const id = [...engine.runs.keys()].at(-1)!;
    engine.finish(id);
    await page.getByText("Previous run").waitFor({ state: "detached" });
    // The chart is the new run's once its bars were asked for and can be exported.
    await eventually(async () => engine.requests.some((request) => request.includes(`${id}/series/bars`)));
    await eventually(() => page.getByRole("button", { name: "Export", exact: true }).first().isEnabled());
    await expect.poll(() => settledRange(page), { timeout: 10_000 }).toBe(range);
  });

  test("shows the result although the first word about the run was still on its way when it finished", async () => {
    engine.outcome = null;
    const page = await open();
    let release = () => {};
    engine.held.set("GET /backtest/…", new Promise((resolve) => (release = resolve)));
    await page.getByRole("button", { name: "Run backtest" }).click();
    await eventually(async () => engine.requests.some((request) => request.startsWith("GET /api/backtest/run_")));
    const [id] = [...engine.runs.keys()];
    engine.finish(id!);
    await page.getByRole("progressbar").waitFor({ state: "detached" });
    engine.held.clear();
    release();
    await chartReady(page);
  });

  test("can be cancelled", async () => {
    engine.outcome = null;
    const page = await open();
    await page.getByRole("button", { name: "Run backtest" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("heading", { name: "The run was cancelled" }).waitFor();
    await page.getByRole("button", { name: "Run backtest" }).waitFor();
  });

  test("that fails says what, where and what to do", async () => {
    engine.outcome = () => ({
      status: "failed",
      error: TinoError.of(
        "strategy_failed",
        { name: "EmaCross", callback: "on_bar", reason: "ZeroDivisionError: division by zero" },
        { traceback: [{ path: STRATEGY_PATH, line: 38, function: "size", code: "return equity / self.slope" }] },
      ).body,
    });
    const page = await open();
    await page.getByRole("button", { name: "Run backtest" }).click();
    const alert = page.getByRole("alert");
    await alert.getByRole("heading", { name: "EmaCross.on_bar raised ZeroDivisionError: division by zero." }).waitFor();
    await alert.getByText("ema_cross.py:38").waitFor();
    await alert.getByText("return equity / self.slope").waitFor();
    await alert.getByText("strategy_failed").waitFor();
    engine.outcome = () => ({ shape: DAILY });
    await alert.getByRole("button", { name: "Try again" }).click();
    await chartReady(page);
  });

  test("of several strategies is asked for as the form stands, and shows what each brought", async () => {
    engine.outcome = null;
    const page = await open();
    await page.getByRole("checkbox", { name: "An instance for each symbol" }).check();
    await page.getByRole("combobox", { name: "Add a symbol" }).click();
    await page.getByRole("option", { name: /MSFT/ }).click();
    await page.getByRole("checkbox", { name: "by indicators" }).check();
    await page.getByRole("combobox", { name: "Add a strategy to the portfolio" }).click();
    await page.getByRole("option", { name: /BollingerReversion/ }).click();
    await page.getByText("BollingerReversion", { exact: true }).click();
    await page.getByRole("spinbutton", { name: "period" }).fill("30");
    await page.getByText("Assumptions").first().click();
    await page.getByRole("textbox", { name: "Latency" }).fill("50");
    await page.getByRole("combobox", { name: "Fills" }).selectOption("oneTick");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    expect(engine.started[0]).toMatchObject({
      symbols: ["AAPL.XNAS", "MSFT.XNAS"],
      perSymbol: true,
      warmUp: null,
      strategies: [{ name: "BollingerReversion", parameters: { period: 30 } }],
      venue: { latencyMs: 50, fillModel: "oneTick", accountType: "MARGIN" },
    });
    const run = engine.addFinished(DAILY);
    const { metrics, outcome, series } = run.result!;
    const labels = ["EmaCross AAPL.XNAS", "EmaCross MSFT.XNAS"];
    run.result!.strategies = labels.map((label) => ({ label, path: run.path, name: run.name, barTypes: [], parameters: {}, metrics, outcome }));
    const equity = series.find(({ kind }) => kind === "equity")!;
    series.push({
      ...equity,
      id: "strategies",
      kind: "strategies",
      drawings: labels.map((label, place) => ({ column: `s${place}`, label, pane: "strategies" })),
    });
    const other = await pages.show(engine, `/backtest?run=${run.id}`);
    await tab(other, /Strategies 2/).click();
    await other.getByRole("rowheader", { name: "EmaCross MSFT.XNAS" }).waitFor();
    await other.getByRole("rowheader", { name: "Together" }).waitFor();
    await other.getByRole("img", { name: "Profit of each strategy" }).waitFor();
  });

  test("without trades explains itself", async () => {
    const run = engine.addFinished(DAILY);
    const noTrades = "All 214 orders were denied: the account has no free balance for them.";
    run.result!.outcome = {
      orders: 214,
      filled: 0,
      denied: 214,
      rejected: 0,
      open: 0,
      cancelled: 0,
      reasons: [{ kind: "denied", reason: "NOTIONAL_EXCEEDS_FREE_BALANCE", count: 214, example: "free=1" }],
      accepted: 0,
      noTrades,
      cause: "denied",
      seen: [{ label: "Bars received", value: "3,522" }],
    };
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    const why = page.getByRole("region", { name: "Why nothing was traded" });
    await why.getByRole("heading", { name: noTrades }).waitFor();
    await why.getByText("214 × denied: NOTIONAL_EXCEEDS_FREE_BALANCE").waitFor();
    await why.getByText("3,522").waitFor();
    await why.getByRole("button", { name: "Show orders" }).click();
    expect(await tab(page, /Orders/).getAttribute("aria-selected")).toBe("true");
  });

  test("that does not exist is told", async () => {
    const page = await pages.show(engine, "/backtest?run=run_00000000000000000099");
    await page.getByRole("heading", { name: "There is no run run_00000000000000000099." }).waitFor();
    expectFailedRequests();
  });

  test("is found again among the earlier ones, and brings its own values", async () => {
    engine.addFinished({ ...DAILY, fast: 5, slow: 40 });
    engine.addFinished(DAILY);
    const page = await open();
    await chartReady(page);
    expect(await page.getByRole("spinbutton", { name: "fast" }).inputValue()).toBe("10");
    await page.getByRole("spinbutton", { name: "fast" }).fill("77");
    const earlier = page.getByRole("region", { name: "Earlier runs" });
    await earlier.getByRole("button", { name: /fast 5, slow 40/ }).click();
    await eventually(async () => (await page.getByRole("spinbutton", { name: "fast" }).inputValue()) === "5");
    expect(await page.getByRole("spinbutton", { name: "slow" }).inputValue()).toBe("40");
    await page.goBack();
    await eventually(async () => (await page.getByRole("spinbutton", { name: "slow" }).inputValue()) === "20");
  });
});

describe("the form", () => {
  const open = () => pages.show(engine, `/backtest?path=${encodeURIComponent(STRATEGY_PATH)}&name=EmaCross`);

  test("says what is wrong where it is wrong, and does not run it", async () => {
    const page = await open();
    const fast = page.getByRole("spinbutton", { name: "fast" });
    await fast.fill("500");
    await page.getByText("fast = 500 is outside 2 to 200.").waitFor();
    expect(await fast.getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByRole("button", { name: "Run backtest" }).isDisabled()).toBe(true);
    await page.keyboard.press("Control+Enter");
    await fast.fill("abc");
    await page.getByText("fast must be a whole number, not abc.").waitFor();
    await page.getByRole("button", { name: "Reset fast to its default" }).click();
    expect(await fast.inputValue()).toBe("10");
    expect(await page.getByRole("button", { name: "Run backtest" }).isDisabled()).toBe(false);
    expect(engine.started).toHaveLength(0);
  });

  test("shows what the engine refused at the field it names, until that changes", async () => {
    engine.failures.set(
      "POST /backtest",
      TinoError.of(
        "data_missing",
        { barType: "AAPL.XNAS-1-DAY-LAST-EXTERNAL", from: "1990-01-01", to: "1991-01-01", coverage: "2000-01-03 to 2012-09-07" },
        { field: "from" },
      ).body,
    );
    const page = await open();
    await page.getByRole("button", { name: "Run backtest" }).click();
    await page.getByText(/No data for AAPL.XNAS-1-DAY-LAST-EXTERNAL between/).waitFor();
    expect(await page.getByRole("textbox", { name: "From" }).getAttribute("aria-invalid")).toBe("true");
    await page.getByRole("textbox", { name: "From" }).fill("2001-01-01");
    await page.getByText(/No data for AAPL/).waitFor({ state: "detached" });
    expectFailedRequests();
  });

  test("steps figures with the arrow keys, within their range", async () => {
    const page = await open();
    const fast = page.getByRole("spinbutton", { name: "fast" });
    await fast.focus();
    await page.keyboard.press("ArrowUp");
    expect(await fast.inputValue()).toBe("11");
    await page.keyboard.press("Shift+ArrowDown");
    expect(await fast.inputValue()).toBe("2");
  });

  test("keeps what was typed over a reload", async () => {
    const page = await open();
    await page.getByRole("spinbutton", { name: "slow" }).fill("55");
    await page.reload();
    await eventually(async () => (await page.getByRole("spinbutton", { name: "slow" }).inputValue()) === "55");
  });

  test("takes several instruments where the strategy does", async () => {
    const page = await pages.show(engine);
    await page.getByRole("button", { name: /BollingerReversion/ }).click();
    await page.getByRole("combobox", { name: "Add a symbol" }).fill("ibm");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Remove AAPL.XNAS" }).click();
    await page.getByRole("button", { name: "Run backtest" }).click();
    await eventually(async () => engine.started.length === 1);
    expect(engine.started[0]?.symbols).toEqual(["IBM.XNYS"]);
  });
});

describe("the chart", () => {
  test("goes to a trade that is clicked or walked to in the table", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await tab(page, /Trades/).click();
    const row = trades(page).getByRole("row").nth(3);
    const opened = await row.getByRole("gridcell").nth(3).innerText();
    await row.click();
    expect(await row.getAttribute("aria-selected")).toBe("true");
    await page.locator(".chart-legend-row").first().getByText(opened).waitFor();
    const range = await visibleRange(page);
    await page.keyboard.press("End");
    await eventually(async () => (await visibleRange(page)) !== range);
    const last = trades(page).locator('[aria-selected="true"]');
    await page
      .locator(".chart-legend-row")
      .first()
      .getByText(await last.getByRole("gridcell").nth(3).innerText())
      .waitFor();
  });

  test("is walked with the keyboard, bar by bar and trade by trade", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    const chart = page.getByRole("application", { name: /Chart of EmaCross/ });
    const legend = page.locator(".chart-legend-row").first();
    const day = async () => /\d{4}-\d\d-\d\d/.exec(await legend.innerText())?.[0] ?? "";
    await chart.focus();
    for (let press = 0; press < 5; press++) await page.keyboard.press("+");
    await page.getByText(/1 candle =/).waitFor({ state: "detached" });
    await page.keyboard.press("ArrowLeft");
    const first = await day();
    await page.keyboard.press("ArrowLeft");
    expect(Date.parse(await day())).toBeLessThan(Date.parse(first));
    await page.keyboard.press("Shift+ArrowRight");
    await trades(page).locator('[aria-selected="true"]').waitFor();
    await page.keyboard.press("f");
    await page
      .getByText(/3,310 bars/)
      .first()
      .waitFor();
  });

  test("shows one instrument of several, and goes to the one whose trade is chosen", async () => {
    const run = engine.addFinished(DAILY);
    const { result } = run;
    run.symbols = ["AAPL.XNAS", "MSFT.XNAS"];
    result!.instruments.push({ ...result!.instruments[0]!, id: "MSFT.XNAS" });
    result!.series.push({ ...result!.series[0]!, id: "bars.1", barType: "MSFT.XNAS-1-DAY-LAST-EXTERNAL" });
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await page.getByRole("combobox", { name: "Instrument" }).selectOption("MSFT.XNAS-1-DAY-LAST-EXTERNAL");
    const symbol = page.locator(".chart-legend-label").first();
    await symbol.filter({ hasText: "MSFT.XNAS" }).waitFor();
    await tab(page, /Trades/).click();
    await trades(page).getByRole("row").nth(2).click();
    await symbol.filter({ hasText: "AAPL.XNAS" }).waitFor();
    await page.getByRole("combobox", { name: "Instrument" }).selectOption("MSFT.XNAS-1-DAY-LAST-EXTERNAL");
    await symbol.filter({ hasText: "MSFT.XNAS" }).waitFor();
    // What was chosen before does not draw the chart back.
    await page.getByRole("button", { name: "Zoom in (+)" }).click();
    expect(await symbol.innerText()).toBe("MSFT.XNAS");
  });

  test("of half a million bars asks for what the pixels need, and says what it leaves out", async () => {
    const run = engine.addFinished(MINUTES);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await page.getByText("1 candle = 1,024 bars").waitFor();
    await page.getByText(/[\d,]+ of 22,265 fills drawn/).waitFor();
    const series = () => engine.requests.filter((request) => /series\/(bars|equity|drawings)/.test(request));
    expect(series()).toHaveLength(3);
    expect(series().every((request) => request.includes("level=5"))).toBe(true);

    const box = (await page.locator(".chart-body").boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 80);
    for (let turn = 0; turn < 30; turn++) await page.mouse.wheel(0, -150);
    await page.getByText(/1 candle =/).waitFor({ state: "detached" });
    // Every request names its level and, near full detail, the stretch it is for.
    for (const request of series().slice(3)) if (request.includes("level=0")) expect(request).toMatch(/from=\d+&to=\d+/);
    const asked = series().length;
    const before = await settledRange(page);
    await page.mouse.down();
    for (let step = 1; step <= 20; step++) await page.mouse.move(box.x + box.width / 2 + step * 15, box.y + 80);
    await page.mouse.up();
    await eventually(async () => (await visibleRange(page)) !== before);
    // A drag of a third of the view stays within what is loaded.
    expect(series().length - asked).toBeLessThanOrEqual(3);
  });

  test("is saved as a picture, and its bars as a table", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    const save = async (item: string) => {
      await page.getByRole("button", { name: "Export", exact: true }).click();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: item }).click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      return { name: download.suggestedFilename(), content: Buffer.concat(chunks) };
    };
    const picture = await save("Chart as PNG");
    expect(picture.name).toBe(`EmaCross-${run.id}.png`);
    expect(picture.content.subarray(1, 4).toString()).toBe("PNG");
    const bars = await save("Bars and equity as CSV");
    const lines = bars.content.toString().trimEnd().split("\r\n");
    expect(lines[0]).toBe("time,open,high,low,close,volume,equity,drawdown,exposure,fast,slow,rsi");
    expect(lines).toHaveLength(DAILY.rows + 1);
    expect(lines[1]).toMatch(/^2000-01-03T21:00:00\.000Z,/);
  });

  test("that gets no finer bars says so, shows what it has, and tries again", async () => {
    const run = engine.addFinished(MINUTES);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await page.getByText("1 candle = 1,024 bars").waitFor();
    engine.failures.set("GET /backtest/…/series", TinoError.of("result_unreadable", { id: run.id, reason: "a file is missing" }).body);
    await page.getByRole("application", { name: /Chart of/ }).focus();
    for (let press = 0; press < 6; press++) await page.keyboard.press("+");
    await page.getByText(/Finer bars could not be loaded: .* a file is missing/).waitFor();
    await page.getByText("1 candle = 1,024 bars").waitFor();
    engine.failures.clear();
    await eventually(async () => {
      await page.keyboard.press("PageUp");
      await page.keyboard.press("PageDown");
      return !(await page.getByText(/Finer bars could not be loaded/).isVisible());
    });
    expectFailedRequests();
  });

  test("whose data cannot be read says so and tries again", async () => {
    const run = engine.addFinished(DAILY);
    engine.failures.set("GET /backtest/…/series", TinoError.of("result_unreadable", { id: run.id, reason: "a file is damaged" }).body);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await page
      .getByRole("heading", { name: /cannot be read: a file is damaged/ })
      .first()
      .waitFor();
    engine.failures.clear();
    await page.getByRole("button", { name: "Try again" }).first().click();
    await chartReady(page);
    expectFailedRequests();
  });
});

describe("tables", () => {
  test("sort by any column, of thousands of rows draw only some, and export all", async () => {
    const run = engine.addFinished(MINUTES);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await tab(page, /Trades/).click();
    const grid = trades(page);
    expect(Number(await grid.getAttribute("aria-rowcount"))).toBe(11_134);
    expect(await grid.getByRole("row").count()).toBeLessThan(60);
    const results = async () =>
      (await grid.locator("tbody tr[aria-rowindex] td:nth-child(9)").allInnerTexts()).map((text) => Number(text.replace("−", "-").replace(/[+,]/g, "")));
    await grid
      .getByRole("columnheader", { name: /Result/ })
      .getByRole("button")
      .click();
    const once = await results();
    await grid
      .getByRole("columnheader", { name: /Result/ })
      .getByRole("button")
      .click();
    const twice = await results();
    const ascending = [...once].sort((a, b) => a - b);
    expect([ascending, [...ascending].reverse()]).toContainEqual(once);
    expect(Math.sign(once[0]!)).toBe(-Math.sign(twice[0]!));
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export trades as CSV" }).click()]);
    let text = "";
    for await (const chunk of await download.createReadStream()) text += chunk;
    expect(text.trimEnd().split("\r\n")).toHaveLength(11_134);
  });

  test("of the log filter by level and words, and lead to the bar", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await tab(page, /Log/).click();
    const grid = page.getByRole("grid", { name: "Log" });
    const all = Number(await grid.getAttribute("aria-rowcount"));
    await page.getByRole("button", { name: /^Warning/ }).click();
    const warnings = Number(await grid.getAttribute("aria-rowcount"));
    expect(warnings).toBeGreaterThan(1);
    expect(warnings).toBeLessThan(all);
    await page.getByRole("searchbox", { name: "Search the log" }).fill("no such words");
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("1");
    await page.getByRole("searchbox", { name: "Search the log" }).fill("crossed down");
    const row = grid.getByRole("row").nth(2);
    const day = await row.getByRole("gridcell").first().innerText();
    await row.click();
    await page.locator(".chart-legend-row").first().getByText(day).waitFor();
  });
});

describe("the stream", () => {
  test("that is lost says so, keeps what is shown, and catches up when it is back", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    const { port } = engine;
    await engine.stop();
    await page.getByText("The engine does not answer.").waitFor();
    await page.getByText("Offline").waitFor();
    expect(await page.getByRole("button", { name: "Run backtest" }).isDisabled()).toBe(true);
    expect(await visibleRange(page)).toContain("3,310 bars");
    // The same engine is there again and has news the page has not heard.
    engine.publish({ type: "run.changed", run: { ...run, id: "run_00000000000000009999", status: "running" } });
    await engine.start(port);
    await page.getByText("The engine does not answer.").waitFor({ state: "detached" });
    await page.getByText("1 running").waitFor();
    expectFailedRequests();
  });

  test("with a gap is begun anew from a snapshot", async () => {
    const page = await pages.show(engine, "/runs");
    await page.getByText("Nothing has been run yet").waitFor();
    engine.skip();
    const run = engine.addFinished(DAILY);
    engine.publish({ type: "data.changed", barTypes: [] });
    await page.getByRole("grid", { name: "Runs" }).getByText(run.name).waitFor();
  });
});

describe("the list of runs", () => {
  test("shows every run while it happens, filters, sorts and opens", async () => {
    for (const fast of [5, 8, 12]) engine.addFinished({ ...DAILY, fast, slow: fast * 4, seed: fast });
    const page = await pages.show(engine, "/runs");
    const grid = page.getByRole("grid", { name: "Runs" });
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("4");
    const running = engine.addEnded({ status: "queued", endedAt: null });
    engine.progress(running.id, { phase: "running", barsDone: 331, barsTotal: 3_310, barsPerSecond: null, remainingMs: null });
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("5");
    expect(await grid.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("10");
    await grid.getByRole("button", { name: "Cancel this run" }).click();
    await grid.getByText("Cancelled").waitFor();

    await page.getByRole("searchbox", { name: "Filter runs" }).fill("slow 32");
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("2");
    await page.getByRole("searchbox", { name: "Filter runs" }).fill("");
    await page.getByRole("button", { name: /^Finished/ }).click();
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("4");
    await grid
      .getByRole("columnheader", { name: /Return/ })
      .getByRole("button")
      .click();
    const returns = (await grid.locator("tbody td:nth-child(9)").allInnerTexts()).map((text) => Number.parseFloat(text.replace("−", "-")));
    expect([returns, [...returns].reverse()]).toContainEqual([...returns].sort((a, b) => a - b));
    await grid.getByRole("row").nth(1).dblclick();
    await chartReady(page);
    expect(new URL(page.url()).pathname).toBe("/backtest");
  });
});

describe("runs that are chosen", () => {
  test("are labelled, compared and deleted after a question", async () => {
    const ids = [5, 8, 12].map((fast) => engine.addFinished({ ...DAILY, fast, slow: 40, seed: fast }).id);
    const page = await pages.show(engine, "/runs");
    const grid = page.getByRole("grid", { name: "Runs" });
    const bar = page.getByRole("toolbar", { name: "Chosen runs" });
    const mark = async (row: number) => grid.getByRole("row").nth(row).getByRole("checkbox").check();
    await mark(3);
    await bar.getByRole("textbox", { name: "Add a tag" }).fill("calm");
    await bar.getByRole("textbox", { name: "Add a tag" }).press("Enter");
    await bar.getByRole("textbox", { name: "Note" }).fill("keeps its head");
    await bar.getByRole("textbox", { name: "Note" }).press("Enter");
    await bar.getByRole("button", { name: "Pin", exact: true }).click();
    // The oldest run: what is pinned stands on top.
    await grid.getByRole("row").nth(1).getByText("calm").waitFor();
    await grid.getByRole("row").nth(1).getByText("keeps its head").waitFor();
    await page.getByRole("combobox", { name: "Tag" }).selectOption("calm");
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("2");
    await page.getByRole("combobox", { name: "Tag" }).selectOption("");
    expect(engine.runs.get(ids[0]!)!.run).toMatchObject({ tags: ["calm"], note: "keeps its head", pinned: true });

    await mark(2);
    await bar.getByRole("button", { name: "Compare" }).click();
    await page.getByRole("img", { name: "Growth of each run" }).waitFor();
    expect(new URL(page.url()).searchParams.get("runs")).toBe(`${ids[0]},${ids[2]}`);
    // Two curves and two drawdowns, each of them from a level that has no more points than pixels.
    await expect.poll(() => page.locator(".plot-line").count()).toBe(4);
    const asked = engine.requests.filter((request) => request.includes("/series/equity"));
    expect(asked).toHaveLength(2);
    expect(asked.every((request) => request.includes("points="))).toBe(true);
    const returns = page.getByRole("row", { name: /^Total return/ }).getByRole("cell");
    const [first, second] = [0, 2].map((index) => engine.runs.get(ids[index]!)!.run.metrics!.totalReturn!);
    const shown = (await returns.allInnerTexts()).map((text) => Number.parseFloat(text.replace("−", "-").replaceAll(",", "")));
    expect(shown).toEqual([first! * 100, second! * 100, (second! - first!) * 100].map((value) => Number(value.toFixed(1))));
    await page.getByRole("row", { name: /^fast 5 12/ }).waitFor();
    await page.getByRole("button", { name: "A → B" }).click();
    await page.getByText("+    fast = 12").waitFor();
    await page.getByText("-    fast = 5").waitFor();
    await page.getByRole("button", { name: "Hold the others against this run" }).click();
    await expect.poll(() => new URL(page.url()).searchParams.get("runs")).toBe(`${ids[2]},${ids[0]}`);

    await page.goBack();
    await mark(2);
    const questions: string[] = [];
    page.once("dialog", (dialog) => {
      questions.push(dialog.message());
      return dialog.dismiss();
    });
    await bar.getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => questions.length).toBe(1);
    expect(questions[0]).toContain("EmaCross on AAPL.XNAS");
    expect(engine.runs.size).toBe(3);
    page.once("dialog", (dialog) => dialog.accept());
    await bar.getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => grid.getAttribute("aria-rowcount")).toBe("3");
    expect(engine.runs.size).toBe(2);
  });
});

describe("in a panel", () => {
  test("sources, other pages, logs and files are the editor's, and what is shown is remembered", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.panel(engine, { run: run.id });
    await chartReady(page);
    await tab(page, /Trades/).click();
    await trades(page).getByRole("row").nth(2).getByRole("button").first().click();
    await page.getByRole("button", { name: "Open the list of runs" }).click();
    await page.getByRole("button", { name: "Export trades as CSV" }).click();
    await expect.poll(async () => (await actionsOf(page)).map(({ type }) => type)).toEqual(["openSource", "openPage", "saveFile"]);
    const [source, other, file] = await actionsOf(page);
    expect(source).toEqual({ type: "openSource", path: STRATEGY_PATH, line: 44 });
    expect(other).toEqual({ type: "openPage", state: { page: "runs", run: null, path: null, name: null } });
    expect(file).toMatchObject({ name: `EmaCross-${run.id}-trades.csv` });
    expect(await page.evaluate(() => window.panelHost.saved)).toMatchObject({ page: "backtest", run: run.id, path: STRATEGY_PATH, name: "EmaCross" });
    await page.reload();
    await chartReady(page);
    expect(await tab(page, /Trades/).getAttribute("aria-selected")).toBe("true");
  });

  test("what the editor could not do is told, until it is dismissed", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.panel(engine, { run: run.id });
    await chartReady(page);
    await page.evaluate(() => {
      window.panelHost.refuse = true;
    });
    await page.getByRole("button", { name: "ema_cross.py:21" }).click();
    await page.getByText("Something failed inside tino (panel).").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByText("Something failed inside tino (panel).").waitFor({ state: "detached" });
  });

  test("a failed run opens its line and the log", async () => {
    const run = engine.addEnded({
      status: "failed",
      error: TinoError.of(
        "strategy_failed",
        { name: "EmaCross", callback: "on_bar", reason: "KeyError: 'x'" },
        { traceback: [{ path: STRATEGY_PATH, line: 38, function: "on_bar", code: "self.x['x']" }] },
      ).body,
    });
    const page = await pages.panel(engine, { run: run.id });
    await page.getByRole("button", { name: "ema_cross.py:38" }).click();
    await page.getByRole("button", { name: "Show log" }).click();
    await expect.poll(() => actionsOf(page)).toEqual([{ type: "openSource", path: STRATEGY_PATH, line: 38 }, { type: "showLog" }]);
  });

  test("the editor can show another run in it, and tell of a lost engine", async () => {
    const [first, second] = [engine.addFinished(DAILY), engine.addFinished({ ...DAILY, fast: 5, slow: 40 })];
    const page = await pages.panel(engine, { run: first.id });
    await chartReady(page);
    await page.evaluate((state) => window.panelHost.send({ kind: "navigate", state }), {
      page: "backtest",
      run: second.id,
      path: EMA_CROSS.path,
      name: EMA_CROSS.name,
    });
    await eventually(async () => (await page.getByRole("spinbutton", { name: "fast" }).inputValue()) === "5");
    await page.evaluate(() => window.panelHost.send({ kind: "connection", state: "lost" }));
    await page.getByText("The engine does not answer.").waitFor();
    await page.evaluate(() => window.panelHost.send({ kind: "connection", state: "live" }));
    await page.getByText("The engine does not answer.").waitFor({ state: "detached" });
  });
});

describe("for everybody", () => {
  test.each([
    [360, 740],
    [720, 860],
    [1_280, 800],
  ])("nothing is cut off at %i × %i", async (width, height) => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`, { viewport: { width, height } });
    await chartReady(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await page.getByRole("button", { name: "Run backtest" }).waitFor();
    await page.getByText("PAPER").waitFor();
  });

  test("every control has a name", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await page.getByText("Assumptions").first().click();
    for (const name of [/Metrics/, /Trades/, /Orders/, /Log/, /Assumptions/]) {
      await tab(page, name).click();
      const nameless = await page.locator("button, input, select, [role=grid], [role=application], [role=separator]").evaluateAll((elements) =>
        elements
          .filter((element) => element.getAttribute("aria-hidden") !== "true")
          .filter((element) => {
            const labelled =
              (element as HTMLInputElement).labels?.length ||
              element.getAttribute("aria-label") ||
              element.getAttribute("aria-labelledby") ||
              element.textContent?.trim();
            return !labelled;
          })
          .map((element) => element.outerHTML),
      );
      expect(nameless).toEqual([]);
    }
  });

  test("the theme follows the system until somebody chooses, and then stays", async () => {
    const page = await pages.show(engine, "/runs", { colorScheme: "light" });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(await background()).toBe("rgb(255, 255, 255)");
    await page.getByRole("button", { name: "Use the dark theme" }).click();
    expect(await background()).toBe("rgb(31, 31, 31)");
    await page.reload();
    await page.getByRole("button", { name: "Use the light theme" }).waitFor();
    expect(await background()).toBe("rgb(31, 31, 31)");
  });

  test("a figure explains itself on focus", async () => {
    const run = engine.addFinished(DAILY);
    const page = await pages.show(engine, `/backtest?run=${run.id}`);
    await chartReady(page);
    await page.locator(".headline .figure").nth(2).focus();
    await page.getByRole("tooltip").filter({ hasText: METRICS.sharpe.definition }).filter({ hasText: "3,310 daily returns, 252 a year" }).first().waitFor();
    await page.keyboard.press("Escape");
    expect(await page.getByRole("tooltip").filter({ visible: true }).count()).toBe(0);
  });
});

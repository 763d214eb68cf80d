/** The data page in a real browser: what is stored and how good it is, an import from preview to report, warnings before a run. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { DataImport, ImportPreview, QualityFinding, SeriesQuality } from "#contracts";
import { Pages } from "./browser.ts";
import type { StubEngine } from "./stubEngine.ts";
import { EMA_CROSS } from "./stubEngine.ts";

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
  expect(complaints).toEqual([]);
});

const AT = Date.UTC(2003, 1, 18);
const SPLIT: QualityFinding = {
  kind: "split",
  severity: "severe",
  from: AT,
  to: AT,
  count: 1,
  message: "The price falls like at a split of 2 for 1 on 2003-02-18, and no action tells of one.",
  splitRatio: 2,
  exDay: "2003-02-18",
};

function qualityOf(barType: string, findings: QualityFinding[]): SeriesQuality {
  const instrumentId = barType.split("-")[0] as string;
  const strip = Array.from({ length: 100 }, (_, index) => (index === 40 ? 0 : 1));
  const severity = findings[0]?.severity ?? null;
  const counts = { bars: 990, expected: 1_000, missing: 10, findings, findingCount: findings.length };
  return { barType, instrumentId, calendar: "XNYS", assumed: false, from: AT, to: AT + 1e10, strip, severity, ...counts };
}

const asked = (words: string): boolean => engine.requests.some((request) => request.includes(words));

test("every instrument with its faults, one of them in detail, and a split that is missing is added", async () => {
  engine.quality = engine.symbols.flatMap(({ coverage }) =>
    coverage.map(({ barType }, index) => qualityOf(barType, index === 0 && barType.startsWith("AAPL") ? [SPLIT] : [])),
  );
  const page = await pages.show(engine, "/data");
  await page.getByRole("button", { name: /With warnings 1/ }).click();
  const row = page.getByRole("row", { name: /AAPL\.XNAS/ });
  expect(await row.innerText()).toContain("1 finding");
  expect(await row.getByRole("img").getAttribute("aria-label")).toMatch(/^99\.0.% of the bars that XNYS expects; 10 missing$/);
  await row.click();
  await page.locator(".price-chart canvas").first().waitFor();
  expect(asked("GET /api/data/bars?barType=AAPL.XNAS")).toBe(true);
  expect(page.url()).toContain("symbol=AAPL.XNAS");
  await page.getByRole("tab", { name: /Quality/ }).click();
  await page.getByText(SPLIT.message).waitFor();
  await page.getByRole("button", { name: "Add the split" }).click();
  await expect.poll(() => asked("POST /api/data/actions"), { timeout: 15_000 }).toBe(true);
});

const PREVIEW: ImportPreview = {
  layout: {
    format: "csv",
    encoding: "utf-8",
    delimiter: ";",
    decimal: ",",
    thousands: null,
    header: true,
    skipLines: 0,
    columns: { time: "Date", clock: null, open: "Open", high: "High", low: "Low", close: "Close", volume: null, symbol: null },
    timeFormat: "iso",
    zone: "America/New_York",
    stamp: "open",
    dayClose: "16:00",
    step: "1-DAY",
    symbol: null,
    venue: "SIM",
    assetClass: "equity",
    currency: "USD",
    pricePrecision: 2,
    sizePrecision: 0,
  },
  files: [{ path: "/uploads/ABC.csv", bytes: 40 }],
  fileCount: 1,
  columns: ["Date", "Open", "High", "Low", "Close"].map((name) => ({ name, values: ["1"] })),
  bars: [{ symbol: "ABC.SIM", ts: AT, open: "1.00", high: "1.00", low: "1.00", close: "1.00", volume: "0" }],
  barTypes: ["ABC.SIM-1-DAY-LAST-EXTERNAL"],
  problems: [
    {
      kind: "number",
      file: "/uploads/ABC.csv",
      count: 1,
      what: "a price that is not a number",
      done: "left out",
      examples: [{ line: 3, text: "2003-02-19;x" }],
    },
  ],
  rowsRead: 2,
};

test("a file is sent, looked at, changed, imported, and what became of it is told", async () => {
  engine.preview = PREVIEW;
  const job: DataImport = {
    id: `imp_${"0".repeat(26)}`,
    status: "finished",
    paths: ["/uploads/ABC.csv"],
    createdAt: AT,
    endedAt: AT,
    progress: { phase: "writing", file: null, bytesDone: 40, bytesTotal: 40, rows: 2 },
    series: [{ barType: "ABC.XNAS-1-DAY-LAST-EXTERNAL", outcome: "new", bars: 1, added: 1, replaced: 0, from: AT, to: AT }],
    problems: PREVIEW.problems,
    error: null,
  };
  engine.imported = job;
  const page = await pages.show(engine, "/data");
  await page.getByRole("button", { name: "Import", exact: true }).waitFor();
  await page.locator("input[type=file]").setInputFiles({ name: "ABC.csv", mimeType: "text/csv", buffer: Buffer.from("Date;Open\n") });
  await page.getByText("ABC.SIM-1-DAY-LAST-EXTERNAL").waitFor();
  await page.getByText("1 row of ABC.csv with a price that is not a number: left out").waitFor();
  expect(asked("POST /api/data/upload")).toBe(true);
  const looks = () => engine.requests.filter((request) => request.startsWith("POST /api/data/import/preview")).length;
  const before = looks();
  await page.getByLabel("Venue").fill("XNAS");
  await page.getByLabel("Venue").press("Enter");
  await expect.poll(looks, { timeout: 15_000 }).toBeGreaterThan(before);
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText("ABC.XNAS-1-DAY-LAST-EXTERNAL").waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("grid", { name: "Stored data" }).waitFor();
});

test("before a run its data's faults are listed, each with what can be done", async () => {
  const barType = "AAPL.XNAS-1-DAY-LAST-EXTERNAL";
  const message = "The split of 2 for 1 on 2005-02-28 is not taken out of the prices.";
  engine.warnings = [{ barType, finding: { ...SPLIT, message }, fix: { kind: "adjust", label: "Adjust prices for splits", adjustment: "splits" } }];
  const page = await pages.show(engine, `/backtest?path=${encodeURIComponent(EMA_CROSS.path)}&name=${EMA_CROSS.name}`);
  await page.getByText(message).waitFor();
  await page.getByRole("button", { name: "Adjust prices for splits" }).click();
  await expect.poll(() => page.getByLabel("Prices", { exact: true }).inputValue(), { timeout: 15_000 }).toBe("splits");
});

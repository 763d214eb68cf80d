/** `tino data` from the outside, with the real engine: files of bars in, listed, shown, removed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DataImport, ErrorBody, EXIT, ImportPreview, QualityReport, SymbolList } from "#contracts";
import { type ClientProcess, Rig } from "../rig.ts";

let rig: Rig;
let holder: ClientProcess;
let folder: string;

beforeAll(async () => {
  rig = new Rig({ engine: "real" });
  folder = mkdtempSync(join(tmpdir(), "tino-prices-"));
  holder = await rig.startClient("vscode");
  await holder.live();
  const rows = ["2020-01-02;10,5;11,0;10,0;10,75;1000", "2020-01-03;10,75;x;10,5;11,0;1200", "2020-01-06;11,0;11,5;10,8;11,25;900"];
  writeFileSync(join(folder, "ABC.csv"), `Date;Open;High;Low;Close;Volume\n${rows.join("\n")}\n`);
});
afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const tino = (...args: string[]) => rig.tino(args, { cwd: folder });
const json = (text: string) => JSON.parse(text);
const BAR_TYPE = "ABC.XNAS-1-DAY-LAST-EXTERNAL";

test("a file is previewed, imported, listed, shown and removed", async () => {
  const preview = ImportPreview.parse(json((await tino("data", "import", "ABC.csv", "--venue", "XNAS", "--preview", "--json")).stdout));
  expect(preview).toMatchObject({ barTypes: [BAR_TYPE], layout: { delimiter: ";", decimal: ",", columns: { close: "Close" } } });
  expect(json((await tino("data", "--json")).stdout)).toEqual({ symbols: [] });

  const imported = await tino("data", "import", "ABC.csv", "--venue", "XNAS");
  expect(imported.code).toBe(EXIT.ok);
  expect(imported.stdout).toMatch(new RegExp(`${BAR_TYPE} +2 +2020-01-02 +2020-01-06 +new`));
  expect(imported.stdout).toContain("1 row of ABC.csv with a price or volume that is not a number: left out\n  line 3: 2020-01-03;10,75;x;10,5;11,0;1200");
  const again = DataImport.parse(json((await tino("data", "import", folder, "--venue", "XNAS", "--json")).stdout).import);
  expect(again.series).toMatchObject([{ outcome: "unchanged", bars: 2 }]);

  expect((await tino("data", "list")).stdout).toMatch(/ABC\.XNAS +1-DAY +2 +2020-01-02 +2020-01-06/);
  const shown = json((await tino("data", "show", "abc", "--json")).stdout);
  expect(shown.series[0].bars).toMatchObject([
    { ts: Date.parse("2020-01-02T16:00:00-05:00"), open: 10.5, close: 10.75, volume: 1000 },
    { ts: Date.parse("2020-01-06T16:00:00-05:00"), high: 11.5, low: 10.8 },
  ]);

  // Nobody can be asked in a pipe.
  const refused = await tino("data", "remove", "ABC", "--json");
  expect(ErrorBody.parse(json(refused.stdout)).code).toBe("terminal_required");
  const removed = await tino("data", "remove", "ABC", "--yes", "--json");
  expect(SymbolList.parse(json(removed.stdout)).symbols).toEqual([]);
});

test("faults are found, put right and stand before a run; lists, figures and coarser bars are kept", async () => {
  const days = Array.from({ length: 60 }, (_, index) => new Date(Date.UTC(2020, 0, 2 + index))).filter((at) => at.getUTCDay() % 6 !== 0);
  // 4 for 1 at the nineteenth bar, and nobody tells of it.
  const rows = days.map(
    (at, index) =>
      `${at.toISOString().slice(0, 10)},${[0, 1, 0, 0.5].map((more) => ((100 + (index % 5) + more) / (index < 18 ? 1 : 4)).toFixed(3)).join(",")},${index < 18 ? 1000 : 4000}`,
  );
  writeFileSync(join(folder, "SPLIT.csv"), `Date,Open,High,Low,Close,Volume\n${rows.join("\n")}\n`);
  await tino("data", "import", "SPLIT.csv", "--venue", "XNYS");
  const found = QualityReport.parse(json((await tino("data", "check", "SPLIT", "--json")).stdout));
  const split = found.series[0]?.findings.find(({ kind }) => kind === "split");
  expect(split).toMatchObject({ severity: "severe", splitRatio: 4 });
  const text = await tino("data", "check", "--strict");
  expect(text.code).toBe(EXIT.refused);
  expect(text.stdout).toContain("severe The price falls like at a split of 4 for 1");

  const actions = json((await tino("data", "actions", "SPLIT", "--split", `${split?.exDay}=4:1`, "--json")).stdout);
  expect(actions).toEqual({ symbols: [{ instrumentId: "SPLIT.XNYS", actions: [{ exDay: split?.exDay, kind: "split", value: 4 }] }] });
  const after = QualityReport.parse(json((await tino("data", "check", "SPLIT", "--json")).stdout));
  expect(after.series[0]?.findings.filter(({ kind }) => kind === "split")).toEqual([]);

  expect(json((await tino("data", "resample", "SPLIT", "--to", "1-week", "--json")).stdout).coverage.barType).toBe("SPLIT.XNYS-1-WEEK-LAST-EXTERNAL");
  expect(json((await tino("data", "watchlist", "mine", "split", "--json")).stdout)).toEqual({ watchlists: [{ name: "mine", symbols: ["SPLIT.XNYS"] }] });
  expect(QualityReport.parse(json((await tino("data", "check", "@mine", "--json")).stdout)).series).toHaveLength(2);
  expect(json((await tino("data", "watchlist", "mine", "--remove", "--json")).stdout)).toEqual({ watchlists: [] });
  writeFileSync(join(folder, "figures.csv"), "symbol,period,known,eps\nSPLIT,2019-12-31,2020-02-01,1.5\n");
  await tino("data", "fundamentals", "--import", "figures.csv");
  expect((await tino("data", "fundamentals", "SPLIT", "--as-of", "2020-02-01")).stdout).toMatch(/eps +2019-12-31 +2020-02-01 +1\.5/);
});

test.each([
  ["a split without a ratio", ["actions", "ABC", "--split", "2020-01-02"], "usage", EXIT.usage],
  ["a watchlist that is none", ["watchlist", "none"], "watchlist_unknown", EXIT.input],
  ["a file that is not there", ["import", "nothing.csv"], "import_file_not_found", EXIT.input],
  ["a step that is none", ["import", "ABC.csv", "--step", "daily"], "usage", EXIT.usage],
  ["a column that is none", ["import", "ABC.csv", "--columns", "close=Last"], "import_column_unknown", EXIT.input],
  ["a role that is none", ["import", "ABC.csv", "--columns", "last=Close"], "usage", EXIT.usage],
  ["a bad row, and none wanted", ["import", "ABC.csv", "--strict"], "import_row_invalid", EXIT.input],
  ["a symbol that is not stored", ["show", "XYZ"], "symbol_unknown", EXIT.input],
] as const)("%s: one error as JSON, with its exit code", async (_, args, code, exit) => {
  const finished = await tino("data", ...args, "--json");
  expect(ErrorBody.parse(json(finished.stdout)).code).toBe(code);
  expect(finished.code).toBe(exit);
});

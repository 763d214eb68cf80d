/** Market data as text: the list of series, one series, how a file is read, what became of an import. */
import type { Coverage, DataImport, ImportPreview, ImportProblem, SymbolEntry, SymbolList } from "#contracts";
import { barTime, bytes, count, day } from "../format.ts";
import { type Screen, table, wrapLines } from "../output.ts";
import type { Row } from "../verbs/show.ts";
import { bar } from "./chart.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

/** `AAPL.XNAS-1-DAY-LAST-EXTERNAL` → `1-DAY`, with what is unusual about it. */
const stepOf = ({ barType, instrumentId }: Coverage): string => barType.slice(instrumentId.length + 1).replace(/-LAST-EXTERNAL$/, "");

/** Every series with the stretch of time it covers, on one axis. */
export function seriesText(list: SymbolList, screen: Look): string {
  const all = list.symbols.flatMap((entry) => [
    ...entry.coverage.map((coverage) => ({ entry, coverage, what: stepOf(coverage), rows: coverage.bars })),
    ...entry.ticks.map((coverage) => ({ entry, coverage, what: coverage.kind, rows: coverage.rows })),
  ]);
  const first = Math.min(...all.map(({ coverage }) => coverage.from));
  const span = Math.max(...all.map(({ coverage }) => coverage.to)) - first || 1;
  const columns = [
    { title: "Instrument" },
    { title: "Bars", keep: 9 },
    { title: "Count", align: "right" as const },
    { title: "From", keep: 7 },
    { title: "To", keep: 8 },
    { title: "Covered", keep: 2 },
    { title: "Actions", align: "right" as const, keep: 3 },
    { title: "Source", shrinks: true, keep: 1 },
  ];
  const strip = ({ from, to }: Pick<Coverage, "from" | "to">) => {
    const [start, end] = [from, to].map((at) => Math.round(((at - first) / span) * 16)) as [number, number];
    const length = Math.max(1, end - start);
    const [full, empty] = screen.unicode ? ["█", "·"] : ["#", "."];
    const offset = Math.min(start, 16 - length);
    return empty.repeat(offset) + full.repeat(length) + empty.repeat(16 - offset - length);
  };
  const rows = all.map(({ entry, coverage, what, rows }) => [
    entry.instrument.id,
    what,
    count(rows),
    day(coverage.from),
    day(coverage.to),
    strip(coverage),
    entry.actions.length > 0 ? count(entry.actions.length) : "",
    coverage.source,
  ]);
  return table(columns, rows, screen);
}

/** One series: what it is, and its last bars. */
export function oneSeriesText(entry: SymbolEntry, coverage: Coverage, rows: readonly Row[], screen: Look): string {
  const { instrument, actions } = entry;
  const splits = actions.filter(({ kind }) => kind === "split").length;
  const facts = [
    `${screen.paint("bold", coverage.barType)}  ${instrument.name ?? ""}`.trimEnd(),
    `${count(coverage.bars)} bars from ${barTime(coverage.from)} to ${barTime(coverage.to)} UTC`,
    `${instrument.assetClass} in ${instrument.currency}, ${instrument.pricePrecision} decimals, trading day of ${instrument.timeZone}`,
    `${count(splits)} splits, ${count(actions.length - splits)} dividends; prices below as traded`,
    screen.paint("dim", `${coverage.source}`),
  ];
  const digits = instrument.pricePrecision;
  const columns = ["Close of bar (UTC)", "Open", "High", "Low", "Close", "Volume"].map((title, index) => ({
    title,
    align: index ? ("right" as const) : ("left" as const),
  }));
  const cells = rows.map((row) => [
    barTime(Number(row.ts)),
    ...["open", "high", "low", "close"].map((name) => Number(row[name]).toFixed(digits)),
    Number(row.volume).toLocaleString("en-US", { maximumFractionDigits: instrument.sizePrecision }),
  ]);
  return `${wrapLines(facts, screen.width).join("\n")}\n\n${table(columns, cells, screen)}`;
}

/** How a file would be read: what was guessed, its first bars, what is wrong with rows. */
export function previewText(preview: ImportPreview, screen: Look): string {
  const { layout, files } = preview;
  const { columns } = layout;
  const used = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== null);
  const daily = /DAY|WEEK|MONTH/.test(layout.step);
  const facts: [string, string][] = [
    ["Files", preview.fileCount === 1 ? (files[0]?.path ?? "") : `${count(preview.fileCount)}, the first ${files[0]?.path}`],
    ["Series", `${preview.barTypes.slice(0, 4).join(", ")}${preview.barTypes.length > 4 ? ` and ${preview.barTypes.length - 4} more` : ""}`],
    ["Columns", used.map(([role, name]) => (role === name ? name : `${role} = ${name}`)).join(", ")],
    ["Times", `${layout.timeFormat}, ${layout.zone}${daily ? `, the day closes ${layout.dayClose}` : `, each the ${layout.stamp} of its bar`}`],
    [
      "Text",
      layout.format === "parquet"
        ? "Parquet"
        : `${layout.encoding}, columns by ${layout.delimiter === "\t" ? "tab" : layout.delimiter}, decimals by ${layout.decimal}${layout.header ? "" : ", no header"}`,
    ],
    ["Instrument", `${layout.assetClass} in ${layout.currency}, ${layout.pricePrecision} decimals, volume ${layout.sizePrecision}`],
  ];
  const lines = facts.map(([name, value]) => `${screen.paint("bold", name.padEnd(11))} ${value}`);
  const titles = ["Instrument", "Close of bar (UTC)", "Open", "High", "Low", "Close", "Volume"];
  const rows = preview.bars.slice(0, 8).map((row) => [row.symbol, barTime(row.ts), row.open, row.high, row.low, row.close, row.volume]);
  const shown = table(
    titles.map((title, index) => ({ title, align: index > 1 ? ("right" as const) : ("left" as const) })),
    rows,
    screen,
  );
  return [lines.join("\n"), shown, problemsText(preview.problems, screen)].filter(Boolean).join("\n\n");
}

/** Rows that were not as they should be: how many, what was done, the first of them by line. */
export function problemsText(problems: readonly ImportProblem[], { paint }: Look): string {
  return problems
    .map(({ file, count: rows, what, done, examples }) => {
      const name = file.slice(file.lastIndexOf("/") + 1);
      const head = `${paint("yellow", `${count(rows)} ${rows === 1 ? "row" : "rows"}`)} of ${name} with ${what}: ${done}`;
      return [head, ...examples.slice(0, 3).map(({ line, text }) => paint("dim", `  line ${count(line)}: ${text}`))].join("\n");
    })
    .join("\n");
}

/** What became of an import. */
export function importText(job: DataImport, screen: Look): string {
  const series = job.series.map(({ barType, outcome, bars, added, replaced, from, to }) => {
    const words =
      outcome === "unchanged"
        ? "unchanged"
        : [outcome === "new" ? "new" : "", outcome === "changed" ? `${count(added)} added` : "", replaced > 0 ? `${count(replaced)} replaced` : ""]
            .filter(Boolean)
            .join(", ");
    return [barType, count(bars), day(from), day(to), words];
  });
  const columns = [{ title: "Series" }, { title: "Bars", align: "right" as const }, { title: "From", keep: 2 }, { title: "To", keep: 2 }, { title: "Outcome" }];
  return [table(columns, series, screen), problemsText(job.problems, screen)].filter(Boolean).join("\n\n");
}

/** Progress on one line. */
export function importProgressText({ progress, status }: DataImport, screen: Look, width: number): string {
  if (status === "queued") return "Waiting for another import";
  const { phase, bytesDone, bytesTotal, rows, file } = progress;
  if (phase !== "reading") return `${phase === "sorting" ? "Sorting" : "Writing"} ${file ?? ""}  ${count(rows)} rows`;
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : 0;
  return `Reading  ${bar(share, Math.max(8, Math.min(30, width - 50)), screen.unicode)}  ${Math.floor(share * 100)} % of ${bytes(bytesTotal)}  ${count(rows)} rows`;
}

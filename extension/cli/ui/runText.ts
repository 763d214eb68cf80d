/** Runs as text: one line, a screen with the equity curve, the tables of a result. */
import { METRICS, type Metrics, marksOf, type Run, type RunProgress, type RunSummary, TinoError } from "#contracts";
import { barTime, count, duration, metric, moment, money, NOTHING, percent, price, rate, shortPath, shortRun } from "../format.ts";
import { type Column, cellsOf, cut, failureLines, type Paint, pad, type Screen, table, wrap, wrapLines } from "../output.ts";
import type { Equity, Row, RunDetails } from "../verbs/show.ts";
import { bar, lineChart, sparkline } from "./chart.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

const STATUS_STYLE = { queued: "dim", running: "cyan", finished: "green", failed: "red", cancelled: "yellow", interrupted: "yellow" } as const;

export function runsText(runs: readonly RunSummary[], screen: Look, now: number): string {
  const { paint, unicode } = screen;
  const tagged = runs.some((run) => run.tags.length > 0);
  const marked = runs.some((run) => marksOf(run).length > 0);
  const columns: Column[] = [
    { title: "Run" },
    { title: "", keep: 7 },
    { title: "Started", keep: 4 },
    { title: "Strategy", shrinks: true },
    { title: "Data", shrinks: true, keep: 6 },
    { title: "Period", keep: 2 },
    { title: "Status" },
    { title: "Return", align: "right" },
    { title: "Sharpe", align: "right", keep: 5 },
    { title: "Drawdown", align: "right", keep: 3 },
    { title: "Equity", keep: 1 },
    ...(marked ? [{ title: "Marks", keep: 0 }] : []),
    ...(tagged ? [{ title: "Tags", keep: 0 }] : []),
  ];
  const rows = runs.map((run) => [
    shortRun(run.id),
    run.pinned ? paint("yellow", unicode ? "★" : "*") : "",
    moment(run.createdAt, now),
    run.name,
    dataOf(run),
    periodOf(run),
    statusWord(run, paint),
    signed(run.metrics?.totalReturn ?? null, paint),
    run.metrics ? metric(run.metrics.sharpe, "ratio", null) : NOTHING,
    run.metrics ? percent(run.metrics.maxDrawdown) : NOTHING,
    sparkline(run.sparkline, 16, unicode),
    ...(marked ? [paint("dim", wordsOf(run))] : []),
    ...(tagged ? [run.tags.join(", ")] : []),
  ]);
  return table(columns, rows, screen);
}

/** A run on one screen: what it was, its equity curve, its figures, what they rest on. Or, when tables were asked for, those. */
export function runText(
  details: RunDetails,
  screen: Look,
  { chartHeight = 14, assumptions = false }: { chartHeight?: number; assumptions?: boolean } = {},
): string {
  const { run, equity } = details;
  const sections = [runHeading(run, screen)];
  if (run.error) sections.push(wrapLines(failureLines(new TinoError(run.error), screen.paint), screen.width).join("\n"));
  const isTables = Boolean(details.trades ?? details.orders ?? details.log);
  if (run.result && !isTables) {
    if (equity) sections.push(equityText(run, equity, screen, chartHeight));
    sections.push(
      metricsText(run.result.metrics, run.result.currency, screen),
      strategiesText(run, screen),
      outcomeText(run, screen),
      assumptions ? assumptionsText(run, screen) : basisText(run, screen),
    );
  }
  if (details.trades) sections.push(tradesText(details.trades, run, screen));
  if (details.orders) sections.push(ordersText(details.orders, screen));
  if (details.log) sections.push(logText(details.log, screen));
  return sections.filter(Boolean).join("\n\n");
}

function runHeading(run: Run, { paint, width, shrink }: Look): string {
  const took = run.startedAt !== null && run.endedAt !== null ? ` in ${duration(run.endedAt - run.startedAt)}` : "";
  const parameters = Object.entries(run.parameters)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(",") : value}`)
    .join(" ");
  const lines = [
    `${paint("bold", run.name)}  ${dataOf(run)}  ${paint("dim", periodOf(run))}`,
    `${statusWord(run, paint)}${took}  ${paint("dim", `${run.id}  ${shortPath(run.path)}`)}`,
    ...(parameters ? [paint("dim", parameters)] : []),
    paint("dim", codeOf(run)),
    ...marksOf(run).map(({ means }) => means),
    ...(run.pinned || run.tags.length > 0 ? [[...(run.pinned ? ["pinned"] : []), ...run.tags.map((tag) => `#${tag}`)].join(" ")] : []),
    ...(run.note ? run.note.split("\n") : []),
    ...(run.metrics ? [figuresText(run.metrics, paint)] : []),
  ];
  return lines.map((line) => (shrink ? cut(line, width) : line)).join("\n");
}

const wordsOf = (run: RunSummary): string =>
  marksOf(run)
    .map(({ word }) => word)
    .join(", ");

/** Which code ran: `Code 3f2a91c0, commit 9a5bc07, with changes`. */
function codeOf({ code, codeHash }: RunSummary): string {
  const hash = code?.hash ?? codeHash;
  if (!hash) return "Code unknown";
  const commit = code?.commit ? `, commit ${code.commit.slice(0, 7)}${code.dirty ? ", with changes" : ""}` : "";
  return `Code ${hash.slice(0, 8)}${commit}`;
}

/** The figures one looks at first. */
export const figuresText = (metrics: Metrics, paint: Paint): string =>
  [
    `${signed(metrics.totalReturn, paint)} total`,
    `${percent(metrics.annualReturn, true)} a year`,
    `Sharpe ${metric(metrics.sharpe, "ratio", null)}`,
    `max drawdown ${percent(metrics.maxDrawdown)}`,
    `buy and hold ${percent(metrics.benchmarkReturn, true)}`,
  ].join(paint("dim", " · "));

function equityText(run: Run, equity: Equity, screen: Look, height: number): string {
  const label = (value: number) => count(value);
  const lines = lineChart(
    equity.times,
    equity.values,
    { width: Math.min(screen.width, 140), height, label, baseline: Number(run.venue.startingBalance) },
    screen,
  );
  return lines.length === 0 ? "" : [screen.paint("dim", `Equity, ${run.result?.currency ?? run.currency ?? ""}`), ...lines].join("\n");
}

/** Every metric, in as many columns as there is room for. */
function metricsText(metrics: Metrics, currency: string, { paint, width }: Pick<Look, "paint" | "width">): string {
  const cells = (Object.keys(METRICS) as (keyof Metrics)[]).map((name) => {
    const { label, unit } = METRICS[name];
    return { label, value: tone(name, metrics[name], metric(metrics[name], unit, currency), paint) };
  });
  const labels = Math.max(...cells.map(({ label }) => cellsOf(label)));
  const values = Math.max(...cells.map(({ value }) => cellsOf(value)));
  const gap = 4;
  const columns = Math.max(1, Math.min(3, Math.floor((width + gap) / (labels + values + 2 + gap))));
  const rows = Math.ceil(cells.length / columns);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => cells[column * rows + row])
      .filter((cell) => cell !== undefined)
      .map(({ label, value }) => `${paint("dim", pad(label, labels))}  ${pad(value, values, "right")}`)
      .join(" ".repeat(gap)),
  ).join("\n");
}

/** What became of the orders, and why there were none if there were none. */
function outcomeText(run: Run, { paint, width }: Pick<Look, "paint" | "width">): string {
  if (!run.result) return "";
  const { outcome, warnings } = run.result;
  const parts = (["accepted", "filled", "denied", "rejected", "cancelled", "open"] as const)
    .filter((part) => outcome[part] > 0)
    .map((part) => `${count(outcome[part])} ${part}`);
  const lines = [`${count(outcome.orders)} ${outcome.orders === 1 ? "order" : "orders"}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`];
  for (const reason of outcome.reasons) lines.push(paint("yellow", `  ${count(reason.count)} ${reason.kind}: ${reason.reason}`));
  if (outcome.noTrades) {
    lines.push(paint("yellow", outcome.noTrades));
    for (const { label, value } of outcome.seen) lines.push(paint("dim", `  ${label}: ${value}`));
  }
  for (const warning of warnings) lines.push(paint("yellow", warning));
  return wrapLines(lines, width).join("\n");
}

const ADJUSTMENTS: Record<Run["adjustment"], string> = {
  none: "Prices as traded, not adjusted.",
  splits: "Prices adjusted for splits, not for dividends.",
  splitsAndDividends: "Prices adjusted for splits and dividends.",
};

/** What the figures rest on, in one or two lines. */
function basisText(run: Run, { paint, width }: Pick<Look, "paint" | "width">): string {
  const { venue, result } = run;
  const account = venue.accountType === "MARGIN" ? `Margin account, leverage ${venue.leverage}` : "Cash account";
  const text = `${ADJUSTMENTS[run.adjustment]} ${account}, ${money(Number(venue.startingBalance), result?.currency ?? run.currency, 0)}, ${feesOf(run)}. \`tino show ${shortRun(run.id)} --assumptions\` has the rest.`;
  return wrap(text, width)
    .map((line) => paint("dim", line))
    .join("\n");
}

function feesOf({ venue }: Run): string {
  if (venue.feeModel !== "makerTaker") return `fees ${venue.feeAmount} ${venue.feeModel === "fixed" ? "an order" : "a unit"}`;
  return venue.makerFee === venue.takerFee ? `fees ${feeOf(venue.takerFee)}` : `fees ${feeOf(venue.makerFee)} resting, ${feeOf(venue.takerFee)} taking`;
}

/** Each of several strategies on a line, with what it brought. */
function strategiesText(run: Run, screen: Look): string {
  const { strategies = [], currency = "" } = run.result ?? {};
  if (strategies.length < 2) return "";
  const columns: Column[] = [
    { title: "Strategy", shrinks: true },
    { title: "Profit", align: "right" },
    { title: "Return", align: "right" },
    { title: "Sharpe", align: "right" },
    { title: "Drawdown", align: "right" },
    { title: "Trades", align: "right" },
  ];
  const rows = strategies.map(({ label, metrics }) => [
    label,
    metric(metrics.netProfit, "money", currency),
    signed(metrics.totalReturn, screen.paint),
    metric(metrics.sharpe, "ratio", null),
    percent(metrics.maxDrawdown),
    count(metrics.trades),
  ]);
  return table(columns, rows, screen);
}

/** Up to four places: fees are small. */
const feeOf = (fraction: string): string => `${Number((Number(fraction) * 100).toFixed(4))} %`;

/** What the figures rest on, in words. */
function assumptionsText(run: Run, { paint, width }: Pick<Look, "paint" | "width">): string {
  const { assumptions = [] } = run.result ?? {};
  const size = Math.max(0, ...assumptions.map(({ label }) => cellsOf(label)));
  return assumptions
    .flatMap(({ label, value }) =>
      wrap(value, Math.max(20, width - size - 2)).map((line, index) => `${paint("dim", pad(index === 0 ? label : "", size))}  ${line}`),
    )
    .join("\n");
}

/** `EmaCross  ████░░░░  62 %  2,184 of 3,521 bars · 41.2 k bars/s · 0.3 s left` */
export function progressText(run: RunSummary, progress: RunProgress, { paint, unicode }: Pick<Look, "paint" | "unicode">, width: number): string {
  if (progress.phase !== "running" || progress.barsTotal === 0) return `${paint("bold", run.name)}  ${PHASES[progress.phase]}`;
  const share = progress.barsDone / progress.barsTotal;
  const facts = [`${count(progress.barsDone)} of ${count(progress.barsTotal)} bars`];
  if (progress.barsPerSecond !== null) facts.push(`${rate(progress.barsPerSecond)} bars/s`);
  if (progress.remainingMs !== null) facts.push(`${duration(progress.remainingMs)} left`);
  const figures = `${String(Math.floor(share * 100)).padStart(3)} %`;
  const room = width - cellsOf(run.name) - cellsOf(figures) - 6;
  let tail = facts.join(" · ");
  while (facts.length > 0 && cellsOf(tail) > room - 10) {
    facts.pop();
    tail = facts.join(" · ");
  }
  const size = Math.max(4, Math.min(30, room - cellsOf(tail)));
  return `${paint("bold", run.name)}  ${paint("cyan", bar(share, size, unicode))} ${figures}  ${paint("dim", tail)}`;
}

const PHASES: Record<RunProgress["phase"], string> = {
  queued: "waiting for a worker",
  preparing: "preparing",
  running: "running",
  writing: "writing the result",
};

export const dataOf = (run: RunSummary): string => {
  const [first = "", second] = run.symbols.length > 0 ? run.symbols : run.barTypes;
  return second ? `${first} and ${run.symbols.length > 0 ? run.symbols.length - 1 : run.barTypes.length - 1} more` : first;
};

export const periodOf = (run: RunSummary): string => (run.from || run.to ? `${run.from ?? "start"} to ${run.to ?? "end"}` : "all data");

export const statusWord = (run: RunSummary, paint: Paint): string => paint(STATUS_STYLE[run.status], run.status);

/** A return with its sign and colour. */
export const signed = (value: number | null, paint: Paint): string => {
  const text = percent(value, true);
  return value === null || value === 0 ? text : paint(value > 0 ? "green" : "red", text);
};

function tone(name: keyof Metrics, value: number | null, text: string, paint: Paint): string {
  const isResult = ["totalReturn", "annualReturn", "netProfit", "expectancy", "alpha", "sharpe", "sortino", "calmar"].includes(name);
  return !isResult || value === null || value === 0 ? text : paint(value > 0 ? "green" : "red", text);
}

const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
const number = (value: unknown): number | null => (value === null || value === undefined || value === "" || Number.isNaN(Number(value)) ? null : Number(value));
const side = (value: unknown, paint: Paint): string => paint(/^(BUY|LONG)$/.test(text(value)) ? "green" : "red", text(value));
const time = (value: unknown): string => (number(value) === null ? NOTHING : barTime(Number(value)));
const place = (row: Row): string => (row.path ? `${shortPath(text(row.path)).split("/").at(-1)}:${text(row.line)}` : "");

function tradesText(rows: readonly Row[], run: Run, screen: Look): string {
  const { paint } = screen;
  if (rows.length === 0) return paint("dim", "No closed trades.");
  const severalInstruments = run.symbols.length > 1;
  const columns: Column[] = [
    { title: "Opened" },
    { title: "Closed", keep: 3 },
    ...(severalInstruments ? [{ title: "Instrument" }] : []),
    { title: "Side" },
    { title: "Quantity", align: "right", keep: 4 },
    { title: "Entry", align: "right" },
    { title: "Exit", align: "right" },
    { title: "Result", align: "right" },
    { title: "Return", align: "right" },
    { title: "Fees", align: "right", keep: 1 },
    { title: "Bars", align: "right", keep: 2 },
    { title: "Code", keep: 0 },
  ];
  const cells = rows.map((row) => {
    const result = number(row.result);
    return [
      time(row.opened),
      time(row.closed),
      ...(severalInstruments ? [text(row.instrument)] : []),
      side(row.side, paint),
      text(row.quantity),
      price(number(row.entryPrice)),
      price(number(row.exitPrice)),
      result === null ? NOTHING : paint(result >= 0 ? "green" : "red", price(result)),
      signed(number(row.return), paint),
      price(number(row.fees)),
      text(row.bars),
      place(row),
    ];
  });
  return table(columns, cells, screen);
}

function ordersText(rows: readonly Row[], screen: Look): string {
  const { paint } = screen;
  if (rows.length === 0) return paint("dim", "No orders.");
  const columns: Column[] = [
    { title: "Time" },
    { title: "Instrument", keep: 4 },
    { title: "Side" },
    { title: "Type", keep: 3 },
    { title: "Quantity", align: "right" },
    { title: "Filled", align: "right", keep: 2 },
    { title: "Price", align: "right" },
    { title: "Status" },
    { title: "Reason", shrinks: true, keep: 5 },
    { title: "Code", keep: 1 },
  ];
  const cells = rows.map((row) => {
    const isRefused = /DENIED|REJECTED/.test(text(row.status));
    return [
      time(row.ts),
      text(row.instrument),
      side(row.side, paint),
      text(row.type),
      text(row.quantity),
      text(row.filled),
      price(number(row.averagePrice)),
      isRefused ? paint("yellow", text(row.status)) : text(row.status),
      text(row.reason),
      place(row),
    ];
  });
  return table(columns, cells, screen);
}

const LEVEL_STYLE: Record<string, "dim" | "yellow" | "red"> = { DEBUG: "dim", WARNING: "yellow", WARN: "yellow", ERROR: "red", CRITICAL: "red" };

function logText(rows: readonly Row[], { paint }: Look): string {
  if (rows.length === 0) return paint("dim", "The strategy logged nothing.");
  return rows
    .map((row) => {
      const level = text(row.level).toUpperCase();
      const style = LEVEL_STYLE[level];
      return `${paint("dim", time(row.ts))}  ${style ? paint(style, level.padEnd(7)) : level.padEnd(7)}  ${text(row.message)}${row.path ? paint("dim", `  ${place(row)}`) : ""}`;
    })
    .join("\n");
}

/** One line about a run for the list of events. */
export const runSentence = (run: RunSummary, paint: Paint): string =>
  `${run.name} on ${dataOf(run)} ${run.status}${run.metrics ? ` ${signed(run.metrics.totalReturn, paint)}` : run.error ? `: ${run.error.message}` : ""}`;

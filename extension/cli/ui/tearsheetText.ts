/** A tearsheet as text. */
import type { Run, Tearsheet, TradeGroup } from "#contracts";
import { count, duration, metric, money, NOTHING, percent } from "../format.ts";
import { type Column, type Screen, table } from "../output.ts";
import { bar } from "./chart.ts";
import { dataOf, periodOf } from "./runText.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const SIDES: Record<string, string> = { LONG: "Long", SHORT: "Short" };
const BAR = 20;

export function tearsheetText(run: Run, sheet: Tearsheet, screen: Look): string {
  const { paint } = screen;
  const title = (text: string, remark = "") => `${paint("bold", text)}${remark ? paint("dim", `  ${remark}`) : ""}`;
  const sections = [
    `${paint("bold", run.name)}  ${dataOf(run)}  ${paint("dim", periodOf(run))}\n${paint("dim", run.id)}`,
    sheet.years.length === 0 ? "" : `${title("Returns by month", "per cent")}\n${yearsText(sheet, screen)}`,
    sheet.drawdowns.length === 0 ? "" : `${title("Deepest drawdowns")}\n${drawdownsText(sheet, screen)}`,
    sheet.dailyReturns === 0 ? paint("yellow", "Equity fell to zero or below: no return is defined.") : distributionText(sheet, title),
    rollingText(sheet, title),
    sheet.weekdays.length === 0 ? "" : `${title("By weekday", sheet.timeZone)}\n${weekdaysText(sheet, screen)}`,
    sheet.hours.length === 0 ? "" : `${title("By hour of entry", sheet.timeZone)}\n${hoursText(sheet, screen)}`,
    sheet.trades === 0
      ? paint("dim", "No closed trades.")
      : `${title("By side and instrument")}\n${groupsText([...sheet.sides, ...sheet.instruments], sheet.currency, screen)}`,
    sheet.trades === 0 ? "" : tradesText(sheet, title),
  ];
  return sections.filter(Boolean).join("\n\n");
}

const hundredth = (value: number | null): string => (value === null ? NOTHING : (100 * value).toFixed(2));

function yearsText(sheet: Tearsheet, screen: Look): string {
  const tone = (value: number | null) => {
    const text = value === null ? "" : (100 * value).toFixed(1);
    return value === null || value === 0 ? text : screen.paint(value > 0 ? "green" : "red", text);
  };
  const columns: Column[] = [
    { title: "Year" },
    ...MONTHS.map((title): Column => ({ title, align: "right", keep: 1 })),
    { title: "Year", align: "right" },
    { title: "Buy and hold", align: "right", keep: 2 },
  ];
  return table(
    columns,
    sheet.years.map(({ year, months, total, benchmark }) => [String(year), ...months.map(tone), tone(total), tone(benchmark)]),
    screen,
  );
}

function drawdownsText(sheet: Tearsheet, screen: Look): string {
  const columns: Column[] = [
    { title: "Depth", align: "right" },
    { title: "From" },
    { title: "Trough" },
    { title: "Recovery" },
    { title: "Days", align: "right" },
  ];
  return table(
    columns,
    sheet.drawdowns.map(({ depth, peak, trough, recovery, days }) => [percent(depth), peak, trough, recovery ?? "not yet", count(days)]),
    screen,
  );
}

function distributionText({ distribution: d, dailyReturns }: Tearsheet, title: (text: string, remark: string) => string): string {
  const figures: [string, string][] = [
    ["Mean", `${hundredth(d.mean)} %`],
    ["Standard deviation", `${hundredth(d.standardDeviation)} %`],
    ["Skew", metric(d.skew, "ratio", null)],
    ["Excess kurtosis", metric(d.kurtosis, "ratio", null)],
    ["VaR 95 %", `${hundredth(d.valueAtRisk)} %`],
    ["CVaR 95 %", `${hundredth(d.conditionalValueAtRisk)} %`],
    ["Best day", `${hundredth(d.best)} %`],
    ["Worst day", `${hundredth(d.worst)} %`],
    ["Days with a gain", percent(d.positive)],
  ];
  return `${title("Daily returns", `${count(dailyReturns)} of them`)}\n${pairs(figures)}`;
}

function rollingText({ rolling: { window, sharpe, volatility } }: Tearsheet, title: (text: string, remark: string) => string): string {
  if (window === 0) return "";
  const range = (values: readonly (number | null)[], text: (value: number) => string) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? NOTHING : `${text(Math.min(...known))} to ${text(Math.max(...known))}, last ${text(known.at(-1)!)}`;
  };
  return `${title("Rolling", `over ${window} daily returns`)}\n${pairs([
    ["Sharpe", range(sharpe, (value) => value.toFixed(2))],
    ["Volatility", range(volatility, percent)],
  ])}`;
}

function weekdaysText(sheet: Tearsheet, screen: Look): string {
  const columns: Column[] = [
    { title: "Day" },
    { title: "Mean return", align: "right" },
    { title: "Trades", align: "right" },
    { title: "Win rate", align: "right" },
    { title: `Result (${sheet.currency})`, align: "right" },
  ];
  return table(
    columns,
    sheet.weekdays.map(({ weekday, meanReturn, trades, winRate, result }) => [
      WEEKDAYS[weekday] ?? "",
      meanReturn === null ? NOTHING : `${hundredth(meanReturn)} %`,
      count(trades),
      percent(winRate),
      money(result, null),
    ]),
    screen,
  );
}

function hoursText(sheet: Tearsheet, screen: Look): string {
  const most = Math.max(...sheet.hours.map(({ trades }) => trades));
  const columns: Column[] = [
    { title: "Hour" },
    { title: "Trades", align: "right" },
    { title: "Win rate", align: "right" },
    { title: `Result (${sheet.currency})`, align: "right" },
    { title: "", keep: 1 },
  ];
  return table(
    columns,
    sheet.hours.map(({ hour, trades, winRate, result }) => [
      `${String(hour).padStart(2, "0")}:00`,
      count(trades),
      percent(winRate),
      money(result, null),
      screen.paint("cyan", bar(trades / most, BAR, screen.unicode)),
    ]),
    screen,
  );
}

function groupsText(groups: readonly TradeGroup[], currency: string, screen: Look): string {
  const columns: Column[] = [
    { title: "" },
    { title: "Trades", align: "right" },
    { title: "Win rate", align: "right" },
    { title: "Profit factor", align: "right", keep: 3 },
    { title: "Expectancy", align: "right", keep: 2 },
    { title: "Fees", align: "right", keep: 1 },
    { title: `Result (${currency})`, align: "right" },
  ];
  return table(
    columns,
    groups.map(({ name, trades, winRate, profitFactor, expectancy, fees, result }) => [
      SIDES[name] ?? name,
      count(trades),
      percent(winRate),
      metric(profitFactor, "ratio", null),
      money(expectancy, null),
      money(fees, null),
      money(result, null),
    ]),
    screen,
  );
}

function tradesText({ durations: d, excursions: e }: Tearsheet, title: (text: string, remark: string) => string): string {
  const lasted = (ms: number | null) => (ms === null ? NOTHING : duration(ms));
  return `${title("A trade", "closed ones")}\n${pairs([
    ["Lasts", `${lasted(d.mean)} on average, median ${lasted(d.median)}, ${lasted(d.shortest)} to ${lasted(d.longest)}`],
    ["Winners last", lasted(d.meanWinners)],
    ["Losers last", lasted(d.meanLosers)],
    ["MAE", `winners ${percent(e.meanAdverseWinners)}, losers ${percent(e.meanAdverseLosers)}`],
    ["MFE", `winners ${percent(e.meanFavourableWinners)}, losers ${percent(e.meanFavourableLosers)}`],
  ])}`;
}

function pairs(figures: readonly [string, string][]): string {
  const size = Math.max(...figures.map(([label]) => label.length));
  return figures.map(([label, value]) => `${label.padEnd(size)}  ${value}`).join("\n");
}

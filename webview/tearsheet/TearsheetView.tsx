/** What is behind a run's metrics, as a page. It is given everything it shows, so it stands in the dashboard and in a saved file alike. */
import { type ReactNode, useMemo } from "react";
import type { Run, Tearsheet, TradeGroup } from "#contracts";
import { duration, money, NOTHING, number, percent, plain } from "../format.ts";
import { Hint } from "../parts/Hint.tsx";
import { Signed } from "../parts/Signed.tsx";
import { BarPlot, LinePlot, type PlotPoint, PointPlot } from "../plots/Plot.tsx";
import "./tearsheet.css";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/** A month of this return is as green as it gets. */
const STRONG = 0.1;

interface Props {
  readonly run: Run;
  readonly sheet: Tearsheet;
  /** Show the chart at an instant; nothing to click where there is no chart. */
  readonly onTime?: ((at: number) => void) | undefined;
  /** Show a trade, by its row in the table of trades. */
  readonly onTrade?: ((row: number) => void) | undefined;
}

const instants = (days: readonly string[]): number[] => days.map((day) => Date.parse(day));
const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);

export function TearsheetView({ run, sheet, onTime, onTrade }: Props) {
  const { curve, rolling, currency } = sheet;
  const days = useMemo(() => instants(curve.days), [curve]);
  const rollingDays = useMemo(() => instants(rolling.days), [rolling]);
  const equity = useMemo(
    () => [
      { label: "Equity", times: days, values: curve.equity, color: "var(--vscode-charts-blue)", filled: true },
      { label: "Buy and hold", times: days, values: curve.benchmark, color: "var(--muted)" },
    ],
    [days, curve],
  );
  const drawdown = useMemo(() => [{ label: "Drawdown", times: days, values: curve.drawdown, color: "var(--loss)", filled: true }], [days, curve]);
  const sharpe = useMemo(() => [{ label: "Sharpe", times: rollingDays, values: rolling.sharpe, color: "var(--vscode-charts-blue)" }], [rollingDays, rolling]);
  const volatility = useMemo(
    () => [{ label: "Volatility", times: rollingDays, values: rolling.volatility, color: "var(--vscode-charts-orange)" }],
    [rollingDays, rolling],
  );
  const whole = (value: number) => plain(value, Math.abs(value) < 100 ? 2 : 0);
  const rough = (value: number) => percent(value, Math.abs(value) < 0.1 ? 1 : 0);
  const plotted = { timeText: dayText, ...(onTime && { onPick: onTime }) };
  return (
    <div className="tearsheet">
      <Section title="Equity" remark={`${currency}, daily close, ${sheet.timeZone}`} wide>
        <LinePlot label="Equity and buy and hold" lines={equity} height={220} text={whole} base={sheet.startingEquity} {...plotted} />
      </Section>
      <Section title="Drawdown" remark="below the highest close so far" wide>
        <LinePlot label="Drawdown" lines={drawdown} height={110} text={rough} base={0} {...plotted} />
      </Section>
      {sheet.dailyReturns === 0 ? (
        <p className="tearsheet-none">Equity fell to zero or below: no return is defined, and nothing that rests on returns is shown.</p>
      ) : null}
      {sheet.years.length > 0 ? (
        <Section title="Returns by month" remark="per cent; buy and hold in the last column" wide>
          <Years sheet={sheet} onTime={onTime} />
        </Section>
      ) : null}
      {sheet.drawdowns.length > 0 ? (
        <Section title="Deepest drawdowns" remark="calendar days from the high to recovery, or to the end">
          <Drawdowns sheet={sheet} onTime={onTime} />
        </Section>
      ) : null}
      {sheet.dailyReturns > 0 ? (
        <Section title="Daily returns" remark={`${plain(sheet.dailyReturns, 0)} of them`}>
          <Distribution sheet={sheet} />
        </Section>
      ) : null}
      {rolling.window > 0 ? (
        <>
          <Section title="Rolling Sharpe" remark={`over ${rolling.window} daily returns`}>
            <LinePlot label="Rolling Sharpe" lines={sharpe} text={(value) => number(value, 1)} base={0} {...plotted} />
          </Section>
          <Section title="Rolling volatility" remark={`a year, over ${rolling.window} daily returns`}>
            <LinePlot label="Rolling volatility" lines={volatility} text={rough} base={0} {...plotted} />
          </Section>
        </>
      ) : null}
      {sheet.weekdays.length > 0 ? (
        <Section title="By weekday" remark="returns of the day; trades by the day of their entry">
          <Weekdays sheet={sheet} />
        </Section>
      ) : null}
      {sheet.hours.length > 0 ? (
        <Section title="By hour of entry" remark={`result in ${currency}, ${sheet.timeZone}`}>
          <BarPlot
            label="Result by hour of entry"
            text={whole}
            bars={sheet.hours.map(({ hour, trades, winRate, result }) => ({
              label: `${hour} h`,
              value: result,
              tone: result < 0 ? "loss" : "gain",
              title: `${hour}:00 – ${hour}:59: ${money(result, currency, true)}, ${plain(trades, 0)} trades, ${percent(winRate)} won`,
            }))}
          />
        </Section>
      ) : null}
      {sheet.trades === 0 ? (
        <p className="tearsheet-none">No trade was closed: there is nothing to say about trades.</p>
      ) : (
        <>
          <Section title="By side and instrument" remark="closed trades, after fees" wide>
            <Groups groups={[...sheet.sides, ...sheet.instruments]} currency={currency} />
          </Section>
          <Excursions run={run} sheet={sheet} onTrade={onTrade} />
          <Section title="Duration of trades" remark="from entry to exit, on the clock">
            <Durations sheet={sheet} />
          </Section>
        </>
      )}
    </div>
  );
}

function Section({ title, remark, wide = false, children }: { title: string; remark: string; wide?: boolean; children: ReactNode }) {
  return (
    <section className={wide ? "is-wide" : undefined}>
      <h3>
        {title} <small>{remark}</small>
      </h3>
      {children}
    </section>
  );
}

/** A link to a day in the chart, where there is one. */
function DayLink({ day, onTime }: { day: string; onTime: Props["onTime"] }) {
  if (!onTime) return day;
  return (
    <button type="button" className="link" title="Show it in the chart" onClick={() => onTime(Date.parse(day))}>
      {day}
    </button>
  );
}

const shadeOf = (value: number | null): { background: string } | undefined =>
  value === null || value === 0
    ? undefined
    : { background: `color-mix(in srgb, var(--${value > 0 ? "gain" : "loss"}) ${Math.round(Math.min(1, Math.abs(value) / STRONG) * 45)}%, transparent)` };

function Years({ sheet, onTime }: { sheet: Tearsheet; onTime: Props["onTime"] }) {
  const text = (value: number | null) => (value === null ? "" : number(100 * value, 1));
  return (
    <div className="tearsheet-scroll">
      <table className="sheet-table is-months">
        <thead>
          <tr>
            <th scope="col">Year</th>
            {MONTHS.map((month) => (
              <th scope="col" key={month}>
                {month}
              </th>
            ))}
            <th scope="col">Year</th>
            <th scope="col" title="Buy and hold over the same days">
              Hold
            </th>
          </tr>
        </thead>
        <tbody>
          {[...sheet.years].reverse().map(({ year, months, total, benchmark }) => (
            <tr key={year}>
              <th scope="row">{year}</th>
              {months.map((value, month) => (
                <td key={MONTHS[month]} style={shadeOf(value)} title={value === null ? undefined : `${MONTHS[month]} ${year}: ${percent(value, 2, true)}`}>
                  {onTime && value !== null ? (
                    <button type="button" onClick={() => onTime(Date.UTC(year, month, 1))} aria-label={`Show ${MONTHS[month]} ${year} in the chart`}>
                      {text(value)}
                    </button>
                  ) : (
                    text(value)
                  )}
                </td>
              ))}
              <td className="is-total">
                <Signed value={total} text={text(total)} />
              </td>
              <td className="is-total muted">{text(benchmark)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Drawdowns({ sheet, onTime }: { sheet: Tearsheet; onTime: Props["onTime"] }) {
  return (
    <div className="tearsheet-scroll">
      <table className="sheet-table">
        <thead>
          <tr>
            {["Depth", "From", "Trough", "Recovery", "Days"].map((heading) => (
              <th scope="col" key={heading}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sheet.drawdowns.map(({ depth, peak, start, trough, recovery, days }) => (
            <tr key={start}>
              <td data-tone="loss">{percent(depth, 1)}</td>
              <td>
                <DayLink day={peak} onTime={onTime} />
              </td>
              <td>
                <DayLink day={trough} onTime={onTime} />
              </td>
              <td>{recovery === null ? "not yet" : <DayLink day={recovery} onTime={onTime} />}</td>
              <td>{plain(days, 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Figures({ rows }: { rows: readonly (readonly [label: string, value: string, meaning?: string])[] }) {
  return (
    <dl className="sheet-figures">
      {rows.map(([label, value, meaning]) => (
        <div key={label}>
          <dt>{meaning ? <Hint text={meaning}>{label}</Hint> : label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Distribution({ sheet: { distribution } }: { sheet: Tearsheet }) {
  const { histogram, mean, standardDeviation, skew, kurtosis, valueAtRisk, conditionalValueAtRisk, best, worst, positive } = distribution;
  return (
    <>
      <BarPlot
        label="Histogram of daily returns"
        text={(value) => plain(value, 0)}
        bars={histogram.counts.map((count, index) => {
          const [low, high] = [histogram.edges[index]!, histogram.edges[index + 1]!];
          return {
            label: percent(low, 1),
            value: count,
            tone: low < -1e-12 ? "loss" : "gain",
            title: `${percent(low, 2)} to ${percent(high, 2)}: ${plain(count, 0)} days`,
          };
        })}
      />
      <Figures
        rows={[
          ["Mean", percent(mean, 3, true)],
          ["Standard deviation", percent(standardDeviation, 2)],
          ["Skew", number(skew, 2), "Sample skewness: above zero the larger moves are gains."],
          ["Excess kurtosis", number(kurtosis, 2), "Sample excess kurtosis: 0 for a normal distribution; the higher, the fatter the tails."],
          ["VaR 95 %", percent(valueAtRisk, 2), "Historical, one day: one day in twenty was worse than this."],
          ["CVaR 95 %", percent(conditionalValueAtRisk, 2), "Mean of the worst twentieth of days."],
          ["Best day", percent(best, 2, true)],
          ["Worst day", percent(worst, 2)],
          ["Days with a gain", percent(positive, 1)],
        ]}
      />
    </>
  );
}

function Weekdays({ sheet }: { sheet: Tearsheet }) {
  return (
    <>
      <BarPlot
        label="Mean return by weekday"
        height={110}
        text={(value) => percent(value, 2)}
        bars={sheet.weekdays.map(({ weekday, meanReturn, days }) => ({
          label: WEEKDAYS[weekday] ?? "",
          value: meanReturn ?? 0,
          tone: (meanReturn ?? 0) < 0 ? "loss" : "gain",
          title: `${WEEKDAYS[weekday]}: ${percent(meanReturn, 3, true)} on average of ${plain(days, 0)} days`,
        }))}
      />
      <div className="tearsheet-scroll">
        <table className="sheet-table">
          <thead>
            <tr>
              {["", "Mean return", "Trades", "Win rate", `Result (${sheet.currency})`].map((heading) => (
                <th scope="col" key={heading}>
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sheet.weekdays.map(({ weekday, meanReturn, trades, winRate, result }) => (
              <tr key={weekday}>
                <th scope="row">{WEEKDAYS[weekday]}</th>
                <td>
                  <Signed value={meanReturn ?? 0} text={percent(meanReturn, 3, true)} />
                </td>
                <td>{plain(trades, 0)}</td>
                <td>{percent(winRate)}</td>
                <td>
                  <Signed value={result} text={number(result, 2, true)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Groups({ groups, currency }: { groups: readonly TradeGroup[]; currency: string }) {
  return (
    <div className="tearsheet-scroll">
      <table className="sheet-table">
        <thead>
          <tr>
            {["", "Trades", "Win rate", "Profit factor", "Expectancy", "Fees", `Result (${currency})`].map((heading) => (
              <th scope="col" key={heading}>
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(({ name, trades, winRate, profitFactor, expectancy, fees, result }) => (
            <tr key={name}>
              <th scope="row">{name === "LONG" ? "Long" : name === "SHORT" ? "Short" : name}</th>
              <td>{plain(trades, 0)}</td>
              <td>{percent(winRate)}</td>
              <td>{number(profitFactor)}</td>
              <td>{number(expectancy, 2, true)}</td>
              <td>{number(fees)}</td>
              <td>
                <Signed value={result} text={number(result, 2, true)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Excursions({ run, sheet, onTrade }: { run: Run; sheet: Tearsheet; onTrade: Props["onTrade"] }) {
  const { trades, adverse, favourable, returns, ...means } = sheet.excursions;
  const all = run.metrics?.trades ?? trades.length;
  const points = (of: readonly number[], name: string): PlotPoint[] =>
    of.map((x, index) => ({
      x,
      y: returns[index]!,
      tone: returns[index]! > 0 ? "gain" : "loss",
      title: `Trade ${trades[index]! + 1}: ${name} ${percent(x, 2)}, return ${percent(returns[index], 2, true)}`,
    }));
  const pick = onTrade ? (index: number) => onTrade(trades[index]!) : undefined;
  const rough = (value: number) => percent(value, Math.abs(value) < 0.1 ? 1 : 0);
  const shown = trades.length < all ? `${plain(trades.length, 0)} of ${plain(all, 0)} trades drawn` : `${plain(trades.length, 0)} trades`;
  return (
    <>
      <Section title="Adverse excursion" remark={`return against MAE, ${shown}`}>
        <PointPlot label="Return of each trade against its maximum adverse excursion" xLabel="MAE" points={points(adverse, "MAE")} text={rough} onPick={pick} />
        <Figures
          rows={[
            ["Winners, mean", percent(means.meanAdverseWinners, 2), "How far winning trades were below their entry price at worst."],
            ["Losers, mean", percent(means.meanAdverseLosers, 2)],
          ]}
        />
      </Section>
      <Section title="Favourable excursion" remark={`return against MFE, ${shown}`}>
        <PointPlot
          label="Return of each trade against its maximum favourable excursion"
          xLabel="MFE"
          points={points(favourable, "MFE")}
          text={rough}
          onPick={pick}
        />
        <Figures
          rows={[
            ["Winners, mean", percent(means.meanFavourableWinners, 2)],
            ["Losers, mean", percent(means.meanFavourableLosers, 2), "How far losing trades were above their entry price at best."],
          ]}
        />
      </Section>
    </>
  );
}

function Durations({ sheet: { durations } }: { sheet: Tearsheet }) {
  const { histogram, mean, median, shortest, longest, meanWinners, meanLosers, meanBars } = durations;
  const lasted = (ms: number | null) => (ms === null ? NOTHING : spanText(ms));
  return (
    <>
      <BarPlot
        label="Histogram of durations"
        text={(value) => plain(value, 0)}
        bars={histogram.counts.map((count, index) => ({
          label: spanText(histogram.edges[index]!),
          value: count,
          title: `${spanText(histogram.edges[index]!)} to ${spanText(histogram.edges[index + 1]!)}: ${plain(count, 0)} trades`,
        }))}
      />
      <Figures
        rows={[
          ["Mean", lasted(mean)],
          ["Median", lasted(median)],
          ["Shortest", lasted(shortest)],
          ["Longest", lasted(longest)],
          ["Winners, mean", lasted(meanWinners)],
          ["Losers, mean", lasted(meanLosers)],
          ["Bars, mean", number(meanBars, 1)],
        ]}
      />
    </>
  );
}

const DAY_MS = 86_400_000;
/** Days beyond a day and a half, hours below. */
const spanText = (ms: number): string => (ms === 0 ? "0" : ms >= 1.5 * DAY_MS || ms % DAY_MS === 0 ? `${plain(ms / DAY_MS, 1)} d` : duration(ms));

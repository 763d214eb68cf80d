/** All figures of a run, in groups; each explains itself. */
import { METRICS, type Metrics, type Run } from "#contracts";
import { periodOf } from "../../chart/runShape.ts";
import { metric, plain, tone } from "../../format.ts";
import { Hint } from "../../parts/Hint.tsx";

const GROUPS: readonly [string, readonly (keyof Metrics)[]][] = [
  ["Return", ["totalReturn", "annualReturn", "netProfit", "finalEquity", "fees"]],
  ["Risk", ["volatility", "maxDrawdown", "maxDrawdownDays", "exposure", "turnover"]],
  ["Return for risk", ["sharpe", "sortino", "calmar"]],
  ["Against buy and hold", ["benchmarkReturn", "alpha", "beta"]],
  ["Trades", ["trades", "winRate", "profitFactor", "expectancy", "averageWin", "averageLoss", "longestLosingStreak"]],
];

/** What the headline shows, in the order in which it is asked. */
const HEADLINE: readonly (keyof Metrics)[] = ["totalReturn", "annualReturn", "sharpe", "maxDrawdown", "trades", "winRate", "profitFactor", "benchmarkReturn"];

/** What a figure means, and what it rests on in this run. */
function definition(name: keyof Metrics, run: Run): string {
  const { result } = run;
  const { definition: meaning, unit } = METRICS[name];
  if (!result) return meaning;
  const daily: ReadonlySet<keyof Metrics> = new Set(["annualReturn", "volatility", "sharpe", "sortino", "calmar", "alpha", "beta"]);
  const basis = daily.has(name) ? `${plain(result.dailyReturns, 0)} daily returns, ${result.periodsPerYear} a year` : `${plain(result.bars, 0)} bars`;
  return `${meaning}${unit === "money" ? ` In ${result.currency}.` : ""} ${periodOf(run)}, ${basis}.`;
}

function Figure({ name, run }: { name: keyof Metrics; run: Run }) {
  const value = run.metrics?.[name] ?? null;
  return (
    <Hint text={definition(name, run)} className="figure">
      <span className="figure-label">{METRICS[name].label}</span>
      <span className="figure-value" data-tone={tone(name, value) ?? undefined}>
        {metric(name, value, run.currency)}
      </span>
    </Hint>
  );
}

/** The answer in one line. */
export function Headline({ run }: { run: Run }) {
  return (
    <div className="headline">
      {HEADLINE.map((name) => (
        <Figure key={name} name={name} run={run} />
      ))}
    </div>
  );
}

export function MetricsTab({ run }: { run: Run }) {
  return (
    <div className="metrics">
      {GROUPS.map(([title, names]) => (
        <section key={title}>
          <h3>{title}</h3>
          {names.map((name) => (
            <Figure key={name} name={name} run={run} />
          ))}
        </section>
      ))}
    </div>
  );
}

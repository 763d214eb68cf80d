/** What is left of the shown run: the number of trials before it, Monte Carlo, the look-ahead check; and what its strategy was validated by. */
import { type ReactNode, useState } from "react";
import {
  type CallArgs,
  type Distribution,
  type EquityBands,
  HONESTY,
  type Honesty,
  type LookAheadResult,
  type Run,
  type Validation,
  type ValidationSummary,
} from "#contracts";
import { useCall, useTell, useTransport } from "../../engine.tsx";
import { NOTHING, number, percent, plain } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { Hint } from "../../parts/Hint.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";
import "./validation.css";

type Request = NonNullable<CallArgs<"startValidation">["body"]>["request"];

const KINDS: Record<ValidationSummary["kind"], string> = {
  walkForward: "Walk-forward",
  crossValidation: "Cross-validation",
  tradeMonteCarlo: "Monte Carlo on trades",
  barMonteCarlo: "Monte Carlo on bars",
  lookAhead: "Look-ahead check",
};
const LISTED = 200;

export function ValidationTab({ run }: { run: Run }) {
  const transport = useTransport();
  const tell = useTell();
  const [asking, setAsking] = useState(false);
  const honesty = useCall("getHonesty", { query: { run: run.id } });
  const list = useCall("listValidations", { query: { path: run.path, name: run.name, limit: LISTED } });
  const start = (request: Request) => {
    setAsking(true);
    transport
      .call("startValidation", { body: { request } })
      .then(() => list.refetch(), tell)
      .finally(() => setAsking(false));
  };
  const own = (list.data?.validations ?? []).filter((each) => each.run === run.id || (each.run === null && each.barTypes.join() === run.barTypes.join()));
  return (
    <div className="validation">
      <section aria-label="Honesty">
        {honesty.error ? <Failure error={honesty.error.body} retry={() => void honesty.refetch()} /> : null}
        {honesty.data ? <HonestyPanel honesty={honesty.data} /> : honesty.error ? null : <Skeleton label="Counting trials" lines={2} />}
      </section>
      <div className="validation-actions">
        <Button
          icon="eye"
          disabled={asking}
          onClick={() => start({ kind: "lookAhead", run: run.id })}
          title="Repeats the run on data that end earlier: it must decide alike"
        >
          Check for look-ahead
        </Button>
        <Button
          icon="graph-scatter"
          disabled={asking}
          onClick={() => start({ kind: "tradeMonteCarlo", run: run.id })}
          title="Draws its trades 2 000 times with replacement"
        >
          Monte Carlo on trades
        </Button>
        <Button
          icon="graph"
          disabled={asking}
          onClick={() => start({ kind: "barMonteCarlo", run: run.id })}
          title="Runs the strategy on 100 series of bars put together anew from blocks"
        >
          Monte Carlo on bars
        </Button>
      </div>
      {list.error ? <Failure error={list.error.body} retry={() => void list.refetch()} /> : null}
      {own.length === 0 && list.data ? (
        <p className="validation-none">
          Nothing was validated yet. Walk-forward and cross-validation start in a terminal: <code>tino walk-forward {run.path.split(/[\\/]/).pop()}</code>
        </p>
      ) : null}
      {own.map((summary, row) => (
        <Entry key={summary.id} summary={summary} open={row === 0} />
      ))}
    </div>
  );
}

function HonestyPanel({ honesty }: { honesty: Honesty }) {
  const figures: [keyof typeof HONESTY, string][] = [
    ["trials", plain(honesty.trials, 0)],
    ["deflated", percent(honesty.deflated)],
    ["probabilistic", percent(honesty.probabilistic)],
    ["expectedMaximum", number(honesty.expectedMaximum)],
    ["minimumTrackRecord", honesty.minimumTrackRecord === null ? NOTHING : `${plain(Math.ceil(honesty.minimumTrackRecord), 0)} days`],
  ];
  return (
    <>
      <p className="validation-verdict" data-verdict={honesty.verdict}>
        {honesty.sentence}
      </p>
      <div className="headline">
        {figures.map(([name, value]) => (
          <Hint key={name} text={HONESTY[name].definition} className="figure">
            <span className="figure-label">{HONESTY[name].label}</span>
            <span className="figure-value">{value}</span>
          </Hint>
        ))}
      </div>
    </>
  );
}

/** One validation: its sentence, and what is behind it when it is opened. */
function Entry({ summary, open }: { summary: ValidationSummary; open: boolean }) {
  const transport = useTransport();
  const tell = useTell();
  const [shown, setShown] = useState(open);
  const { data, error, refetch } = useCall("getValidation", { path: { id: summary.id } }, { enabled: shown && summary.status === "finished" });
  const { progress } = summary;
  return (
    <details className="validation-entry" open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <strong>{KINDS[summary.kind]}</strong>
        <span className="validation-sentence">
          {progress ? (
            <>
              <Icon name="sync" spin /> {progress.doing}
              {progress.total ? `: ${plain(progress.done, 0)} of ${plain(progress.total, 0)}` : ""}
            </>
          ) : (
            (summary.sentence ?? summary.error?.message ?? summary.status)
          )}
        </span>
        {progress ? (
          <Button look="link" onClick={() => transport.call("cancelValidation", { path: { id: summary.id } }).catch(tell)}>
            Cancel
          </Button>
        ) : null}
      </summary>
      {summary.error ? <Failure error={summary.error} /> : null}
      {error ? <Failure error={error.body} retry={() => void refetch()} /> : null}
      {shown && summary.status === "finished" && !data && !error ? <Skeleton label="Loading the result" lines={4} /> : null}
      {data ? <Result validation={data} /> : null}
    </details>
  );
}

function Result({ validation: { result } }: { validation: Validation }) {
  switch (result?.kind) {
    case "tradeMonteCarlo":
      return (
        <Paths
          equity={result.equity}
          unit="trade"
          rows={[
            ["Total return", result.totalReturn, percentOf],
            ["Max drawdown", result.maxDrawdown, percentOf],
          ]}
          ruined={result.ruined}
          notes={result.statements}
        />
      );
    case "barMonteCarlo":
      return (
        <Paths
          equity={result.equity}
          unit="day"
          rows={[
            ["Total return", result.totalReturn, percentOf],
            ["Max drawdown", result.maxDrawdown, percentOf],
            ...(result.sharpe ? [["Sharpe", result.sharpe, numberOf] as const] : []),
          ]}
          ruined={result.ruined}
          notes={result.statements}
        />
      );
    case "lookAhead":
      return <Cuts result={result} />;
    case "walkForward":
      return (
        <>
          <Lines
            label="Equity out of sample, as a multiple of its start"
            lines={[{ values: result.equity.values, look: "actual" }]}
            from={result.equity.days[0]}
            to={result.equity.days.at(-1)}
          />
          <Table
            head={["Training", "Test", "Chosen", "A year in", "A year out", "Sharpe in", "Sharpe out", "Drawdown out"]}
            rows={result.windows.map((window) => [
              `${window.trainFrom} – ${window.trainTo}`,
              `${window.testFrom} – ${window.testTo}`,
              window.parameters ? textOf(window.parameters) : (window.error?.message ?? NOTHING),
              percent(window.train?.annualReturn),
              percent(window.test?.annualReturn),
              number(window.train?.sharpe),
              number(window.test?.sharpe),
              percent(window.test?.maxDrawdown),
            ])}
            words={3}
          />
          <Notes texts={result.statements} />
        </>
      );
    case "crossValidation":
      return (
        <>
          <Lines
            label="Lowest, median and highest equity of the paths"
            lines={result.bands.map(({ values }, row) => ({ values, look: row === 1 ? "actual" : "edge" }))}
            from={result.bands[0]?.days[0]}
            to={result.bands[0]?.days.at(-1)}
          />
          <Table
            head={["Path", "A year", "Sharpe", "Max drawdown"]}
            rows={result.paths.map((path, row) => [String(row + 1), percent(path.annualReturn), number(path.sharpe), percent(path.maxDrawdown)])}
            words={1}
          />
          <Notes texts={result.statements} />
        </>
      );
    default:
      return null;
  }
}

const percentOf = (value: number | null) => percent(value);
const numberOf = (value: number | null) => number(value);
const textOf = (parameters: Record<string, unknown>) =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

interface PathsProps {
  readonly equity: EquityBands;
  readonly unit: string;
  readonly rows: readonly (readonly [string, Distribution, (value: number | null) => string])[];
  readonly ruined: number;
  readonly notes: readonly string[];
}

function Paths({ equity, unit, rows, ruined, notes }: PathsProps) {
  const last = equity.steps.at(-1) ?? 0;
  return (
    <>
      <Lines
        label={`Equity as a multiple of its start: bands of 5 to 95 and 25 to 75 per cent, the median, and what really happened; ${plain(last, 0)} ${unit}s`}
        areas={[
          [equity.bands[0]!, equity.bands[4]!],
          [equity.bands[1]!, equity.bands[3]!],
        ]}
        lines={[
          { values: equity.bands[2]!, look: "median" },
          { values: equity.actual, look: "actual" },
        ]}
        from={equity.days?.[0] ?? `${unit} 0`}
        to={equity.days?.at(-1) ?? `${unit} ${last}`}
      />
      <Table
        head={["", "5 %", "25 %", "50 %", "75 %", "95 %", "Actual", "Paths below"]}
        rows={[
          ...rows.map(([label, { percentiles, actual, rank }, show]) => [label, ...percentiles.map(show), show(actual), percent(rank)]),
          ["Risk of ruin", "", "", percent(ruined), "", "", "", ""],
        ]}
        words={1}
      />
      <Notes texts={notes} />
    </>
  );
}

function Cuts({ result }: { result: LookAheadResult }) {
  return (
    <>
      <Table
        head={["Data end", "Decisions", "", "With what follows", "Without it"]}
        rows={result.cuts.map(({ day, decisions, difference }) => [
          day,
          plain(decisions, 0),
          difference ? `differs on ${difference.day}${difference.line ? `, line ${difference.line}` : ""}` : "alike",
          difference ? (difference.whole ?? "nothing") : "",
          difference ? (difference.cut ?? "nothing") : "",
        ])}
        words={5}
      />
      <Notes texts={result.files.map(({ path, cut, reason }) => (cut ? `${path} was cut too.` : `${path} was not cut: ${reason}.`))} />
    </>
  );
}

const WIDTH = 600;
const HEIGHT = 160;

interface LinesProps {
  readonly label: string;
  readonly lines: readonly { readonly values: readonly number[]; readonly look: "actual" | "median" | "edge" }[];
  readonly areas?: readonly (readonly [readonly number[], readonly number[]])[];
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Curves over equal steps, the scale logarithmic where everything is above zero, with its ends in figures. */
function Lines({ label, lines, areas = [], from, to }: LinesProps) {
  const all = [...lines.map(({ values }) => values), ...areas.flat()].flat();
  if (all.length === 0) return null;
  const log = all.every((value) => value > 0);
  const scale = (value: number) => (log ? Math.log(value) : value);
  const low = all.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = all.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const span = scale(high) - scale(low) || 1;
  const point = (value: number, index: number, count: number) =>
    `${((index / Math.max(1, count - 1)) * WIDTH).toFixed(1)},${(HEIGHT - ((scale(value) - scale(low)) / span) * HEIGHT).toFixed(1)}`;
  const path = (values: readonly number[]) => values.map((value, index) => point(value, index, values.length)).join(" ");
  const area = (under: readonly number[], over: readonly number[]) =>
    `${path(over)} ${[...under.keys()]
      .reverse()
      .map((index) => point(under[index]!, index, under.length))
      .join(" ")}`;
  return (
    <figure className="validation-chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {areas.map(([under, over], row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they never change places.
          <polygon key={row} points={area(under, over)} />
        ))}
        {lines.map(({ values, look }, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they never change places.
          <polyline key={row} data-look={look} points={path(values)} />
        ))}
      </svg>
      <figcaption>
        <span>{from}</span>
        <span>
          {label}; {number(low)} to {number(high)}
          {log ? ", logarithmic" : ""}
        </span>
        <span>{to}</span>
      </figcaption>
    </figure>
  );
}

/** A plain table; the first `words` columns are text, the others figures. */
function Table({ head, rows, words }: { head: readonly string[]; rows: readonly (readonly string[])[]; words: number }) {
  const cells = (texts: readonly string[], make: (text: string, className: string | undefined, column: number) => ReactNode) =>
    texts.map((text, column) => make(text, column < words ? undefined : "is-figure", column));
  return (
    <div className="validation-scroll">
      <table className="validation-table">
        <thead>
          <tr>
            {cells(head, (text, className, column) => (
              <th key={column} scope="col" className={className}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a result never changes.
            <tr key={index}>
              {cells(row, (text, className, column) => (
                <td key={column} className={className}>
                  {text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Notes({ texts }: { texts: readonly string[] }) {
  if (texts.length === 0) return null;
  return (
    <ul className="validation-notes">
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

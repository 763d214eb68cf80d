/** Which run is better, and why: curves on one axis, figures with differences, what was asked, what it rests on, the code. */
import { useMemo, useRef, useState } from "react";
import { type Comparison, METRICS, type Metrics, type PageState, type RunSummary } from "#contracts";
import { useAct, useCall, useTell, useTransport } from "../../engine.tsx";
import { metric, NOTHING, number, percent, plain } from "../../format.ts";
import { Button, ToolButton } from "../../parts/Button.tsx";
import { Hint } from "../../parts/Hint.tsx";
import { Banner, Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { CodeDiff } from "./CodeDiff.tsx";
import { Curves } from "./Curves.tsx";
import { savePlot } from "./savePlot.ts";
import "./compare.css";

/** Told apart by colour and by letter. */
const COLORS = ["blue", "orange", "green", "purple", "yellow", "red"].map((name) => `var(--vscode-charts-${name})`);
const colorOf = (index: number): string => COLORS[index % COLORS.length]!;
const letterOf = (index: number): string => String.fromCharCode(65 + index);

interface Props {
  readonly state: PageState;
  readonly open: (state: PageState) => void;
  readonly amend: (state: PageState) => void;
}

export function Compare({ state, open, amend }: Props) {
  const runs = state.runs ?? [];
  const { data, error, refetch } = useCall("compareRuns", { body: { runs } }, { enabled: runs.length >= 2 });
  const toRuns = () => open({ page: "runs", run: null, path: null, name: null });
  if (runs.length < 2) {
    return (
      <Empty
        icon="git-compare"
        title="Choose two or more runs"
        actions={
          <Button look="primary" icon="history" onClick={toRuns}>
            Choose runs
          </Button>
        }
      >
        Mark them in the list of runs and press Compare: curves, figures, parameters and code are then shown side by side.
      </Empty>
    );
  }
  if (error) return <Failure error={error.body} retry={() => void refetch()} />;
  if (!data) return <Skeleton label="Comparing" lines={12} />;
  return <Shown comparison={data} open={open} reorder={(ids) => amend({ ...state, runs: ids })} />;
}

function Shown({ comparison, open, reorder }: { comparison: Comparison; open: Props["open"]; reorder: (ids: string[]) => void }) {
  const { runs, remarks, startingEquity } = comparison;
  const transport = useTransport();
  const act = useAct();
  const tell = useTell();
  const chart = useRef<HTMLDivElement>(null);
  const named = useMemo(
    () => runs.map((run, index) => ({ run, letter: letterOf(index), color: colorOf(index), start: startingEquity[index] ?? null })),
    [runs, startingEquity],
  );
  const ids = runs.map(({ id }) => id);
  const save = () => {
    const plots = [...(chart.current?.querySelectorAll("svg") ?? [])];
    savePlot(
      plots,
      named.map(({ letter, color, run }) => ({ color, label: `${letter} ${run.name} ${run.id.slice(-8)}` })),
    ).then((bytes) => act({ type: "saveFile", name: `compare-${ids.map((id) => id.slice(-8)).join("-")}.png`, bytes }), tell);
  };
  return (
    <main className="compare">
      {remarks.length > 0 ? (
        <Banner tone="info" icon="info">
          {remarks.join(" ")}
        </Banner>
      ) : null}
      <ul className="compare-runs" aria-label="Runs">
        {named.map(({ run, letter, color }, index) => (
          <li key={run.id}>
            <i style={{ background: color }} aria-hidden="true" />
            <strong>{letter}</strong>
            <button
              type="button"
              className="link"
              title={`${run.path}\n${run.id}`}
              onClick={() => open({ page: "backtest", run: run.id, path: run.path, name: run.name })}
            >
              {run.name} on {run.symbols.join(", ")}
            </button>
            <span className="muted">{differing(comparison, index) || run.id.slice(-8)}</span>
            {index === 0 ? (
              <span className="badge">Held against</span>
            ) : (
              <ToolButton icon="arrow-up" label="Hold the others against this run" onClick={() => reorder([run.id, ...ids.filter((id) => id !== run.id)])} />
            )}
            {ids.length > 2 ? <ToolButton icon="close" label="Leave this run out" onClick={() => reorder(ids.filter((id) => id !== run.id))} /> : null}
          </li>
        ))}
        <li>
          <ToolButton icon="file-media" label="Save the curves as PNG" onClick={save} />
        </li>
      </ul>
      <div ref={chart}>
        <Curves runs={named} />
      </div>
      <section>
        <h3>Figures</h3>
        <MetricTable comparison={comparison} />
      </section>
      <Values
        title="Parameters"
        rows={comparison.parameters.map(({ name, values, differs }) => ({
          name,
          differs,
          values: values.map((value) => (value === null ? null : Array.isArray(value) ? value.join(", ") : String(value))),
        }))}
        runs={runs}
      />
      <Values title="Assumptions" rows={comparison.assumptions.map(({ label, values, differs }) => ({ name: label, values, differs }))} runs={runs} />
      <CodeDiff runs={runs} sameCode={comparison.sameCode} letterOf={letterOf} canOpen={transport.host === "editor"} />
    </main>
  );
}

/** What this run was asked that the others were not. */
function differing({ parameters, runs }: Comparison, index: number): string {
  const own = parameters.filter(({ differs }) => differs).map(({ name, values }) => `${name} ${values[index] ?? NOTHING}`);
  const { from, to } = runs[index]!;
  const ranges = new Set(runs.map((run) => `${run.from} ${run.to}`));
  return [...own, ...(ranges.size > 1 ? [from === null && to === null ? "all data" : `${from ?? "start"} – ${to ?? "end"}`] : [])].join(", ");
}

function MetricTable({ comparison: { runs, metrics } }: { comparison: Comparison }) {
  const currency = new Set(runs.map((run) => run.currency)).size === 1 ? (runs[0]?.currency ?? null) : null;
  return (
    <div className="compare-scroll">
      <table className="compare-table">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            {runs.map((run, index) => (
              <th scope="col" key={run.id} colSpan={index === 0 ? 1 : 2}>
                <i style={{ background: colorOf(index) }} aria-hidden="true" /> {letterOf(index)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {metrics.map(({ name, values, differences }) => {
            const key = name as keyof Metrics;
            const best = bestOf(key, values);
            return (
              <tr key={name}>
                <th scope="row">
                  <Hint text={METRICS[key].definition}>{METRICS[key].label}</Hint>
                </th>
                {values.flatMap((value, index) => [
                  <td key={runs[index]!.id} className={best !== null && value === best ? "is-best" : undefined}>
                    {metric(key, value, currency)}
                  </td>,
                  ...(index === 0
                    ? []
                    : [
                        <td key={`${runs[index]!.id} difference`} className="is-difference" data-tone={toneOf(key, differences[index] ?? null)}>
                          {differenceText(key, differences[index] ?? null)}
                        </td>,
                      ]),
                ])}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The best value, where one is best and not all are the same. */
function bestOf(name: keyof Metrics, values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  const { better } = METRICS[name];
  if (better === "none" || known.length < 2 || known.every((value) => value === known[0])) return null;
  return better === "higher" ? Math.max(...known) : Math.min(...known);
}

function toneOf(name: keyof Metrics, difference: number | null): "gain" | "loss" | undefined {
  const { better } = METRICS[name];
  if (difference === null || better === "none" || !/[1-9]/.test(differenceText(name, difference))) return undefined;
  return difference > 0 === (better === "higher") ? "gain" : "loss";
}

function differenceText(name: keyof Metrics, difference: number | null): string {
  if (difference === null) return NOTHING;
  switch (METRICS[name].unit) {
    case "percent":
      return percent(difference, 1, true);
    case "count":
    case "days":
      return `${difference > 0 ? "+" : ""}${plain(difference, 0)}`;
    default:
      return number(difference, 2, true);
  }
}

interface Row {
  readonly name: string;
  readonly values: readonly (string | null)[];
  readonly differs: boolean;
}

/** What differs; the rest on demand. */
function Values({ title, rows, runs }: { title: string; rows: readonly Row[]; runs: readonly RunSummary[] }) {
  const [all, setAll] = useState(false);
  const same = rows.filter(({ differs }) => !differs).length;
  const shown = all ? rows : rows.filter(({ differs }) => differs);
  if (rows.length === 0) return null;
  return (
    <section>
      <h3>
        {title}{" "}
        {same > 0 ? (
          <button type="button" className="link" onClick={() => setAll(!all)}>
            {all ? "Show what differs" : shown.length === 0 ? `All ${plain(same)} are the same; show them` : `${plain(same)} more are the same; show them`}
          </button>
        ) : null}
      </h3>
      {shown.length > 0 ? (
        <div className="compare-scroll">
          <table className="compare-table is-text">
            <thead>
              <tr>
                <th scope="col">{title}</th>
                {runs.map((run, index) => (
                  <th scope="col" key={run.id}>
                    <i style={{ background: colorOf(index) }} aria-hidden="true" /> {letterOf(index)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ name, values, differs }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {values.map((value, index) => (
                    <td key={runs[index]!.id} className={differs && value !== values[0] ? "is-other" : undefined}>
                      {value ?? NOTHING}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </section>
  );
}

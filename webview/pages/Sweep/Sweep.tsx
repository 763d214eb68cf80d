/** Where is a robust region? The map, the best point and the stable one beside it, every point in a table; or the form of a new sweep. */
import { useCallback, useMemo, useState } from "react";
import { METRICS, type PageState, type SweepPoint, type Sweep as SweepShape } from "#contracts";
import { useAct, useCall, useTell, useTransport } from "../../engine.tsx";
import { ago, duration, metric, NOTHING } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { type Column, DataTable } from "../../parts/DataTable.tsx";
import { Sparkline } from "../../parts/Sparkline.tsx";
import { Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { useNow } from "../../parts/useNow.ts";
import { HeatMap } from "./HeatMap.tsx";
import { SweepForm } from "./SweepForm.tsx";
import "./sweep.css";
import { useSweep } from "./useSweep.ts";

interface Props {
  readonly state: PageState;
  readonly amend: (state: PageState) => void;
}

const WORDS: Readonly<Record<SweepShape["status"], string>> = {
  queued: "Waiting for another sweep",
  running: "Running",
  finished: "Finished",
  stopped: "Stopped",
  interrupted: "Interrupted",
  failed: "Failed",
};
const FIGURES = ["sharpe", "totalReturn", "maxDrawdown", "trades", "profitFactor"] as const;

export function Sweep({ state, amend }: Props) {
  const show = useCallback((sweep: string | null) => amend({ ...state, sweep }), [state, amend]);
  return (
    <div className="sweep">
      <aside className="sweep-side">
        <SweepForm path={state.path} name={state.name} onStrategy={({ path, name }) => amend({ ...state, path, name })} onStarted={({ id }) => show(id)} />
      </aside>
      <main className="sweep-main">{state.sweep ? <Shown key={state.sweep} id={state.sweep} back={() => show(null)} /> : <List open={show} />}</main>
    </div>
  );
}

function List({ open }: { open: (id: string) => void }) {
  const list = useCall("listSweeps", { query: { limit: 200 } }, { staleTime: 0 });
  const now = useNow();
  const columns = useMemo<Column<SweepShape>[]>(
    () => [
      { id: "created", heading: "When", width: 104, value: (sweep) => sweep.createdAt, cell: (sweep) => ago(sweep.createdAt, now) },
      { id: "name", heading: "Strategy", width: 150, value: (sweep) => sweep.name },
      { id: "symbols", heading: "Symbols", width: 110, value: (sweep) => sweep.symbols.join(", ") },
      { id: "status", heading: "State", width: 96, value: (sweep) => WORDS[sweep.status] },
      { id: "points", heading: "Points", width: 76, figure: true, value: (sweep) => sweep.progress.done },
      { id: "best", heading: "Best", value: (sweep) => sweep.best[0]?.values[0] ?? null, cell: (sweep) => bestWords(sweep) },
    ],
    [now],
  );
  if (list.isPending) return <Skeleton label="Loading sweeps" />;
  if (list.error) return <Failure error={list.error.body} retry={() => void list.refetch()} />;
  if (list.data.sweeps.length === 0)
    return (
      <Empty icon="graph-scatter" title="No sweeps yet">
        Choose a strategy and which of its parameters to try. The map shows where it does well, and whether its neighbours do too.
      </Empty>
    );
  return (
    <DataTable
      label="Sweeps"
      columns={columns}
      rows={list.data.sweeps}
      keyOf={({ id }) => id}
      onOpen={({ id }) => open(id)}
      onSelect={() => undefined}
      sorted={{ id: "created", descending: true }}
    />
  );
}

function Shown({ id, back }: { id: string; back: () => void }) {
  const transport = useTransport();
  const tell = useTell();
  const act = useAct();
  const { sweep, points, failed } = useSweep(id);
  const [selected, setSelected] = useState<number | null>(null);
  const doing = (call: "stopSweep" | "resumeSweep") => transport.call(call, { path: { id } }).catch(tell);
  /** Run a point as a backtest of its own: its page shows the result, and the form has its parameters. */
  const openRun = useCallback(
    async (point: SweepPoint) => {
      if (!sweep) return;
      const { backtest } = sweep.request;
      try {
        const run = await transport.call("startBacktest", { body: { ...backtest, parameters: { ...backtest.parameters, ...point.parameters } } });
        act({ type: "openPage", state: { page: "backtest", run: run.id, path: sweep.path, name: sweep.name } });
      } catch (error) {
        tell(error);
      }
    },
    [sweep, transport, act, tell],
  );
  const columns = useMemo(() => (sweep ? columnsOf(sweep) : []), [sweep]);
  if (failed) return <Failure error={failed.body} retry={back} />;
  if (!sweep) return <Skeleton label="Loading the sweep" lines={8} />;
  const active = sweep.status === "running" || sweep.status === "queued";
  const { progress } = sweep;
  const point = points.find(({ number }) => number === selected) ?? null;
  const [best] = sweep.best;
  return (
    <>
      <div className="sweep-head">
        <Button icon="arrow-left" onClick={back}>
          All sweeps
        </Button>
        <strong>
          {sweep.name} on {sweep.symbols.join(", ")}
        </strong>
        <span data-status={sweep.status}>{WORDS[sweep.status]}</span>
        <span className="sweep-facts">
          {progress.done.toLocaleString("en")}
          {progress.total === null ? "" : ` of ${progress.total.toLocaleString("en")}`} points
          {progress.cached ? ` · ${progress.cached} known before` : ""}
          {progress.pruned ? ` · ${progress.pruned} pruned` : ""}
          {progress.failed ? ` · ${progress.failed} failed` : ""} · {duration(sweep.elapsedMs)}
          {active && progress.remainingMs !== null ? ` · ${duration(progress.remainingMs)} left` : ""}
        </span>
        {active ? (
          <Button icon="debug-stop" onClick={() => void doing("stopSweep")}>
            Stop
          </Button>
        ) : sweep.status !== "finished" ? (
          <Button icon="debug-continue" onClick={() => void doing("resumeSweep")}>
            Resume
          </Button>
        ) : null}
      </div>
      {active && progress.total ? <progress className="sweep-progress" max={progress.total} value={progress.done} aria-label="Points tried" /> : null}
      {sweep.error && !active ? <Failure error={sweep.error} /> : null}
      <div className="sweep-picks">
        {best ? (
          <Pick
            label={sweep.best.length > 1 ? `Best by ${METRICS[sweep.objectives[0]!.metric].label}, of ${sweep.best.length} on the front` : "Best"}
            sweep={sweep}
            point={best}
            open={openRun}
            select={setSelected}
          />
        ) : null}
        {sweep.stable ? (
          <Pick
            label="Stable"
            title="The greatest mean over itself and its neighbours: good all around, not in one place."
            sweep={sweep}
            point={sweep.stable}
            note={
              sweep.plateau
                ? `${metric(sweep.objectives[0]!.metric, sweep.plateau.mean, sweep.currency)} on average with ${sweep.plateau.neighbours.length} neighbours`
                : ""
            }
            open={openRun}
            select={setSelected}
          />
        ) : null}
        {point && point.number !== best?.number && point.number !== sweep.stable?.number ? (
          <Pick label="Chosen" sweep={sweep} point={point} open={openRun} select={setSelected} />
        ) : null}
      </div>
      {points.length > 0 ? (
        <HeatMap sweep={sweep} points={points} selected={selected} onSelect={({ number }) => setSelected(number)} />
      ) : active ? (
        <Skeleton label="Waiting for the first point" lines={5} />
      ) : null}
      <DataTable
        label="Points"
        columns={columns}
        rows={points}
        keyOf={({ number }) => number}
        selected={selected}
        onSelect={({ number }) => setSelected(number)}
        onOpen={(each) => void openRun(each)}
        sorted={{ id: "objective0", descending: sweep.objectives[0]?.direction !== "minimize" }}
        toneOf={({ status }) => (status === "finished" ? null : "muted")}
      />
    </>
  );
}

interface PickProps {
  readonly label: string;
  readonly title?: string;
  readonly sweep: SweepShape;
  readonly point: SweepPoint;
  readonly note?: string;
  readonly open: (point: SweepPoint) => Promise<void>;
  readonly select: (number: number) => void;
}

function Pick({ label, title, sweep, point, note, open, select }: PickProps) {
  const parameters = Object.entries(point.parameters)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  return (
    <article className="sweep-pick" title={title}>
      <h3>{label}</h3>
      <button type="button" className="link" onClick={() => select(point.number)}>
        {parameters}
      </button>
      <p>
        {sweep.objectives.map(({ metric: name }, index) => `${METRICS[name].label} ${metric(name, point.values[index] ?? null, sweep.currency)}`).join(" · ")}
        {note ? ` · ${note}` : ""}
      </p>
      {point.error ? <p className="field-error">{point.error.message}</p> : null}
      <Button icon="play" onClick={() => void open(point)}>
        Run as a backtest
      </Button>
    </article>
  );
}

function columnsOf(sweep: SweepShape): Column<SweepPoint>[] {
  const figures = FIGURES.filter((name) => !sweep.objectives.some(({ metric: own }) => own === name));
  return [
    {
      id: "mark",
      heading: "",
      width: 64,
      value: ({ number, status }) =>
        sweep.best.some((best) => best.number === number) ? "best" : sweep.stable?.number === number ? "stable" : status === "finished" ? null : status,
    },
    ...sweep.dimensions.map(
      ({ name }): Column<SweepPoint> => ({
        id: `p ${name}`,
        heading: name,
        width: 84,
        figure: true,
        value: ({ parameters }) => sortable(parameters[name]),
        cell: ({ parameters }) => String(parameters[name] ?? NOTHING),
      }),
    ),
    ...sweep.objectives.map(
      ({ metric: name }, index): Column<SweepPoint> => ({
        id: `objective${index}`,
        heading: METRICS[name].label,
        title: METRICS[name].definition,
        width: 122,
        figure: true,
        value: ({ values, status }) => (status === "finished" ? (values[index] ?? null) : null),
        cell: ({ values }) => metric(name, values[index] ?? null, sweep.currency),
      }),
    ),
    ...figures.map(
      (name): Column<SweepPoint> => ({
        id: name,
        heading: METRICS[name].label,
        title: METRICS[name].definition,
        width: 122,
        figure: true,
        value: ({ metrics }) => metrics?.[name] ?? null,
        cell: ({ metrics }) => metric(name, metrics?.[name] ?? null, sweep.currency),
      }),
    ),
    {
      id: "equity",
      heading: "Equity",
      sortable: false,
      value: () => null,
      cell: ({ sparkline, error }) => (error ? <span title={error.hint}>{error.message}</span> : <Sparkline points={sparkline} />),
    },
  ];
}

const sortable = (value: SweepPoint["parameters"][string] | undefined): number | string | null => {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return value;
  const number = Number(value);
  return typeof value === "string" && value.trim() !== "" && Number.isFinite(number) ? number : String(value);
};

function bestWords(sweep: SweepShape): string {
  const [best] = sweep.best;
  const [objective] = sweep.objectives;
  if (!best || !objective) return NOTHING;
  const at = Object.entries(best.parameters)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
  return `${METRICS[objective.metric].label} ${metric(objective.metric, best.values[0] ?? null, sweep.currency)} at ${at}`;
}

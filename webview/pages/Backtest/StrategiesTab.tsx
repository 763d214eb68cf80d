/** Each of several strategies of a run: what it brought over time, and its figures beside the others'. */
import { useMemo } from "react";
import { METRICS, type Metrics, type Run } from "#contracts";
import { Columns } from "../../chart/columns.ts";
import { useCall } from "../../engine.tsx";
import { compact, metric } from "../../format.ts";
import { Failure, Skeleton } from "../../parts/states.tsx";
import { LinePlot, type PlotLine } from "../../plots/Plot.tsx";

/** About two for each pixel of a wide screen: the lowest and the highest of its stretch. */
const POINTS = 2_500;
const COLORS = ["blue", "orange", "green", "purple", "red", "yellow"].map((name) => `var(--vscode-charts-${name})`);

const SHOWN: readonly (keyof Metrics)[] = ["netProfit", "totalReturn", "sharpe", "maxDrawdown", "exposure", "trades", "winRate", "profitFactor", "fees"];

export function StrategiesTab({ run }: { run: Run }) {
  const { strategies, metrics, currency } = run.result!;
  const rows = [
    ...strategies.map((one) => ({ label: one.label, metrics: one.metrics, remark: one.outcome.noTrades })),
    { label: "Together", metrics, remark: null },
  ];
  return (
    <div className="strategies-tab">
      <Profits run={run} />
      <table>
        <thead>
          <tr>
            <th scope="col">Strategy</th>
            {SHOWN.map((name) => (
              <th key={name} scope="col" className="figure" title={METRICS[name].definition}>
                {METRICS[name].label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={row.label}>
              <th scope="row">
                {place < strategies.length ? <i style={{ background: COLORS[place % COLORS.length] }} /> : null}
                {row.label}
                {row.remark ? <p className="muted">{row.remark}</p> : null}
              </th>
              {SHOWN.map((name) => (
                <td key={name} className="figure">
                  {metric(name, row.metrics[name], currency)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="muted">
        Figures of one strategy are those of an account with the run's whole starting balance that only it traded. Profits add up, ratios do not.
      </p>
    </div>
  );
}

/** Profit of each strategy over time, on one axis. */
function Profits({ run }: { run: Run }) {
  const { currency, instruments } = run.result!;
  const info = run.result!.series.find(({ kind }) => kind === "strategies");
  const { data, error, refetch } = useCall(
    "getSeries",
    { path: { id: run.id, series: info?.id ?? "strategies" }, query: { points: POINTS } },
    { enabled: info !== undefined, staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false },
  );
  const lines = useMemo<PlotLine[]>(() => {
    if (!data || !info) return [];
    const table = new Columns(data);
    const times = table.number("ts");
    return info.drawings.map(({ column, label }, place) => ({ label, times, values: table.number(column), color: COLORS[place % COLORS.length]! }));
  }, [data, info]);
  const zone = instruments[0]?.timeZone ?? "UTC";
  const day = useMemo(() => new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }), [zone]);
  if (!info) return null;
  if (error) return <Failure error={error.body} retry={() => void refetch()} />;
  if (!data) return <Skeleton label="Loading the strategies' profits" lines={5} />;
  return (
    <figure>
      <figcaption className="muted">Profit of each strategy, {currency}</figcaption>
      <LinePlot label="Profit of each strategy" lines={lines} height={180} base={0} text={compact} timeText={(at) => day.format(at)} />
    </figure>
  );
}

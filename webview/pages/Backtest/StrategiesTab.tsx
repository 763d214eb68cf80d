/** Each of several strategies of a run: what it brought over time, and its figures beside the others'. */
import { METRICS, type Metrics, type Run } from "#contracts";
import { metric } from "../../format.ts";

const SHOWN: readonly (keyof Metrics)[] = ["netProfit", "totalReturn", "sharpe", "maxDrawdown", "exposure", "trades", "winRate", "profitFactor", "fees"];

export function StrategiesTab({ run }: { run: Run }) {
  const { strategies, metrics, currency } = run.result!;
  const rows = [
    ...strategies.map((one) => ({ label: one.label, metrics: one.metrics, remark: one.outcome.noTrades })),
    { label: "Together", metrics, remark: null },
  ];
  return (
    <div className="strategies-tab">
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
          {rows.map((row) => (
            <tr key={row.label}>
              <th scope="row">
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

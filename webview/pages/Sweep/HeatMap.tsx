/** Two parameters of a sweep against each other: the better a cell, the fuller its colour; best and stable are marked. */
import { useMemo, useState } from "react";
import { METRICS, type Sweep, type SweepPoint } from "#contracts";
import { metric } from "../../format.ts";
import { cellKey, layHeat, type Together } from "./heat.ts";

interface Props {
  readonly sweep: Sweep;
  readonly points: readonly SweepPoint[];
  readonly selected: number | null;
  readonly onSelect: (point: SweepPoint) => void;
}

export function HeatMap({ sweep, points, selected, onSelect }: Props) {
  const names = sweep.dimensions.map(({ name }) => name);
  const [chosenX, setX] = useState<string | null>(null);
  const [chosenY, setY] = useState<string | null>(null);
  const [together, setTogether] = useState<Together>("best");
  const x = chosenX ?? names[0] ?? "";
  const y = chosenY ?? names[1] ?? x;
  const maximize = sweep.objectives[0]?.direction !== "minimize";
  const name = sweep.objectives[0]?.metric ?? "sharpe";
  const heat = useMemo(() => layHeat(points, x, y, together, maximize), [points, x, y, together, maximize]);
  const best = new Set(sweep.best.map(({ number }) => number));
  const share = (value: number) => {
    const part = heat.high > heat.low ? (value - heat.low) / (heat.high - heat.low) : 1;
    return maximize ? part : 1 - part;
  };
  const shown = (value: number | null) => metric(name, value, sweep.currency);
  return (
    <section className="heat" aria-label="Heat map">
      <div className="heat-head">
        <strong>{METRICS[name].label}</strong>
        <label>
          across{" "}
          <select value={x} onChange={(event) => setX(event.target.value)}>
            {names.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        {names.length > 1 ? (
          <label>
            down{" "}
            <select value={y} onChange={(event) => setY(event.target.value)}>
              {names.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        ) : null}
        {names.length > 2 ? (
          <label>
            of the others{" "}
            <select value={together} onChange={(event) => setTogether(event.target.value as Together)}>
              <option value="best">the best</option>
              <option value="mean">the mean</option>
              <option value="worst">the worst</option>
            </select>
          </label>
        ) : null}
        {heat.cells.size > 0 && Number.isFinite(heat.low) ? (
          <span className="heat-scale">
            {shown(maximize ? heat.low : heat.high)} <i aria-hidden="true" /> {shown(maximize ? heat.high : heat.low)}
          </span>
        ) : null}
      </div>
      <div className="heat-scroll">
        <table className="heat-grid">
          <thead>
            <tr>
              <th scope="col">{x === y ? "" : `${y} \\ ${x}`}</th>
              {heat.columns.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(x === y ? [x] : heat.rows).map((label, row) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {heat.columns.map((column, at) => {
                  const cell = heat.cells.get(cellKey(at, x === y ? at : row));
                  if (!cell) return <td key={column} className="heat-empty" />;
                  const top = bestOf(cell.points, maximize);
                  const marks = [
                    cell.points.some(({ number }) => best.has(number)) ? "best" : "",
                    cell.points.some(({ number }) => number === sweep.stable?.number) ? "stable" : "",
                  ].filter(Boolean);
                  const words =
                    cell.value === null
                      ? cell.points[0]?.status === "pruned"
                        ? "pruned"
                        : cell.points[0]?.status === "failed"
                          ? "failed"
                          : "not defined"
                      : shown(cell.value);
                  return (
                    <td key={column} style={cell.value === null ? undefined : { ["--share" as string]: `${Math.round(8 + 84 * share(cell.value))}%` }}>
                      <button
                        type="button"
                        data-marks={marks.join(" ") || undefined}
                        data-value={cell.value !== null}
                        aria-pressed={cell.points.some(({ number }) => number === selected)}
                        title={`${x} ${column}${x === y ? "" : `, ${y} ${label}`}: ${words}${cell.points.length > 1 ? ` (${together} of ${cell.points.length})` : ""}${marks.length > 0 ? `; ${marks.join(", ")}` : ""}`}
                        onClick={() => top && onSelect(top)}
                      >
                        {heat.columns.length <= 16 ? (cell.value === null ? "×" : shown(cell.value)) : ""}
                      </button>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function bestOf(points: readonly SweepPoint[], maximize: boolean): SweepPoint | null {
  const worth = ({ status, values: [value] }: SweepPoint) =>
    status === "finished" && typeof value === "number" ? (maximize ? value : -value) : Number.NEGATIVE_INFINITY;
  return points.reduce<SweepPoint | null>((best, point) => (best === null || worth(point) > worth(best) ? point : best), null);
}

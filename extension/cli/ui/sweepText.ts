/** Sweeps in words: the best points, the stable one, the list. */
import { METRICS, type Objective, type ParameterValue, type Sweep, type SweepPoint } from "#contracts";
import { count, duration, metric, moment, NOTHING, shortRun } from "../format.ts";
import { type Screen, table } from "../output.ts";

const SHOWN = ["totalReturn", "sharpe", "maxDrawdown", "trades"] as const;

export const parametersText = (parameters: Record<string, ParameterValue>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join("+") : String(value)}`)
    .join(" ");

/** `63 of 200 points, 2.1 a second, 1 min left; best Sharpe 1.32 at fast=10 slow=40` */
export function sweepProgressText(sweep: Sweep): string {
  if (sweep.status === "queued") return "Waiting for another sweep";
  const { done, total, pointsPerSecond, remainingMs, failed, pruned } = sweep.progress;
  const parts = [
    `${count(done)}${total === null ? "" : ` of ${count(total)}`} points`,
    ...(pointsPerSecond === null ? [] : [`${pointsPerSecond < 10 ? pointsPerSecond.toFixed(1) : count(Math.round(pointsPerSecond))} a second`]),
    ...(remainingMs === null ? [] : [`${duration(remainingMs)} left`]),
    ...(pruned ? [`${count(pruned)} pruned`] : []),
    ...(failed ? [`${count(failed)} failed`] : []),
  ];
  const [best] = sweep.best;
  const [objective] = sweep.objectives;
  return `${parts.join(", ")}${best && objective ? `; best ${valueText(sweep, objective, best.values[0] ?? null)} at ${parametersText(best.parameters)}` : ""}`;
}

const valueText = (sweep: Sweep, { metric: name }: Objective, value: number | null): string =>
  `${METRICS[name].label} ${metric(value, METRICS[name].unit, sweep.currency)}`;

/** The points by the first objective, the best first; then those without a figure. */
export function ranked(sweep: Sweep, points: readonly SweepPoint[]): SweepPoint[] {
  const sign = sweep.objectives[0]?.direction === "minimize" ? 1 : -1;
  const of = (point: SweepPoint) => (point.status === "finished" ? (point.values[0] ?? null) : null);
  return [...points].sort((a, b) => {
    const [first, second] = [of(a), of(b)];
    if (first === null || second === null) return Number(first === null) - Number(second === null) || a.number - b.number;
    return sign * (first - second) || a.number - b.number;
  });
}

/** What came of a sweep: state, best points, the stable one beside the best. */
export function sweepText(sweep: Sweep, points: readonly SweepPoint[], top: number, screen: Screen): string {
  const { paint } = screen;
  const { progress, objectives } = sweep;
  const names = [...new Set([...objectives.map(({ metric: name }) => name), ...SHOWN])];
  const columns = [
    { title: "" },
    ...sweep.dimensions.map(({ name }) => ({ title: name, align: "right" as const })),
    ...names.map((name, index) => ({ title: METRICS[name].label, align: "right" as const, keep: 50 - index })),
  ];
  const front = new Set(sweep.best.map(({ number }) => number));
  const mark = (point: SweepPoint) =>
    [front.has(point.number) ? "best" : "", sweep.stable?.number === point.number ? "stable" : "", point.status === "finished" ? "" : point.status]
      .filter(Boolean)
      .join(", ");
  const row = (point: SweepPoint) => [
    paint(front.has(point.number) ? "green" : "cyan", mark(point)),
    ...sweep.dimensions.map(({ name }) => String(point.parameters[name] ?? NOTHING)),
    ...names.map((name) => (point.metrics ? metric(point.metrics[name], METRICS[name].unit, sweep.currency) : NOTHING)),
  ];
  const sorted = ranked(sweep, points);
  const shown = sorted.slice(0, top);
  const { stable } = sweep;
  if (stable && !shown.some(({ number }) => number === stable.number)) shown.push(stable);
  const facts = [
    `${count(progress.done)}${progress.total === null ? "" : ` of ${count(progress.total)}`} points`,
    `by ${objectives.map(({ metric: name }) => METRICS[name].label).join(" and ")}`,
    ...(progress.cached ? [`${count(progress.cached)} known before`] : []),
    ...(progress.pruned ? [`${count(progress.pruned)} pruned`] : []),
    ...(progress.failed ? [`${count(progress.failed)} failed`] : []),
    duration(sweep.elapsedMs),
  ];
  const plateau =
    sweep.plateau && stable
      ? `\n${paint("bold", "Stable")}  ${parametersText(stable.parameters)}: with its ${count(sweep.plateau.neighbours.length)} neighbours on average ${metric(sweep.plateau.mean, METRICS[objectives[0]?.metric ?? "sharpe"].unit, sweep.currency)}, at worst ${metric(sweep.plateau.worst, METRICS[objectives[0]?.metric ?? "sharpe"].unit, sweep.currency)}.`
      : "";
  const head = `${paint("bold", sweep.name)} on ${sweep.symbols.join(", ")}  ${paint("dim", `${sweep.id}  ${sweep.status}`)}\n${facts.join(" · ")}`;
  return `${head}\n\n${shown.length > 0 ? table(columns, shown.map(row), screen) : "No point has ended."}${plateau}`;
}

export function sweepsText(sweeps: readonly Sweep[], screen: Screen, now: number): string {
  const columns = [
    { title: "Sweep" },
    { title: "Strategy", shrinks: true },
    { title: "Data", shrinks: true, keep: 20 },
    { title: "State" },
    { title: "Points", align: "right" as const },
    { title: "Best", keep: 40 },
    { title: "At", shrinks: true, keep: 30 },
    { title: "Started", keep: 10 },
  ];
  const rows = sweeps.map((sweep) => {
    const [best] = sweep.best;
    const [objective] = sweep.objectives;
    const { done, total } = sweep.progress;
    return [
      shortRun(sweep.id),
      sweep.name,
      sweep.symbols.join(", "),
      sweep.status,
      total === null || total === done ? count(done) : `${count(done)}/${count(total)}`,
      best && objective ? valueText(sweep, objective, best.values[0] ?? null) : NOTHING,
      best ? parametersText(best.parameters) : "",
      moment(sweep.createdAt, now),
    ];
  });
  return table(columns, rows, screen);
}

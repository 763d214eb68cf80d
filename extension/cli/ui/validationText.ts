/** Validations and honesty as text. */
import {
  HONESTY,
  type Honesty,
  type Validation,
  type ValidationKind,
  type ValidationProgress,
  type ValidationResult,
  type ValidationSummary,
} from "#contracts";
import { count, duration, metric, moment, NOTHING, percent, shortPath } from "../format.ts";
import { cut, type Screen, table, wrap } from "../output.ts";
import { bar, sparkline } from "./chart.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

export const KINDS: Record<ValidationKind, string> = {
  walkForward: "Walk-forward",
  crossValidation: "Cross-validation",
  tradeMonteCarlo: "Monte Carlo, trades",
  barMonteCarlo: "Monte Carlo, bars",
  lookAhead: "Look-ahead check",
};
const STYLE = { running: "cyan", finished: "green", failed: "red", cancelled: "yellow", interrupted: "yellow" } as const;
const VERDICT = { strong: "green", weak: "yellow", none: "red", unknown: "dim" } as const;

export function validationProgressText({ done, total, doing, remainingMs }: ValidationProgress, { unicode }: Look, width: number): string {
  const left = remainingMs === null ? "" : `  ${duration(remainingMs)} left`;
  return cut(`${doing}  ${total ? `${bar(done / total, 20, unicode)} ${count(done)} of ${count(total)}` : count(done)}${left}`, width);
}

export function validationsText(validations: readonly ValidationSummary[], screen: Look, now: number): string {
  const rows = validations.map(({ id, kind, createdAt, name, symbols, status, sentence, error }) => [
    id.slice(-8),
    moment(createdAt, now),
    KINDS[kind],
    name,
    symbols.join(", "),
    screen.paint(STYLE[status], status),
    sentence ?? error?.message ?? "",
  ]);
  return table(
    [
      { title: "Id" },
      { title: "Started" },
      { title: "Kind" },
      { title: "Strategy" },
      { title: "Data", shrinks: true },
      { title: "Status" },
      { title: "Result", shrinks: true, keep: 1 },
    ],
    rows,
    screen,
  );
}

export function validationText(validation: Validation, screen: Look): string {
  const { paint, width } = screen;
  const head = [
    `${paint("bold", KINDS[validation.kind])}  ${validation.name}  ${validation.symbols.join(", ")}  ${paint(STYLE[validation.status], validation.status)}`,
    paint("dim", `${validation.id}  ${shortPath(validation.path)}`),
  ].join("\n");
  const said = wrap(validation.sentence ?? validation.error?.message ?? "", width).join("\n");
  return [head, said, validation.result ? resultText(validation.result, screen) : ""].filter(Boolean).join("\n\n");
}

function resultText(result: ValidationResult, screen: Look): string {
  switch (result.kind) {
    case "walkForward": {
      const rows = result.windows.map((window) => [
        `${window.trainFrom} – ${window.trainTo}`,
        `${window.testFrom} – ${window.testTo}`,
        window.parameters ? parametersOf(window.parameters) : (window.error?.message ?? "no point has a value"),
        percent(window.train?.annualReturn ?? null),
        percent(window.test?.annualReturn ?? null),
        ratio(window.train?.sharpe ?? null),
        ratio(window.test?.sharpe ?? null),
        percent(window.test?.maxDrawdown ?? null),
      ]);
      const windows = table(
        [
          { title: "Training" },
          { title: "Test" },
          { title: "Chosen", shrinks: true, keep: 3 },
          ...["In a year", "Out", "Sharpe in", "Out", "Drawdown out"].map((title) => ({ title, align: "right" as const })),
        ],
        rows,
        screen,
      );
      const drift = table(
        [{ title: "Parameter" }, ...["Changes", "Values", "Low", "High", "Spread"].map((title) => ({ title, align: "right" as const }))],
        result.drift.map(({ name, changes, distinct, low, high, spread }) => [
          name,
          count(changes),
          count(distinct),
          plain(low),
          plain(high),
          spread === null ? NOTHING : percent(spread),
        ]),
        screen,
      );
      const { figures, efficiency, profitable } = result;
      const facts = `Efficiency ${ratio(efficiency)}   profitable tests ${percent(profitable)}   total ${percent(figures.totalReturn)}   drawdown ${percent(figures.maxDrawdown)}   Sharpe ${ratio(figures.sharpe)}`;
      return [`${screen.paint("bold", "Out of sample")}\n${curve(result.equity.values, screen)}`, facts, windows, drift, notes(result.statements, screen)].join(
        "\n\n",
      );
    }
    case "crossValidation": {
      const rows = result.splits
        .slice(0, 28)
        .map(({ folds, parameters, inside, outside }) => [folds.map((fold) => fold + 1).join(", "), parametersOf(parameters), ratio(inside), ratio(outside)]);
      const splits = table(
        [{ title: "Tested parts" }, { title: "Chosen", shrinks: true }, { title: "Inside", align: "right" }, { title: "Outside", align: "right" }],
        rows,
        screen,
      );
      const paths = table(
        [{ title: "Path" }, ...["Return a year", "Sharpe", "Drawdown"].map((title) => ({ title, align: "right" as const }))],
        result.paths.map(({ annualReturn, sharpe, maxDrawdown }, row) => [String(row + 1), percent(annualReturn), ratio(sharpe), percent(maxDrawdown)]),
        screen,
      );
      const more = result.splits.length > 28 ? `\n${screen.paint("dim", `… and ${count(result.splits.length - 28)} more; --json has all.`)}` : "";
      return [paths, splits + more, notes(result.statements, screen)].join("\n\n");
    }
    case "tradeMonteCarlo":
    case "barMonteCarlo": {
      const line = (title: string, { percentiles, actual, rank }: typeof result.totalReturn, show: (value: number | null) => string) => [
        title,
        ...percentiles.map(show),
        show(actual),
        rank === null ? NOTHING : percent(rank),
      ];
      const rows = [line("Total return", result.totalReturn, plainPercent), line("Max drawdown", result.maxDrawdown, plainPercent)];
      if (result.kind === "barMonteCarlo" && result.sharpe) rows.push(line("Sharpe", result.sharpe, ratio));
      const figures = table(
        [{ title: "" }, ...["5 %", "25 %", "50 %", "75 %", "95 %", "Actual", "Below actual"].map((title) => ({ title, align: "right" as const }))],
        rows,
        screen,
      );
      const bands = (["95 %", "75 %", "50 %", "25 %", "5 %"] as const).map(
        (title, row) => `${title.padStart(4)}  ${sparkline(thin(result.equity.bands[4 - row] ?? [], 60), 60, screen.unicode)}`,
      );
      return [figures, `Risk of ruin ${percent(result.ruined)}`, bands.join("\n"), notes(result.statements, screen)].join("\n\n");
    }
    case "lookAhead": {
      const rows = result.cuts.map(({ day, decisions, difference }) => [
        day,
        count(decisions),
        difference ? screen.paint("red", `differs on ${difference.day}`) : "alike",
        difference ? `${difference.whole ?? "nothing"}${difference.line ? ` (line ${difference.line})` : ""}` : "",
        difference ? (difference.cut ?? "nothing") : "",
      ]);
      const cuts = table(
        [
          { title: "Data end" },
          { title: "Decisions", align: "right" },
          { title: "" },
          { title: "With what follows", shrinks: true },
          { title: "Without", shrinks: true },
        ],
        rows,
        screen,
      );
      const files = result.files.map(
        ({ path, cut: withheld, reason }) => `${withheld ? "Cut too" : "Not cut"}  ${shortPath(path)}${reason ? `: ${reason}` : ""}`,
      );
      return [cuts, files.join("\n")].filter(Boolean).join("\n\n");
    }
  }
}

/** A result judged by the number of trials. */
export function honestyText(honesty: Honesty, screen: Look): string {
  const { paint, width } = screen;
  const rows: [string, string][] = [
    [
      HONESTY.trials.label,
      `${count(honesty.trials)} with ${honesty.name} on ${honesty.barTypes.length === 1 ? honesty.barTypes[0] : `${honesty.barTypes.length} series`}`,
    ],
    ["Sharpe", `${ratio(honesty.sharpe)} a year, over ${count(honesty.observations)} daily returns`],
    [HONESTY.expectedMaximum.label, ratio(honesty.expectedMaximum)],
    [HONESTY.probabilistic.label, percent(honesty.probabilistic)],
    [HONESTY.deflated.label, percent(honesty.deflated)],
    [HONESTY.minimumTrackRecord.label, honesty.minimumTrackRecord === null ? NOTHING : `${count(Math.ceil(honesty.minimumTrackRecord))} daily returns`],
    ...(honesty.overfitting
      ? ([[HONESTY.overfitting.label, `${percent(honesty.overfitting.probability)} of ${count(honesty.overfitting.trials)} points`]] as [string, string][])
      : []),
  ];
  const size = Math.max(...rows.map(([label]) => label.length));
  return [
    wrap(paint(VERDICT[honesty.verdict], honesty.sentence), width).join("\n"),
    rows.map(([label, value]) => `${paint("dim", label.padEnd(size))}  ${value}`).join("\n"),
  ].join("\n\n");
}

const plainPercent = (value: number | null) => percent(value);
const ratio = (value: number | null) => metric(value, "ratio", null);
const plain = (value: number | null) => (value === null ? NOTHING : String(value));
const parametersOf = (parameters: Record<string, unknown>) =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
const notes = (statements: readonly string[], { paint, width }: Look) => statements.map((text) => paint("dim", wrap(text, width).join("\n"))).join("\n");
const thin = (values: readonly number[], points: number) =>
  values.length <= points ? [...values] : Array.from({ length: points }, (_, index) => values[Math.round((index * (values.length - 1)) / (points - 1))]!);
const curve = (values: readonly number[], { unicode, width }: Look) => sparkline(thin(values, Math.min(100, width)), Math.min(100, width), unicode);

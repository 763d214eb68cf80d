/** Runs side by side as text: what they were, their figures with differences to the first, what they were asked, what they rest on. */
import { createTwoFilesPatch } from "diff";
import { type Comparison, METRICS, type MetricUnit, type RunCode, type RunSummary } from "#contracts";
import { metric, NOTHING, percent, shortRun } from "../format.ts";
import { type Column, type Screen, table, wrap } from "../output.ts";
import { sparkline } from "./chart.ts";
import { dataOf, periodOf, signed, statusWord } from "./runText.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

export function compareText(comparison: Comparison, screen: Look): string {
  const { runs } = comparison;
  const sections = [
    headingText(runs, screen),
    comparison.remarks
      .map((remark) =>
        wrap(remark, screen.width)
          .map((line) => screen.paint("yellow", line))
          .join("\n"),
      )
      .join("\n"),
    metricsText(comparison, screen),
    valuesText(
      "Parameters",
      runs,
      comparison.parameters.map(({ name, values, differs }) => ({ name, values: values.map(valueText), differs })),
      screen,
    ),
    valuesText(
      "Assumptions",
      runs,
      comparison.assumptions.map(({ label, values, differs }) => ({ name: label, values: values.map(valueText), differs })),
      screen,
    ),
    codeRemark(comparison),
  ];
  return sections.filter(Boolean).join("\n\n");
}

const nameOf = (index: number): string => String.fromCharCode(65 + index);

function headingText(runs: readonly RunSummary[], screen: Look): string {
  const columns: Column[] = [
    { title: "" },
    { title: "Run" },
    { title: "Strategy", shrinks: true },
    { title: "Data", shrinks: true, keep: 3 },
    { title: "Period", keep: 2 },
    { title: "Status", keep: 4 },
    { title: "Return", align: "right" },
    { title: "Equity", keep: 1 },
  ];
  const rows = runs.map((run, index) => [
    screen.paint("bold", nameOf(index)),
    shortRun(run.id),
    run.name,
    dataOf(run),
    periodOf(run),
    statusWord(run, screen.paint),
    signed(run.metrics?.totalReturn ?? null, screen.paint),
    sparkline(run.sparkline, 24, screen.unicode),
  ]);
  return table(columns, rows, screen);
}

function metricsText({ runs, metrics }: Comparison, screen: Look): string {
  const columns: Column[] = [
    { title: "Metric" },
    ...runs.flatMap((_, index): Column[] => [
      { title: nameOf(index), align: "right" },
      ...(index === 0 ? [] : [{ title: `${nameOf(index)} − A`, align: "right" as const, keep: runs.length - index }]),
    ]),
  ];
  const rows = metrics.map(({ name, values, differences }) => {
    const { label, unit, better } = METRICS[name as keyof typeof METRICS];
    return [
      label,
      ...values.flatMap((value, index) => [
        metric(value, unit, null),
        ...(index === 0 ? [] : [differenceText(differences[index] ?? null, unit, better, screen)]),
      ]),
    ];
  });
  return table(columns, rows, screen);
}

function differenceText(difference: number | null, unit: MetricUnit, better: "higher" | "lower" | "none", { paint }: Look): string {
  if (difference === null) return NOTHING;
  const magnitude = unit === "percent" ? percent(Math.abs(difference)) : metric(Math.abs(difference), unit, null);
  if (!/[1-9]/.test(magnitude)) return paint("dim", "=");
  const text = `${difference < 0 ? "-" : "+"}${magnitude}`;
  return better === "none" ? text : paint(difference > 0 === (better === "higher") ? "green" : "red", text);
}

/** Only rows that differ: what is the same needs no reading. */
function valuesText(
  title: string,
  runs: readonly RunSummary[],
  all: readonly { name: string; values: readonly string[]; differs: boolean }[],
  screen: Look,
): string {
  const differing = all.filter(({ differs }) => differs);
  if (all.length === 0) return "";
  if (differing.length === 0) return screen.paint("dim", `${title}: the same.`);
  const columns: Column[] = [{ title }, ...runs.map((_, index): Column => ({ title: nameOf(index), shrinks: true }))];
  return table(
    columns,
    differing.map(({ name, values }) => [name, ...values]),
    screen,
  );
}

const valueText = (value: unknown): string => (value === null ? NOTHING : Array.isArray(value) ? value.join(", ") : String(value).replaceAll("\n", "; "));

function codeRemark({ runs, sameCode }: Comparison): string {
  const other = runs.flatMap((_, index) => (sameCode[index] === false ? [nameOf(index)] : []));
  return other.length === 0 ? "" : `The strategy's file differs from A in ${other.join(", ")}; --code shows how.`;
}

/** The code of each run against that of the first, as unified diffs. */
export function codeText(codes: readonly RunCode[], { paint }: Look): string {
  const [first, ...others] = codes;
  return others
    .map((other, index) =>
      diffText(first!, other, nameOf(index + 1))
        .map((line) => painted(line, paint))
        .join("\n"),
    )
    .join("\n\n");
}

function diffText(first: RunCode, other: RunCode, name: string): string[] {
  const textOf = (code: RunCode, file: string) => code.files.find((item) => item.name === file)?.text ?? "";
  const names = [...new Set([...first.files, ...other.files].map((file) => file.name))];
  const changed = names.filter((file) => textOf(first, file) !== textOf(other, file));
  if (changed.length === 0) return [`A and ${name} ran the same code.`];
  return changed.flatMap((file) =>
    createTwoFilesPatch(`A/${file}`, `${name}/${file}`, textOf(first, file), textOf(other, file)).trimEnd().split("\n").slice(1),
  );
}

function painted(line: string, paint: Look["paint"]): string {
  if (/^(---|\+\+\+) /.test(line)) return paint("bold", line);
  if (line.startsWith("@@")) return paint("cyan", line);
  return line.startsWith("+") ? paint("green", line) : line.startsWith("-") ? paint("red", line) : line;
}

/**
 * `npm run bench [-- --json] [-- --only NAME]`: every figure the project promises, each with the floor it is measured against, in one run.
 *
 * A row is an object in `rows/*.ts`; what it measures is said there. Figures depend on the machine, ratios much less: goals are ratios where
 * they can be. This is not a test: nothing fails, and a goal that is missed is shown as such.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Figure, Row } from "./row.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, only: { type: "string", multiple: true } } });
const folder = join(import.meta.dirname, "rows");
const results = join(import.meta.dirname, "..", "bench-results");

const modules = await Promise.all(
  readdirSync(folder)
    .sort()
    .map((name) => import(join(folder, name)) as Promise<{ rows: readonly Row[] }>),
);
const all = modules.flatMap(({ rows }) => rows);
const chosen = values.only ? all.filter(({ name }) => values.only?.includes(name)) : all;
if (chosen.length === 0) {
  console.error(`There is no such row. Rows: ${all.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

/** What became of a row; a value of null says that it could not be measured. */
type Result = { name: string; goal: string } & (Figure | { value: null; unit: null; floor: null; ratio: null; ok: false });
const measured: Result[] = [];
for (const row of chosen) {
  const { name, goal } = row;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${name} …`);
  try {
    measured.push({ name, goal, ...(await row.run()) });
  } catch (error) {
    // The other figures are worth having.
    measured.push({ name, goal, value: null, unit: null, floor: null, ratio: null, ok: false });
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
    console.error(`${name} was not measured: ${!(error instanceof Error) ? error : error.constructor === Error ? error.message : error.stack}`);
    process.exitCode = 1;
  }
}
if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");

const json = `${JSON.stringify(
  measured.map(({ name, value, unit, floor, ratio, goal, ok }) => ({ name, value, unit, floor, ratio, goal, ok })),
  null,
  2,
)}\n`;
if (!values.only) {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, "latest.json"), json);
}
process.stdout.write(values.json ? json : table(measured));

function table(figures: readonly Result[]): string {
  const number = (value: number) => (value >= 1000 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(3)).toString());
  const lines = figures.map(({ name, value, unit, floor, ratio, goal, ok }) => [
    ok ? "✓" : "✗",
    name,
    value === null ? "not measured" : `${number(value)} ${unit}`,
    floor === null ? "–" : `${number(floor)} ${unit}`,
    ratio === null ? "–" : `${ratio.toFixed(2)}×`,
    goal,
  ]);
  const cells = [["", "row", "value", "floor", "ratio", "goal"], ...lines];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number) => column >= 2 && column <= 4;
  return `${cells
    .map((line) =>
      line
        .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")}\n`;
}

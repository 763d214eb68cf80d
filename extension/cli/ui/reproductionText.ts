/** What came of repeating a run, as text. */
import type { Run } from "#contracts";
import { count, shortRun } from "../format.ts";
import { type Screen, wrapLines } from "../output.ts";

export function reproductionText({ id, reproduction }: Run, { paint, width }: Pick<Screen, "paint" | "width">): string {
  if (!reproduction) return "";
  const { equal, rows, difference, changed, hash, of } = reproduction;
  const lines = equal
    ? [`${paint("green", "Equal")}: ${count(rows)} rows and every figure, byte for byte.`]
    : [`${paint("red", "Different")}: ${difference ? placeOf(difference) : ""}`];
  if (difference) lines.push(`  stored    ${difference.stored}`, `  repeated  ${difference.repeated}`);
  for (const what of changed) lines.push(paint("yellow", `Not as it was then: ${what}.`));
  lines.push(paint("dim", `${shortRun(id)} repeats ${shortRun(of)}, SHA-256 ${hash.slice(0, 16)}`));
  return wrapLines(lines, width).join("\n");
}

function placeOf({ table, column, row }: NonNullable<NonNullable<Run["reproduction"]>["difference"]>): string {
  const place = [table, ...(column ? [column] : [])].join(", ");
  return row === null ? `first in ${place}.` : `first in ${place}, row ${count(row)}.`;
}

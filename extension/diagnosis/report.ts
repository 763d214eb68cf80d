/** The diagnosis as lines: the same words in the terminal, which wraps and colours them, and in the editor, which does neither. */
import { type Verdict, verdictOf } from "./check.ts";
import { type Diagnosis, type Repaired, repairsOf, summaryOf } from "./diagnose.ts";

export interface ReportLine {
  /** Stands before the title; null where the line belongs to the one above. */
  readonly verdict: Verdict | null;
  readonly title: string;
  readonly tone: "finding" | "looked" | "fix" | "summary";
  readonly text: string;
}

const line = (tone: ReportLine["tone"], text: string): ReportLine => ({ verdict: null, title: "", tone, text });

/** One check after the other: what was found, what to do about it, what was looked at. */
export function reportLines({ checks }: Diagnosis): ReportLine[] {
  return checks.flatMap((check) => {
    const bad = check.findings.filter(({ verdict }) => verdict !== "ok");
    // What is in order besides is worth a line only where nothing else is told.
    const told = bad.length > 0 ? bad : check.findings;
    const [first, ...rest] = told.flatMap(({ text, fix }) => [line("finding", text), ...(fix ? [line("fix", fix)] : [])]);
    return [...(first ? [{ ...first, verdict: verdictOf(check), title: check.title }] : []), ...rest, line("looked", check.looked)];
  });
}

/** The last line: how many there are of each, and what can be done about them at once. */
export function closingLine(diagnosis: Diagnosis): ReportLine {
  const repairs = repairsOf(diagnosis).length;
  const way = repairs > 0 ? ` \`tino doctor --fix\` puts ${repairs === 1 ? "one" : repairs} of them right.` : "";
  return line("summary", `${summaryOf(diagnosis)}${way}`);
}

export const repairedSentence = ({ does, failed }: Repaired): string => (failed ? `Not done: ${does} (${failed}).` : `Done: ${does}.`);

export const MARKS: Record<Verdict, { readonly unicode: string; readonly plain: string }> = {
  ok: { unicode: "✓", plain: "ok" },
  warning: { unicode: "!", plain: "!!" },
  problem: { unicode: "✗", plain: "XX" },
};

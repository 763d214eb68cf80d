/** The diagnosis on a terminal. */
import type { Verdict } from "../../diagnosis/check.ts";
import type { Diagnosis } from "../../diagnosis/diagnose.ts";
import { closingLine, MARKS, type ReportLine, reportLines } from "../../diagnosis/report.ts";
import { shortPath } from "../format.ts";
import { cellsOf, type Paint, pad, type Screen, wrap } from "../output.ts";

const COLOURS: Record<Verdict, "green" | "yellow" | "red"> = { ok: "green", warning: "yellow", problem: "red" };
/** With less room than this beside the titles, the text stands below them. */
const LEAST_TEXT = 34;
const MINIMUM = 12;

type Look = Pick<Screen, "paint" | "width" | "unicode">;

export function doctorText(diagnosis: Diagnosis, { paint, width, unicode }: Look): string {
  const lines = reportLines(diagnosis);
  const titles = Math.max(...lines.map(({ title }) => cellsOf(title)));
  const mark = unicode ? "unicode" : "plain";
  const marks = unicode ? 1 : 2;
  const beside = 2 + marks + 2 + titles + 2;
  const indent = width - beside >= LEAST_TEXT ? beside : 2 + marks + 2;
  const drawn = lines.flatMap((line) => {
    const lead = line.tone === "fix" ? (unicode ? "→ " : "-> ") : "";
    const text = wrap(lead + shortPaths(line.text), Math.max(MINIMUM, width - indent)).map((part) => styled(line, part, paint));
    const space = " ".repeat(indent);
    if (line.verdict === null) return text.map((part) => space + part);
    const head = `  ${paint([COLOURS[line.verdict], "bold"], MARKS[line.verdict][mark])}  ${paint("bold", pad(line.title, indent === beside ? titles : 0))}`;
    const [first = "", ...rest] = text;
    return indent === beside ? [`${head}  ${first}`, ...rest.map((part) => space + part)] : [head, ...text.map((part) => space + part)];
  });
  const closing = wrap(closingLine(diagnosis).text, width).map((part) => paint([COLOURS[diagnosis.verdict], "bold"], part));
  return [`${paint("bold", "tino doctor")}`, "", ...drawn, "", ...closing].join("\n");
}

function styled({ tone }: ReportLine, text: string, paint: Paint): string {
  if (tone === "looked") return paint("dim", text);
  return tone === "fix" ? paint("cyan", text) : text;
}

/** Every path below the home folder with `~`. */
const shortPaths = (text: string): string => text.replace(/(?<![\w./~-])\/[^\s,;:'"`)]+/g, (path) => shortPath(path));

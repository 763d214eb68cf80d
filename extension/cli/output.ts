/**
 * What a verb says: text for people on a terminal or in a pipe, JSON for programs, errors in two lines, exit codes.
 *
 * Results go to standard output, everything else (progress, notes, errors) to standard error. Colour when the output is a terminal,
 * unless `NO_COLOR` is set or `TERM` is `dumb`; `FORCE_COLOR` asks for it in a pipe. Tables shrink to the terminal's width; in a pipe
 * nothing is cut.
 */
import { styleText } from "node:util";
import type { ErrorBody } from "#contracts";
import { TinoError } from "#contracts/catalogue";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan" | "inverse";
/** Put text into styles, or leave it as it is where there is no colour. */
export type Paint = (style: Style | Style[], text: string) => string;

export interface Screen {
  /** Results as JSON, nothing else on standard output. */
  readonly json: boolean;
  readonly paint: Paint;
  /** Braille and block characters can be shown. */
  readonly unicode: boolean;
  /** A person can be asked: standard input and output are terminals and the result is not JSON. */
  readonly interactive: boolean;
  /** Progress may be redrawn on standard error. */
  readonly animated: boolean;
  /** Columns for charts and wrapped text. */
  readonly width: number;
  /** Tables are cut to the width. */
  readonly shrink: boolean;
  readonly rows: number;
  print(text: string): void;
  printJson(value: unknown): void;
  /** A remark beside the result; silent with JSON. */
  note(text: string): void;
  fail(error: TinoError, tail?: readonly string[]): void;
}

const PIPE_WIDTH = 100;

export function screenOf(json: boolean, { stdin, stdout, stderr, env } = process): Screen {
  const colour = wantsColour(env, Boolean(stdout.isTTY));
  const paint: Paint = (style, text) => (colour && text ? styled(style, text) : text);
  const errorColour = wantsColour(env, Boolean(stderr.isTTY));
  const paintError: Paint = (style, text) => (errorColour ? styled(style, text) : text);
  return {
    json,
    paint,
    unicode: env.TERM !== "linux" && env.TERM !== "dumb",
    interactive: Boolean(stdin.isTTY && stdout.isTTY) && !json && env.TERM !== "dumb",
    animated: Boolean(stderr.isTTY) && !json && env.TERM !== "dumb",
    width: Math.max(20, (stdout.isTTY ? stdout.columns : 0) || Number(env.COLUMNS) || PIPE_WIDTH),
    shrink: Boolean(stdout.isTTY),
    rows: stdout.rows || 24,
    print: (text) => void stdout.write(`${text}\n`),
    printJson: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => {
      if (!json) stderr.write(`${paintError("dim", text)}\n`);
    },
    fail: (error, tail = []) => {
      if (json) {
        stdout.write(`${JSON.stringify(error.body satisfies ErrorBody)}\n`);
        return;
      }
      for (const line of failureLines(error, paintError, tail)) stderr.write(`${line}\n`);
    },
  };
}

/** One line what, the user's own traceback if there is one, one line what to do. */
export function failureLines(error: TinoError, paint: Paint, tail: readonly string[] = []): string[] {
  const { message, hint, traceback, location } = error.body;
  const trace = traceback.flatMap((frame) => [
    `  ${paint("cyan", `${frame.path}:${frame.line}`)} ${paint("dim", `in ${frame.function}`)}`,
    ...(frame.code ? [`      ${frame.code}`] : []),
  ]);
  const place = location && traceback.length === 0 && !message.includes(location.path) ? [`  ${paint("cyan", `${location.path}:${location.line}`)}`] : [];
  return [`${paint(["red", "bold"], "tino:")} ${message}`, ...trace, ...place, ...tail.map((line) => paint("dim", `  │ ${line}`)), paint("dim", hint)];
}

/** What anything thrown is to the user. */
export function asTinoError(error: unknown, log: string): TinoError {
  if (error instanceof TinoError) return error;
  const reference = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return TinoError.of("internal", { reference, log }, { cause: error });
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** May be cut when the terminal is narrow. */
  readonly shrinks?: boolean;
  /** Left out, the lowest first, when the terminal is too narrow even so. */
  readonly keep?: number;
}

/** A table without rules: bold titles, two spaces between columns. Cells may hold styles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], screen: Pick<Screen, "paint" | "width" | "shrink">): string {
  let shown = columns.map((column, index) => ({ ...column, index, size: Math.max(cellsOf(column.title), ...rows.map((row) => cellsOf(row[index] ?? ""))) }));
  const total = () => shown.reduce((sum, { size }) => sum + size, 2 * (shown.length - 1));
  if (screen.shrink) {
    for (const column of shown) if (column.shrinks) column.size = Math.max(Math.min(column.size, 12), column.size - Math.max(0, total() - screen.width));
    while (total() > screen.width && shown.length > 1) {
      const first = shown.reduce((least, column) => ((column.keep ?? 100) < (least.keep ?? 100) ? column : least));
      if ((first.keep ?? 100) === 100) break;
      shown = shown.filter((column) => column !== first);
    }
  }
  const line = (cells: readonly string[]) =>
    shown
      .map(({ index, size, align }) => pad(cut(cells[index] ?? "", size), size, align))
      .join("  ")
      .trimEnd();
  return [screen.paint("bold", line(columns.map(({ title }) => title))), ...rows.map(line)].join("\n");
}

const ESCAPE = String.fromCharCode(27);
const STYLES = new RegExp(`${ESCAPE}\\[[0-9;]*m`, "g");
/** Characters that take two cells: East Asian wide and full-width forms, emoji. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** How many cells a text takes on a terminal. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text.replace(STYLES, "")) if (!/\p{M}/u.test(character)) cells += WIDE.test(character) ? 2 : 1;
  return cells;
}

export function pad(text: string, size: number, align: "left" | "right" = "left"): string {
  const space = " ".repeat(Math.max(0, size - cellsOf(text)));
  return align === "right" ? space + text : text + space;
}

/** Cut to a number of cells, with an ellipsis; styles that were begun are ended. */
export function cut(text: string, size: number): string {
  if (cellsOf(text) <= size) return text;
  let cells = 0;
  let kept = "";
  for (const [part] of text.matchAll(new RegExp(`${STYLES.source}|.`, "gsu"))) {
    const width = cellsOf(part);
    if (cells + width > size - 1) break;
    cells += width;
    kept += part;
  }
  return `${kept}…${kept.includes(ESCAPE) ? `${ESCAPE}[0m` : ""}`;
}

/** Break text at spaces; a word that is longer than a line is broken where the line ends. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line && cellsOf(line) + 1 + cellsOf(word) > width) {
      lines.push(line);
      line = "";
    }
    for (; cellsOf(word) > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

/** Break those lines that are too long; what they were indented by is kept. */
export const wrapLines = (lines: readonly string[], width: number): string[] =>
  lines.flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? "";
    return cellsOf(line) <= width ? [line] : wrap(line.slice(indent.length), width - indent.length).map((part) => indent + part);
  });

/** Whether there is colour is decided here, not by Node's own look at its standard output. */
const styled: Paint = (style, text) => styleText(style, text, { validateStream: false });

function wantsColour(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return terminal && env.TERM !== "dumb";
}

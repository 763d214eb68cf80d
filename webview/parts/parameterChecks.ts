/**
 * What is wrong with a value before it is sent: the rules and the words of the engine's `strategies/parameters.py`, so that
 * a form says at once what the engine would say. The engine checks again and has the last word.
 */
import { type ErrorBody, type Parameter, type ParameterValue, TinoError } from "#contracts";

const INTEGER = /^[+-]?[0-9]{1,30}$/;
const NUMBER = /^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$/;

/** Which values are allowed: `2 to 200`, `0 to 1, 0 excluded`, `2 or more`; null when all are. */
export function rangeWords({ minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf }: Parameter): string | null {
  const low = exclusiveMinimum ?? minimum;
  const high = exclusiveMaximum ?? maximum;
  const words: string[] = [];
  if (low !== null && high !== null) {
    words.push(`${low} to ${high}`);
    const excluded = [exclusiveMinimum, exclusiveMaximum].filter((bound) => bound !== null);
    if (excluded.length > 0) words.push(`${excluded.join(" and ")} excluded`);
  } else if (low !== null) words.push(exclusiveMinimum === null ? `${low} or more` : `more than ${low}`);
  else if (high !== null) words.push(exclusiveMaximum === null ? `${high} or less` : `less than ${high}`);
  if (multipleOf !== null) words.push(`steps of ${multipleOf}`);
  return words.length > 0 ? words.join(", ") : null;
}

const EXPECTED: Record<Parameter["kind"], (parameter: Parameter) => string> = {
  integer: () => "a whole number",
  number: () => "a number",
  decimal: () => "a decimal number",
  boolean: () => "true or false",
  text: () => "text",
  choice: ({ choices }) => `one of ${(choices ?? []).join(", ")}`,
  instrument: () => "an instrument id such as AAPL.XNAS",
  barType: () => "a bar type such as AAPL.XNAS-1-DAY-LAST-EXTERNAL",
  instruments: () => "a list of instrument ids such as AAPL.XNAS",
  barTypes: () => "a list of bar types such as AAPL.XNAS-1-DAY-LAST-EXTERNAL",
};

/** The error a value would get, null when it is fine. A figure may still be the text that was typed. */
export function checkParameter(parameter: Parameter, value: ParameterValue): ErrorBody | null {
  const invalid = () =>
    TinoError.of("parameter_invalid", { name: parameter.name, expected: EXPECTED[parameter.kind](parameter), value: shown(value) }, { field: parameter.name })
      .body;
  if (value === null || value === "") {
    if (parameter.nullable || parameter.fromData || (value === "" && parameter.kind === "text")) return null;
    return parameter.required
      ? TinoError.of("parameter_missing", { strategy: "The strategy", name: parameter.name }, { field: parameter.name }).body
      : invalid();
  }
  if (!fits(parameter, value)) return invalid();
  if (!inside(parameter, value)) {
    return TinoError.of("parameter_out_of_range", { name: parameter.name, value: String(value), range: rangeWords(parameter) ?? "" }, { field: parameter.name })
      .body;
  }
  return null;
}

/** What was typed as the value that is sent: figures as figures, decimals as text. */
export function readText(parameter: Parameter, text: string): ParameterValue {
  const trimmed = text.trim();
  if (parameter.kind === "integer" && INTEGER.test(trimmed) && Number.isSafeInteger(Number(trimmed))) return Number(trimmed);
  if (parameter.kind === "number" && NUMBER.test(trimmed) && Number.isFinite(Number(trimmed))) return Number(trimmed);
  if (parameter.kind === "text") return text;
  return trimmed === "" && parameter.nullable ? null : trimmed;
}

function fits({ kind, choices }: Parameter, value: ParameterValue): boolean {
  switch (kind) {
    case "integer":
      return typeof value === "number" ? Number.isInteger(value) : typeof value === "string" && INTEGER.test(value);
    case "number":
    case "decimal":
      return typeof value === "number" ? Number.isFinite(value) : typeof value === "string" && NUMBER.test(value);
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && (choices ?? []).includes(value);
    case "text":
    case "instrument":
    case "barType":
      return typeof value === "string";
    case "instruments":
    case "barTypes":
      return Array.isArray(value);
  }
}

function inside(parameter: Parameter, value: ParameterValue): boolean {
  if (!["integer", "number", "decimal"].includes(parameter.kind)) return true;
  const figure = Number(value);
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf } = parameter;
  return (
    (minimum === null || figure >= minimum) &&
    (exclusiveMinimum === null || figure > exclusiveMinimum) &&
    (maximum === null || figure <= maximum) &&
    (exclusiveMaximum === null || figure < exclusiveMaximum) &&
    (!multipleOf || isMultiple(figure, multipleOf))
  );
}

/** Counted in decimals: 0.3 is three steps of 0.1, whatever binary fractions say. */
function isMultiple(value: number, step: number): boolean {
  const decimals = Math.max(...[value, step].map((figure) => (String(figure).includes("e-") ? 12 : (String(figure).split(".")[1]?.length ?? 0))));
  const scale = 10 ** decimals;
  return Math.round(value * scale) % Math.round(step * scale) === 0;
}

function shown(value: ParameterValue): string {
  if (value === null) return "nothing";
  return String(value) || "empty text";
}

/** Log records as lines for people. */

import { startLogTail } from "../../supervisor/engineProcess.ts";
import { redactText } from "../../supervisor/log.ts";
import type { Paths } from "../../supervisor/paths.ts";
import { clockTime } from "../format.ts";
import type { Paint } from "../output.ts";
import { type LogRecord, parseRecord } from "../verbs/logs.ts";

const LEVEL_STYLE: Record<string, "dim" | "yellow" | "red"> = { debug: "dim", warning: "yellow", error: "red", critical: "red" };

/** `14:03:27.120  info     supervision  healthy  pid=4711 port=40123` */
export function logLine({ ts, level, component, event, ...data }: LogRecord, paint: Paint): string {
  const at = Date.parse(ts);
  const time = Number.isNaN(at) ? ts : `${clockTime(at)}.${String(at % 1000).padStart(3, "0")}`;
  const style = LEVEL_STYLE[level];
  const { exception, ...facts } = data;
  const pairs = Object.entries(facts).map(
    ([key, value]) => `${paint("dim", `${key}=`)}${typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value)}`,
  );
  const head = [
    paint("dim", time),
    style ? paint(style, level.padEnd(7)) : level.padEnd(7),
    component.padEnd(11),
    event,
    ...(pairs.length > 0 ? [pairs.join(" ")] : []),
  ].join("  ");
  return typeof exception === "string" ? `${head}\n${exception.trimEnd().replace(/^/gm, "    ")}` : head;
}

/** The end of what an engine that would not start said, for people. */
export const tailLines = (paths: Paths, paint: Paint): string[] =>
  startLogTail(paths).flatMap((line) => {
    const record = parseRecord(line);
    return (record ? logLine(record, paint) : redactText(line)).split("\n");
  });

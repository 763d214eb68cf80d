/** What every verb gets: where tino is, where the user is, what may be shown, and when to stop. */
import { systemClock } from "../supervisor/clock.ts";
import { locateInstallation } from "../supervisor/locate.ts";
import { fileLog, isLevel } from "../supervisor/log.ts";
import { pathsOf } from "../supervisor/paths.ts";
import { type Place, placeOf } from "../supervisor/place.ts";
import { type Screen, screenOf } from "./output.ts";

export interface Context {
  readonly place: Place;
  readonly screen: Screen;
  /** The folder the user is in. */
  readonly cwd: string;
  /** Aborted by the first Ctrl-C, by SIGTERM, and when the terminal goes away. */
  readonly signal: AbortSignal;
}

/** `from` is the folder of the running program. */
export function buildContext(from: string, json: boolean, signal: AbortSignal): Context {
  const paths = pathsOf();
  const { TINO_LOG_LEVEL: level } = process.env;
  const log = fileLog(paths.clientLog, systemClock, isLevel(level) ? level : "info");
  return { place: placeOf(paths, locateInstallation(from), log), screen: screenOf(json), cwd: process.cwd(), signal };
}

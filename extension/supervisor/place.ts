/** Where a client works and what it needs of the machine: built once by each, handed to everything in `supervisor/`. */
import { type Clock, systemClock } from "./clock.ts";
import type { Installation } from "./locate.ts";
import type { Log } from "./log.ts";
import type { Environment, Paths } from "./paths.ts";
import { type Processes, systemProcesses } from "./processes.ts";

export interface Place {
  readonly paths: Paths;
  readonly installation: Installation;
  /** Environment that an engine's own is taken from. */
  readonly env: Environment;
  readonly log: Log;
  readonly clock: Clock;
  readonly processes: Processes;
}

/** A place on the real machine. */
export const placeOf = (paths: Paths, installation: Installation, log: Log, env: Environment = process.env): Place => ({
  paths,
  installation,
  env,
  log,
  clock: systemClock,
  processes: systemProcesses,
});

/** Where a client works and what it needs of the machine: built once by each, handed to everything in `supervisor/`. */
import { type Clock, systemClock } from "./clock.ts";
import type { Installation } from "./locate.ts";
import type { Log } from "./log.ts";
import type { Paths } from "./paths.ts";
import { type Processes, systemProcesses } from "./processes.ts";

export interface Place {
  readonly paths: Paths;
  readonly installation: Installation;
  readonly log: Log;
  readonly clock: Clock;
  readonly processes: Processes;
}

/** A place on the real machine. */
export const placeOf = (paths: Paths, installation: Installation, log: Log): Place => ({
  paths,
  installation,
  log,
  clock: systemClock,
  processes: systemProcesses,
});

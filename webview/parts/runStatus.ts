/** A run's status in words. */
import type { RunStatus } from "#contracts";

export const STATUS_WORDS: Readonly<Record<RunStatus, string>> = {
  queued: "Queued",
  running: "Running",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
};

/** Waiting or under way: it can be cancelled, and more is to come. */
export const isActive = ({ status }: { readonly status: RunStatus }): boolean => status === "queued" || status === "running";

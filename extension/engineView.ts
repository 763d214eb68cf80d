/**
 * The engine as this window sees it: what the link says about the connection, and the engine's own state, kept current by its
 * events. Pure, so that every state the status bar can show is testable without an editor.
 */
import type { Client, Envelope, RunSummary, Snapshot } from "#contracts";
import type { LinkState } from "./client/engineLink.ts";

export interface EngineView {
  readonly link: LinkState;
  /** The newest state heard of, also while the connection is lost; null before the first. */
  readonly snapshot: Snapshot | null;
}

export const NOTHING_YET: EngineView = { link: { kind: "idle" }, snapshot: null };

/**
 * The engine in one word. `offline`: none is used; `stale`: it does not answer or is being started again, and what is shown may
 * be old; `error`: it could not be started.
 */
export type EngineWord = "offline" | "starting" | "healthy" | "stale" | "error";

export function wordOf({ link }: EngineView): EngineWord {
  switch (link.kind) {
    case "idle":
    case "stopped":
      return "offline";
    case "starting":
      return link.repairing ? "stale" : "starting";
    case "live":
      return "healthy";
    case "silent":
      return "stale";
    case "failed":
      return "error";
  }
}

/** Runs that are queued or running. */
export function activeRuns({ snapshot }: EngineView): RunSummary[] {
  return snapshot?.runs.filter(isActive) ?? [];
}

export const isActive = (run: RunSummary): boolean => run.status === "queued" || run.status === "running";

/** Fold one event into the state that precedes it. The link has already made sure that none is missing and none comes twice. */
export function foldEvent(snapshot: Snapshot, { seq, event }: Envelope): Snapshot {
  switch (event.type) {
    case "run.changed":
    case "run.labelled":
    case "run.edited":
      return { ...withRuns(snapshot, mergeRuns(snapshot.runs, [event.run])), seq };
    case "run.progressed":
      // Progress of an ended run comes too late to be shown.
      return { ...snapshot, seq, runs: snapshot.runs.map((run) => (run.id === event.id && isActive(run) ? { ...run, progress: event.progress } : run)) };
    case "run.deleted":
      return {
        ...withRuns(
          snapshot,
          snapshot.runs.filter(({ id }) => id !== event.id),
        ),
        seq,
      };
    case "client.joined":
      return withClients(snapshot, seq, [...withoutClient(snapshot.status.clients, event.client), event.client]);
    case "client.left":
      return withClients(snapshot, seq, withoutClient(snapshot.status.clients, event.client));
    case "engine.changed":
      return { ...snapshot, seq, status: { ...snapshot.status, state: event.state } };
    // The catalog is asked for when it is needed, and traders have no view yet.
    case "data.changed":
    case "import.changed":
    case "download.changed":
    case "sweep.changed":
    case "sweep.progressed":
    case "sweep.removed":
    case "validation.changed":
    case "validation.progressed":
    case "orderbook_delta":
    case "trade":
    case "order_state":
    case "position_state":
    case "risk_alert":
      return { ...snapshot, seq };
  }
}

/** Take in runs that were fetched. */
export function addRuns(snapshot: Snapshot, runs: readonly RunSummary[]): Snapshot {
  return withRuns(snapshot, mergeRuns(snapshot.runs, runs));
}

/** Newest first; an identifier sorts as its start does. */
function mergeRuns(known: readonly RunSummary[], news: readonly RunSummary[]): RunSummary[] {
  const byId = new Map([...known, ...news].map((run) => [run.id, run]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

function withRuns(snapshot: Snapshot, runs: RunSummary[]): Snapshot {
  const count = (status: RunSummary["status"]) => runs.filter((run) => run.status === status).length;
  return { ...snapshot, runs, status: { ...snapshot.status, runsRunning: count("running"), runsQueued: count("queued") } };
}

const withClients = (snapshot: Snapshot, seq: number, clients: Client[]): Snapshot => ({ ...snapshot, seq, status: { ...snapshot.status, clients } });

const withoutClient = (clients: readonly Client[], gone: Client): Client[] =>
  clients.filter(({ kind, pid, since }) => kind !== gone.kind || pid !== gone.pid || since !== gone.since);

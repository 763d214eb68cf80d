/** What the live view knows, and how each message changes it. Pure, so that it can be tested without a terminal. */
import type { Client, Envelope, Event, RunProgress, RunSummary, Snapshot } from "#contracts";
import type { LinkState } from "../../client/engineLink.ts";
import { clientName } from "../format.ts";
import type { Paint } from "../output.ts";
import { runSentence } from "./runText.ts";

export interface Happening {
  readonly at: number;
  readonly text: string;
}

export interface LiveModel {
  readonly link: LinkState;
  readonly engine: Pick<Snapshot["status"], "pid" | "port" | "mode" | "state" | "startedAt" | "version"> | null;
  readonly clients: readonly Client[];
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  readonly progress: ReadonlyMap<string, RunProgress>;
  /** Newest first, bounded. */
  readonly happenings: readonly Happening[];
}

export type LiveMessage =
  | { readonly type: "link"; readonly state: LinkState; readonly at: number }
  | { readonly type: "snapshot"; readonly snapshot: Snapshot }
  | { readonly type: "event"; readonly event: Event; readonly envelope: Envelope };

export const EMPTY: LiveModel = { link: { kind: "idle" }, engine: null, clients: [], runs: [], progress: new Map(), happenings: [] };

const KEPT_HAPPENINGS = 100;
const KEPT_RUNS = 200;
const plain: Paint = (_, text) => text;

export function reduce(model: LiveModel, message: LiveMessage): LiveModel {
  switch (message.type) {
    case "link":
      return { ...happened(model, message.at, linkSentence(model.link, message.state)), link: message.state };
    case "snapshot": {
      const { status, runs } = message.snapshot;
      return { ...model, engine: status, clients: status.clients, runs, progress: new Map() };
    }
    case "event":
      return { ...happened(apply(model, message.event), message.envelope.at, eventSentence(message.event)) };
  }
}

function apply(model: LiveModel, event: Event): LiveModel {
  switch (event.type) {
    case "run.changed":
    case "run.labelled":
    case "run.edited": {
      const others = model.runs.filter((run) => run.id !== event.run.id);
      // Ids sort by start, so the list stays in order whichever of them changed.
      const runs = [event.run, ...others].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, KEPT_RUNS);
      return { ...model, runs, progress: without(model.progress, event.run.status === "running" ? null : event.run.id) };
    }
    case "run.deleted":
      return { ...model, runs: model.runs.filter((run) => run.id !== event.id) };
    case "run.progressed":
      return { ...model, progress: new Map(model.progress).set(event.id, event.progress) };
    case "client.joined":
      return { ...model, clients: [...model.clients.filter((client) => !isSame(client, event.client)), event.client] };
    case "client.left":
      return { ...model, clients: model.clients.filter((client) => !isSame(client, event.client)) };
    case "engine.changed":
      return model.engine ? { ...model, engine: { ...model.engine, state: event.state } } : model;
    default:
      return model;
  }
}

function eventSentence(event: Event): string | null {
  switch (event.type) {
    case "run.changed":
      return event.run.status === "queued" ? null : runSentence(event.run, plain);
    case "client.joined":
      return `${clientName(event.client)} joined`;
    case "client.left":
      return `${clientName(event.client)} left`;
    case "engine.changed":
      return event.state === "healthy" ? null : `the engine is ${event.state}`;
    case "data.changed":
      return event.barTypes.length > 0
        ? `data changed: ${event.barTypes.slice(0, 3).join(", ")}${event.barTypes.length > 3 ? ` and ${event.barTypes.length - 3} more` : ""}`
        : null;
    case "risk_alert":
      return `${event.severity}: ${event.message}`;
    default:
      return null;
  }
}

function linkSentence(before: LinkState, now: LinkState): string | null {
  if (before.kind === now.kind) return null;
  switch (now.kind) {
    case "live":
      return before.kind === "silent" ? "the engine answers again" : `connected to the engine, process ${now.connection.pid}`;
    case "silent":
      return "the engine does not answer";
    case "stopped":
      return "the engine was stopped";
    case "failed":
      return now.error.message;
    case "starting":
      return now.repairing ? "the engine is gone; starting it again" : null;
    case "idle":
      return null;
  }
}

const happened = (model: LiveModel, at: number, text: string | null): LiveModel =>
  text === null ? model : { ...model, happenings: [{ at, text }, ...model.happenings].slice(0, KEPT_HAPPENINGS) };

const isSame = (one: Client, other: Client): boolean => one.kind === other.kind && one.pid === other.pid && (one.pid !== null || one.since === other.since);

function without(progress: LiveModel["progress"], id: string | null): LiveModel["progress"] {
  if (id === null || !progress.has(id)) return progress;
  const kept = new Map(progress);
  kept.delete(id);
  return kept;
}

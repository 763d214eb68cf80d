/**
 * What the event stream says, as one value: a snapshot replaces it, an event is folded in.
 *
 * Pure, so that it can be tested without a page. Fetched resources (results, series, symbols) do not belong here; they
 * are kept by the query cache, which asks again when an event says that they changed.
 */
import type { EngineStatus, Event, RunSummary, ServerMessage } from "#contracts";

export interface State {
  readonly instance: string | null;
  readonly seq: number;
  /** Events are missing between the last one and the newest: only a snapshot helps. */
  readonly gap: boolean;
  readonly status: EngineStatus | null;
  /** Runs as the newest word on them says, by id; not all there are, only those heard of. */
  readonly runs: ReadonlyMap<string, RunSummary>;
}

export const EMPTY: State = { instance: null, seq: 0, gap: false, status: null, runs: new Map() };

/** Fold one message of the stream into the state. What was seen before changes nothing. */
export function reduce(state: State, message: ServerMessage): State {
  switch (message.kind) {
    case "snapshot":
      return {
        instance: message.instance,
        seq: message.seq,
        gap: false,
        status: message.status,
        runs: new Map(message.runs.map((run) => [run.id, run])),
      };
    case "resumed":
      return message.instance === state.instance ? state : { ...state, gap: true };
    case "event": {
      if (message.instance !== state.instance) return { ...state, gap: true };
      if (message.seq <= state.seq) return state;
      if (message.seq !== state.seq + 1) return { ...state, gap: true };
      return { ...fold(state, message.event), seq: message.seq };
    }
  }
}

function fold(state: State, event: Event): State {
  switch (event.type) {
    case "run.changed":
    case "run.labelled":
    case "run.edited":
      return { ...state, runs: new Map(state.runs).set(event.run.id, event.run) };
    case "run.progressed": {
      const run = state.runs.get(event.id);
      // Progress of an ended run comes too late; of an unknown one it says nothing that could be shown.
      if (!run || (run.status !== "running" && run.status !== "queued")) return state;
      return { ...state, runs: new Map(state.runs).set(event.id, { ...run, progress: event.progress }) };
    }
    case "run.deleted": {
      const runs = new Map(state.runs);
      runs.delete(event.id);
      return { ...state, runs };
    }
    case "engine.changed":
      return state.status ? { ...state, status: { ...state.status, state: event.state } } : state;
    case "client.joined":
      return state.status ? { ...state, status: { ...state.status, clients: [...state.status.clients, event.client] } } : state;
    case "client.left": {
      if (!state.status) return state;
      const { kind, pid, since } = event.client;
      const clients = state.status.clients.filter((client) => client.kind !== kind || client.pid !== pid || client.since !== since);
      return { ...state, status: { ...state.status, clients } };
    }
    // The catalog and its imports are fetched, and what traders do has no page yet.
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
      return state;
  }
}

/** The present state and who wants to know when it changes. */
export class Store {
  #state: State = EMPTY;
  readonly #watchers = new Set<() => void>();
  readonly get = (): State => this.#state;
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
  take(message: ServerMessage): void {
    const next = reduce(this.#state, message);
    if (next === this.#state) return;
    this.#state = next;
    for (const watcher of this.#watchers) watcher();
  }
}

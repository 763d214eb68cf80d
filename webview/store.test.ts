import { describe, expect, test } from "vitest";
import type { EngineStatus, Event, RunSummary, ServerMessage } from "#contracts";
import { EMPTY, reduce, type State } from "./store.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

const status = { state: "healthy", mode: "PAPER", clients: [] } as unknown as EngineStatus;
const run = (id: string, part: Partial<RunSummary> = {}): RunSummary => ({ id, status: "running", progress: null, ...part }) as RunSummary;
const snapshot = (seq: number, runs: RunSummary[] = [], instance = A): ServerMessage => ({
  kind: "snapshot",
  instance,
  seq,
  ledgerSeq: 0,
  missed: [],
  status,
  runs,
});
const event = (seq: number, happened: Event, instance = A): ServerMessage => ({ kind: "event", instance, seq, ledgerSeq: null, at: 0, event: happened });
const folded = (...messages: ServerMessage[]): State => messages.reduce(reduce, EMPTY);

describe("a snapshot", () => {
  test("replaces everything that was heard before", () => {
    const state = folded(snapshot(3, [run("r1")]), event(4, { type: "run.changed", run: run("r2") }), snapshot(9, [run("r3")], B));
    expect([...state.runs.keys()]).toEqual(["r3"]);
    expect(state).toMatchObject({ instance: B, seq: 9, gap: false });
  });

  test("closes a gap", () => {
    expect(folded(snapshot(1), event(5, { type: "data.changed", barTypes: [] })).gap).toBe(true);
    expect(folded(snapshot(1), event(5, { type: "data.changed", barTypes: [] }), snapshot(5)).gap).toBe(false);
  });
});

describe("an event", () => {
  const progress = { phase: "running", barsDone: 5, barsTotal: 10, barsPerSecond: null, remainingMs: null } as const;

  test("of a run replaces what was known of it", () => {
    const state = folded(snapshot(1, [run("r1")]), event(2, { type: "run.changed", run: run("r1", { status: "finished" }) }));
    expect(state.runs.get("r1")?.status).toBe("finished");
    expect(state.seq).toBe(2);
  });

  test("of progress moves a running run only", () => {
    const moved = folded(
      snapshot(1, [run("r1"), run("r2", { status: "finished" })]),
      event(2, { type: "run.progressed", id: "r1", progress }),
      event(3, { type: "run.progressed", id: "r2", progress }),
    );
    expect(moved.runs.get("r1")?.progress).toEqual(progress);
    expect(moved.runs.get("r2")?.progress).toBeNull();
    expect(moved.seq).toBe(3);
  });

  test("that was folded before changes nothing", () => {
    const state = folded(snapshot(1), event(2, { type: "run.changed", run: run("r1", { status: "finished" }) }));
    expect(reduce(state, event(2, { type: "run.changed", run: run("r1") }))).toBe(state);
  });

  test.each([
    ["a missing number", event(4, { type: "data.changed", barTypes: [] })],
    ["another instance", event(2, { type: "data.changed", barTypes: [] }, B)],
    ["a resume by another instance", { kind: "resumed", instance: B, seq: 1 } satisfies ServerMessage],
  ])("after %s asks for a snapshot", (_, message) => {
    expect(reduce(folded(snapshot(1)), message).gap).toBe(true);
  });

  test("of clients and the engine changes the status", () => {
    const client = { kind: "cli", pid: 7, since: 5, tty: null, workspace: null, connected: true } as const;
    const joined = folded(snapshot(1), event(2, { type: "client.joined", client }));
    expect(joined.status?.clients).toEqual([client]);
    const left = reduce(joined, event(3, { type: "client.left", client }));
    expect(left.status?.clients).toEqual([]);
    expect(reduce(left, event(4, { type: "engine.changed", state: "stopping" })).status?.state).toBe("stopping");
  });
});

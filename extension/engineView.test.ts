import { describe, expect, it } from "vitest";
import { type Event, RunSummary, Snapshot } from "#contracts";
import runs from "../contracts/samples/RunSummary.json" with { type: "json" };
import messages from "../contracts/samples/ServerMessage.json" with { type: "json" };
import type { LinkState } from "./client/engineLink.ts";
import { activeRuns, addRuns, type EngineView, foldEvent, NOTHING_YET, wordOf } from "./engineView.ts";
import { indicatorOf } from "./views/indicator.ts";

const given = Snapshot.parse(messages.valid.find(({ kind }) => kind === "snapshot"));
const start: Snapshot = { ...given, seq: 10, runs: [], status: { ...given.status, clients: [], runsRunning: 0, runsQueued: 0 } };
const runOf = (id: string, status: RunSummary["status"]): RunSummary => ({
  ...RunSummary.parse(runs.valid[0]),
  id: `run_${id.padStart(20, "0")}`,
  status,
  progress: null,
});
const connection = { pid: 1, startId: null, bootId: null, port: 2, instance: "", protocol: 1, version: "", startedAt: 0, logPath: "", token: "" };

let seq = start.seq;
const event = (content: Event) => ({ kind: "event" as const, instance: start.instance, seq: ++seq, ledgerSeq: null, at: 0, event: content });
const fold = (from: Snapshot, ...events: Event[]) => events.reduce((state, content) => foldEvent(state, event(content)), from);
const changed = (run: RunSummary): Event => ({ type: "run.changed", run });

describe("folding events", () => {
  it("takes in runs, newest first, the newest word on each, and counts those under way", () => {
    const state = fold(start, changed(runOf("1", "queued")), changed(runOf("2", "running")), changed(runOf("1", "running")), changed(runOf("2", "finished")));
    expect(state.runs.map(({ id, status }) => [id.at(-1), status])).toEqual([
      ["2", "finished"],
      ["1", "running"],
    ]);
    expect([state.status.runsRunning, state.status.runsQueued]).toEqual([1, 0]);
    expect(state.seq).toBe(seq);
  });

  it("progress belongs to runs under way only", () => {
    const progress = { phase: "running" as const, barsDone: 1, barsTotal: 2, barsPerSecond: null, remainingMs: null };
    const running = runOf("1", "running");
    const state = fold(start, changed(running), { type: "run.progressed", id: running.id, progress });
    expect(state.runs[0]?.progress).toEqual(progress);
    const ended = fold(state, changed({ ...running, status: "cancelled" }), { type: "run.progressed", id: running.id, progress });
    expect(ended.runs[0]?.progress).toBeNull();
  });

  it("clients come once and go", () => {
    const client = { kind: "vscode" as const, pid: 7, since: 1, tty: null, workspace: null, connected: true };
    const joined = fold(start, { type: "client.joined", client }, { type: "client.joined", client });
    expect(joined.status.clients).toEqual([client]);
    expect(fold(joined, { type: "client.left", client: { ...client, connected: false } }).status.clients).toEqual([]);
  });

  it("what has no view here still counts as seen", () => {
    const state = fold(start, { type: "data.changed", barTypes: [] });
    expect(state).toEqual({ ...start, seq });
  });

  it("runs that were fetched join those that are known", () => {
    expect(addRuns(fold(start, changed(runOf("3", "finished"))), [runOf("1", "failed"), runOf("3", "finished")]).runs.map(({ id }) => id.at(-1))).toEqual([
      "3",
      "1",
    ]);
  });
});

describe("the engine in a word, and what the status bar says", () => {
  const states: [LinkState, string, string][] = [
    [{ kind: "idle" }, "offline", "offline"],
    [{ kind: "starting", phase: "x", repairing: false }, "starting", "starting"],
    [{ kind: "starting", phase: "x", repairing: true }, "stale", "stale"],
    [{ kind: "live", connection }, "healthy", ""],
    [{ kind: "silent", connection }, "stale", "stale"],
    [{ kind: "stopped" }, "offline", "offline"],
    [{ kind: "failed", error: new Error("x") as never }, "error", "error"],
  ];
  it.each(states)("%o", (link, word, state) => {
    const view: EngineView = { link, snapshot: null };
    expect(wordOf(view)).toBe(word);
    expect(indicatorOf(view, true).state).toBe(state);
  });

  it("tells how many runs are under way", () => {
    const one = fold(start, changed(runOf("1", "running")));
    const view = (snapshot: Snapshot): EngineView => ({ link: { kind: "live", connection }, snapshot });
    expect(indicatorOf(view(one), true).state).toBe("1 run");
    expect(indicatorOf(view(fold(one, changed(runOf("2", "queued")))), true).state).toBe("2 runs");
    expect(activeRuns(view(one))).toHaveLength(1);
  });

  it("says that an untrusted folder is restricted, whatever the engine does", () => {
    expect(indicatorOf(NOTHING_YET, false).state).toBe("restricted");
  });
});

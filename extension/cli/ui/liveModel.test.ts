/** What the live view makes of what it hears. */
import { expect, test } from "vitest";
import { type Client, type Event, type RunSummary, type Snapshot, TinoError } from "#contracts";
import { EMPTY, type LiveMessage, type LiveModel, reduce } from "./liveModel.ts";

const run = (id: string, change: Partial<RunSummary> = {}) =>
  ({ id, name: "Ema", status: "finished", symbols: ["AAPL.XNAS"], barTypes: [], metrics: null, error: null, ...change }) as RunSummary;
const client = (pid: number | null, change: Partial<Client> = {}): Client => ({
  kind: "cli",
  pid,
  since: 1,
  tty: null,
  workspace: null,
  connected: true,
  ...change,
});
const snapshot = (runs: RunSummary[], clients: Client[] = []): LiveMessage => ({
  type: "snapshot",
  snapshot: { runs, status: { state: "healthy", clients, pid: 1 } } as unknown as Snapshot,
});
const event = (happening: Event): LiveMessage => ({ type: "event", event: happening, envelope: { at: 1 } as never });
const changed = (summary: RunSummary) => event({ type: "run.changed", run: summary });
const after = (...messages: LiveMessage[]): LiveModel => messages.reduce(reduce, EMPTY);
const progress = { phase: "running", barsDone: 5, barsTotal: 10, barsPerSecond: null, remainingMs: null } as const;

test("runs are in order of their ids whichever changes, and there once", () => {
  const model = after(
    snapshot([run("run_2"), run("run_1")]),
    changed(run("run_1", { status: "running" })),
    changed(run("run_3", { status: "queued" })),
    changed(run("run_3", { status: "running" })),
  );
  expect(model.runs.map(({ id, status }) => `${id} ${status}`)).toEqual(["run_3 running", "run_2 finished", "run_1 running"]);
});

test("progress is kept while a run goes on, and forgotten at its end", () => {
  const going = after(snapshot([run("run_1", { status: "running" })]), event({ type: "run.progressed", id: "run_1", progress }));
  expect(going.progress.get("run_1")).toEqual(progress);
  expect(reduce(going, changed(run("run_1", { status: "running" }))).progress.size).toBe(1);
  expect(reduce(going, changed(run("run_1"))).progress.size).toBe(0);
});

test("clients come and go; pages, which have no process, are told apart by when they came", () => {
  const joined = (who: Client) => event({ type: "client.joined", client: who });
  const left = (who: Client) => event({ type: "client.left", client: who });
  const page = (since: number) => client(null, { kind: "browser", since });
  const model = after(snapshot([], [client(1)]), joined(client(1)), joined(client(2)), joined(page(1)), joined(page(2)), left(page(1)), left(client(1)));
  expect(model.clients).toEqual([client(2), page(2)]);
});

test("what happened is said in words, newest first, and not what nobody wants to read", () => {
  const failed = run("run_2", { status: "failed", error: TinoError.of("run_cancelled").body });
  const model = after(
    { type: "link", state: { kind: "starting", phase: "x", repairing: false }, at: 0 },
    snapshot([]),
    changed(run("run_1", { status: "queued" })),
    event({ type: "run.progressed", id: "run_1", progress }),
    changed(failed),
    event({ type: "client.joined", client: client(7, { kind: "vscode", workspace: "/w" }) }),
    event({ type: "data.changed", barTypes: ["a", "b", "c", "d"] }),
    { type: "link", state: { kind: "stopped" }, at: 9 },
    { type: "link", state: { kind: "stopped" }, at: 10 },
  );
  expect(model.happenings.map(({ text }) => text)).toEqual([
    "the engine was stopped",
    "data changed: a, b, c and 1 more",
    "window 7 (/w) joined",
    "Ema on AAPL.XNAS failed: The run was cancelled.",
  ]);
});

test("it does not grow without bound", () => {
  let model = after(snapshot([]));
  for (let index = 0; index < 1_000; index += 1) model = reduce(model, changed(run(`run_${String(index).padStart(4, "0")}`)));
  expect([model.runs.length, model.happenings.length]).toEqual([200, 100]);
  expect(model.runs[0]?.id).toBe("run_0999");
});

test("a snapshot replaces what was known", () => {
  const model = after(snapshot([run("run_1")], [client(1)]), event({ type: "run.progressed", id: "run_1", progress }), snapshot([run("run_2")]));
  expect([model.runs.map(({ id }) => id), model.clients, model.progress.size]).toEqual([["run_2"], [], 0]);
});

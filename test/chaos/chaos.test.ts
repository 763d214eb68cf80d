/**
 * The chaos runs in small, and whether their judge can find anything: each promise is broken once in made-up evidence. The runs themselves
 * are `npm run chaos` and the check `chaos`.
 */
import { expect, test } from "vitest";
import type { Report } from "./client.ts";
import { reloads, storm } from "./crowds.ts";
import { type Evidence, judge, type LedgerRow } from "./judge.ts";
import { type Action, makeSchedule } from "./schedule.ts";

test("ten clients that start in the same instant have one engine, each time", async () => {
  expect(await storm(10, 2)).toMatchObject({ done: 2, findings: [] });
}, 240_000);

test("windows that reload at once, one in four killed, keep their engine", async () => {
  expect(await reloads(12, 4, 7)).toMatchObject({ done: 12, findings: [] });
}, 240_000);

test("a seed gives the same schedule each time, and another seed another", () => {
  expect(makeSchedule(7, 8)).toEqual(makeSchedule(7, 8));
  expect(makeSchedule(8, 8).actions).not.toEqual(makeSchedule(7, 8).actions);
});

test("every kind of action comes up, and no engine is ended so often that it is a crash loop", () => {
  const schedules = Array.from({ length: 200 }, (_, seed) => makeSchedule(seed, 8));
  const kinds = new Set(schedules.flatMap(({ actions }) => actions.map((action) => action.do)));
  expect([...kinds].sort()).toEqual([
    "backtest",
    "deleteRun",
    "force",
    "hangEngine",
    "kill",
    "killEngine",
    "leave",
    "pause",
    "pauseEngine",
    "reload",
    "reusePid",
    "start",
    "untilLive",
  ]);
  const fatal: Action["do"][] = ["killEngine", "deleteRun", "hangEngine", "force", "reusePid"];
  const ends = schedules.map(({ actions }) => actions.filter((action) => fatal.includes(action.do)).length);
  expect(Math.max(...ends)).toBe(2);
});

const A = "a".repeat(32);
const B = "b".repeat(32);
const client = (seq: number, type: "client.joined" | "client.left", instance: string, pid: number): LedgerRow => ({
  seq,
  type,
  key: `${instance}:${type}:cli:${pid}:1:00`,
  run: null,
  status: null,
  pid,
  since: 1,
});
const run = (seq: number, status: string): LedgerRow => ({ seq, type: "run.changed", key: `r:${status}`, run: "r", status, pid: null, since: null });

/** Two engines, one after the other; a client that saw both, with a run that the first one's death interrupted. */
const good: Evidence = {
  clients: [
    {
      pid: 10,
      reports: [
        { at: 1, snapshot: 1, instance: A },
        { at: 2, durable: 2, subject: { type: "client.joined", pid: 11 } },
        { at: 3, accepted: "r" },
        { at: 4, durable: 3, subject: { type: "run.changed", run: "r", status: "queued" } },
        { at: 5, durable: 4, subject: { type: "run.changed", run: "r", status: "interrupted" } },
        { at: 5, durable: 5, subject: { type: "client.joined", pid: 10 } },
        { at: 6, snapshot: 5, instance: B },
      ],
    },
  ],
  lives: [
    { pid: 1, instance: A, healthyAt: 100, seenAt: 200 },
    { pid: 2, instance: B, healthyAt: 300, seenAt: 400 },
  ],
  ledger: {
    integrity: "ok",
    poison: 0,
    runs: { r: "interrupted" },
    events: [client(1, "client.joined", A, 10), client(2, "client.joined", A, 11), run(3, "queued"), run(4, "interrupted"), client(5, "client.joined", B, 10)],
  },
  orphans: [],
};

test("nothing is found where nothing is wrong", () => expect(judge(good)).toEqual([]));

const events = good.ledger.events;
const reports: readonly Report[] = good.clients[0]?.reports ?? [];
const told = (...changed: Report[]): Evidence => ({ ...good, clients: [{ pid: 10, reports: changed }] });
const written = (ledger: Partial<Evidence["ledger"]>): Evidence => ({ ...good, clients: [], ledger: { ...good.ledger, ...ledger } });
test.each<[string, string, Evidence]>([
  ["orphan", "a process that is left", { ...good, orphans: ["5 python"] }],
  ["overlap", "an engine that was there when the next was healthy", { ...good, lives: good.lives.map((life) => ({ ...life, seenAt: 350 })) }],
  ["overlap", "an engine that wrote between two writings of another", written({ events: [...events, client(6, "client.joined", A, 12)] })],
  ["lost", "a number missing in the ledger", written({ events: events.filter(({ seq }) => seq !== 2) })],
  ["lost", "an event that a client was not told", told(...reports.filter((report) => !("durable" in report && report.durable === 3)))],
  ["lost", "an event that came with the snapshot alone", told(...reports.filter((report) => !("durable" in report && report.durable === 5)))],
  ["lost", "a ledger that is behind what a client was told", told(...reports, { at: 7, snapshot: 4, instance: B })],
  ["lost", "an event that the ledger does not have like that", told(...reports, { at: 7, durable: 6, subject: { type: "client.left", pid: 3 } })],
  ["lost", "a run that was acknowledged and is nowhere", told(...reports, { at: 7, accepted: "s" })],
  ["lost", "a run without an end", written({ events: events.slice(0, 3) })],
  ["lost", "a client that left without having come", written({ events: [...events, client(6, "client.left", B, 11)] })],
  ["doubled", "an event told twice", told(...reports.flatMap((report): Report[] => ("durable" in report ? [report, report] : [report])))],
  ["doubled", "a run that ended twice", written({ events: [...events, { ...run(6, "finished") }] })],
  ["doubled", "a client that came twice", written({ events: [...events, client(6, "client.joined", B, 10)] })],
  ["run", "a run that failed", written({ runs: { r: "failed" }, events: [...events.slice(0, 3), run(4, "failed"), ...events.slice(4)] })],
  ["database", "a damaged database", written({ integrity: "row 5 missing from index" })],
  ["database", "a write that was set aside", written({ poison: 1 })],
  ["notEnded", "an engine that could not be ended by force", told(...reports, { at: 7, ended: "engine_unreachable" })],
  ["foreignSignal", "a signal to somebody else", told(...reports, { at: 7, signal: "SIGKILL", pid: 4, ours: false })],
])("found: %s, %s", (promise, _, evidence) => {
  expect(judge(evidence).map((finding) => finding.promise)).toContain(promise);
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FromPanel, TinoError } from "#contracts";
import { PanelTransport } from "./panelTransport.ts";

const said: FromPanel[] = [];
let saved: unknown;
let host: EventTarget;
const say = (data: unknown) => host.dispatchEvent(Object.assign(new Event("message"), { data }));
const lastId = () => (said.findLast((message) => message.kind === "call" || message.kind === "action") as { id: number }).id;
const open = () =>
  new PanelTransport({
    postMessage: (message) => said.push(message as FromPanel),
    getState: () => saved,
    setState: (state) => {
      saved = state;
    },
  });
const PAGE = { page: "backtest", run: null, path: null, name: null } as const;

beforeEach(() => {
  vi.useFakeTimers();
  host = new EventTarget();
  vi.stubGlobal("window", host);
  said.length = 0;
  saved = undefined;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a request", () => {
  test("is answered under its number, whatever comes between", async () => {
    const transport = open();
    const first = transport.call("getRun", { path: { id: "a" } });
    const one = lastId();
    const second = transport.call("getRun", { path: { id: "b" } });
    say({ kind: "reply", id: lastId(), value: "second" });
    say({ kind: "reply", id: one, value: "first" });
    expect(await first).toBe("first");
    expect(await second).toBe("second");
  });

  test("that fails gives the engine's error", async () => {
    const asked = open().call("getRun", { path: { id: "a" } });
    say({ kind: "failure", id: lastId(), error: TinoError.of("run_not_found", { id: "a" }).body });
    await expect(asked).rejects.toMatchObject({ code: "run_not_found", message: "There is no run a." });
  });

  test("that nobody answers ends by itself", async () => {
    const asked = open().call("listRuns", {});
    const outcome = expect(asked).rejects.toMatchObject({ code: "request_timeout", message: "The engine did not answer listRuns within 30 s." });
    await vi.advanceTimersByTimeAsync(30_000);
    await outcome;
    // An answer that comes later finds nobody and harms nobody.
    say({ kind: "reply", id: lastId(), value: "late" });
  });

  test("that asks a person takes as long as the person does", async () => {
    const saved = open().act({ type: "saveFile", name: "chart.png", bytes: new Uint8Array() });
    await vi.advanceTimersByTimeAsync(3_600_000);
    say({ kind: "reply", id: lastId(), value: null });
    await expect(saved).resolves.toBeUndefined();
  });

  test("that is no longer wanted ends with the wish", async () => {
    const abort = new AbortController();
    const asked = open().call("getRun", { path: { id: "a" } }, abort.signal);
    abort.abort(new Error("gone"));
    await expect(asked).rejects.toThrow("gone");
    await expect(open().call("getRun", { path: { id: "a" } }, abort.signal)).rejects.toThrow("gone");
  });
});

describe("a page", () => {
  test("asks for its state when it starts, and again when it lost the thread", () => {
    const transport = open();
    expect(said).toEqual([]);
    transport.start();
    transport.resync();
    expect(said).toEqual([{ kind: "ready" }, { kind: "ready" }]);
  });

  test("is told where it is, also when it listens late", () => {
    const transport = open();
    say({ kind: "init", state: { ...PAGE, run: "r1" } });
    const pages: unknown[] = [];
    transport.onPage((state) => pages.push(state));
    say({ kind: "navigate", state: { ...PAGE, page: "runs" } });
    expect(pages).toEqual([
      { ...PAGE, run: "r1" },
      { ...PAGE, page: "runs" },
    ]);
  });

  test("keeps what it shows and its notes for whoever revives it", () => {
    const transport = open();
    transport.showing({ ...PAGE, run: "r1" });
    transport.remember("tab", "trades");
    expect(saved).toEqual({ ...PAGE, run: "r1", memory: { tab: "trades" } });
    expect(open().recall("tab")).toBe("trades");
  });

  test("does not mind messages that are not for it", () => {
    const transport = open();
    const heard: unknown[] = [];
    transport.onServerMessage((message) => heard.push(message));
    for (const message of [null, "text", { kind: "other" }, { kind: "reply" }, { kind: "server", message: { kind: "event" } }]) say(message);
    expect(heard).toEqual([]);
  });

  test("hears of a lost engine, and how it stands when it listens late", () => {
    const transport = open();
    const heard: unknown[] = [];
    transport.onConnection((connection) => heard.push(connection));
    say({ kind: "connection", state: "lost" });
    transport.onConnection((connection) => heard.push(connection));
    expect(heard).toEqual(["connecting", "lost", "lost"]);
  });
});

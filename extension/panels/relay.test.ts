import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type Envelope, type PageState, type PanelCall, Snapshot, TinoError, ToPanel } from "#contracts";
import messages from "../../contracts/samples/ServerMessage.json" with { type: "json" };
import type { LinkState } from "../client/engineLink.ts";
import type { EngineView } from "../engineView.ts";
import { noticeHtml, PageManifest, pageHtml } from "./html.ts";
import { connectionOf, Relay, readArguments } from "./relay.ts";

const snapshot = Snapshot.parse(messages.valid.find(({ kind }) => kind === "snapshot"));
const page: PageState = { page: "backtest", run: null, path: "/w/a.py", name: "A" };
const envelope: Envelope = { kind: "event", instance: snapshot.instance, seq: 99, ledgerSeq: null, at: 0, event: { type: "data.changed", barTypes: [] } };
const run = `run_${"0".repeat(20)}`;

let posted: ToPanel[];
let calls: { name: PanelCall; args: unknown; intended: boolean }[];
let view: EngineView;
let answer: (name: PanelCall) => Promise<unknown>;
let relay: Relay;
let woken: number;

beforeEach(() => {
  posted = [];
  calls = [];
  woken = 0;
  view = { link: { kind: "idle" }, snapshot };
  answer = async () => ({ fine: true });
  relay = new Relay(
    {
      post: (message) => posted.push(ToPanel.parse(message)),
      view: () => view,
      call: (name, args, intended) => {
        calls.push({ name, args, intended });
        return answer(name);
      },
      act: async ({ type }) => {
        if (type === "showLog") throw TinoError.of("engine_not_running");
      },
      showing: () => undefined,
      awake: () => {
        woken += 1;
      },
      explain: (error) => (error instanceof TinoError ? error : TinoError.of("internal", { reference: String(error), log: "log" })),
      log: () => undefined,
    },
    page,
    true,
  );
});

const kinds = () => posted.map(({ kind }) => kind);

describe("what a page is sent", () => {
  it("nothing before it is ready, then the whole state and each event", async () => {
    relay.event(envelope);
    relay.connectionChanged();
    expect(posted).toEqual([]);
    await relay.receive({ kind: "ready" });
    relay.event(envelope);
    expect(posted).toEqual([
      { kind: "init", state: page },
      { kind: "connection", state: "connecting" },
      { kind: "server", message: snapshot },
      { kind: "server", message: envelope },
    ]);
    expect(woken).toBe(1);
  });

  it("nothing while it is hidden; the whole state when it is back", async () => {
    await relay.receive({ kind: "ready" });
    relay.setVisible(false);
    posted.length = 0;
    relay.event(envelope);
    relay.navigate({ ...page, run });
    relay.setVisible(true);
    expect(posted).toEqual([]);
    await relay.receive({ kind: "ready" });
    expect(posted[0]).toEqual({ kind: "init", state: { ...page, run } });
    expect(kinds()).toEqual(["init", "connection", "server"]);
  });

  it("a page that says it is ready is there, whatever was said about its panel", async () => {
    relay.setVisible(false);
    await relay.receive({ kind: "ready" });
    relay.snapshotChanged();
    expect(kinds()).toEqual(["init", "connection", "server", "connection", "server"]);
  });

  it("navigation, once it listens", async () => {
    await relay.receive({ kind: "ready" });
    relay.navigate({ ...page, run });
    expect(posted.at(-1)).toEqual({ kind: "navigate", state: { ...page, run } });
  });

  it("remembers what the page says it shows", async () => {
    await relay.receive({ kind: "state", state: { ...page, run } });
    expect(relay.state.run).toBe(run);
  });
});

describe("what a page asks for", () => {
  it("is answered", async () => {
    await relay.receive({ kind: "call", id: 7, call: "listSymbols", args: {} });
    expect(posted).toEqual([{ kind: "reply", id: 7, value: { fine: true } }]);
  });

  it("is answered with the error when it fails", async () => {
    answer = async () => Promise.reject(TinoError.of("run_not_found", { id: run }));
    await relay.receive({ kind: "call", id: 7, call: "getRun", args: { path: { id: run } } });
    expect(posted).toMatchObject([{ kind: "failure", id: 7, error: { code: "run_not_found" } }]);
  });

  it("is answered when the fault is ours", async () => {
    answer = () => {
      throw new Error("broken");
    };
    await relay.receive({ kind: "call", id: 7, call: "listSymbols", args: {} });
    expect(posted).toMatchObject([{ kind: "failure", id: 7, error: { code: "internal" } }]);
  });

  it("acts are answered too, either way", async () => {
    await relay.receive({ kind: "action", id: 1, action: { type: "openSource", path: "/w/a.py", line: 1 } });
    await relay.receive({ kind: "action", id: 2, action: { type: "showLog" } });
    expect(posted.map(({ kind }) => kind)).toEqual(["reply", "failure"]);
  });

  it("starts an engine only for what the user wants", async () => {
    await relay.receive({ kind: "call", id: 1, call: "listRuns", args: {} });
    await relay.receive({ kind: "call", id: 2, call: "startBacktest", args: { body: { path: "/w/a.py" } } });
    expect(calls.map(({ name, intended }) => [name, intended])).toEqual([
      ["listRuns", false],
      ["startBacktest", true],
    ]);
  });

  it("bytes get a buffer of their own size", async () => {
    answer = async () => new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    await relay.receive({ kind: "call", id: 1, call: "getBars", args: { query: { barType: "x" } } });
    const [reply] = posted;
    const value = reply?.kind === "reply" ? (reply.value as Uint8Array) : null;
    expect([...(value ?? [])]).toEqual([2, 3]);
    expect(value?.buffer.byteLength).toBe(2);
  });

  it.each(["shutdown", "createBrowserCode", "getHealth", "nothing", "__proto__"])("%s is not for pages", async (call) => {
    await relay.receive({ kind: "call", id: 3, call, args: {} });
    expect(posted).toMatchObject([{ kind: "failure", id: 3, error: { code: "request_invalid" } }]);
    expect(calls).toEqual([]);
  });

  it("whatever comes, nothing is thrown and every number is answered once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.option(fc.integer()), async (junk, id) => {
        posted.length = 0;
        await relay.receive(id === null ? junk : { ...(junk as object), id });
        expect(posted.filter(({ kind }) => kind === "failure" || kind === "reply")).toHaveLength(
          id === null && typeof (junk as { id?: unknown } | null)?.id !== "number" ? 0 : 1,
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("arguments", () => {
  it.each<[PanelCall, unknown, unknown]>([
    ["listSymbols", undefined, {}],
    ["listSymbols", { path: { id: "x" }, body: 1 }, {}],
    ["getRun", { path: { id: run, other: "x" } }, { path: { id: run } }],
    ["listStrategies", {}, { query: { folder: null } }],
    [
      "getSeries",
      { path: { id: run, series: "bars.0" }, query: { points: 10 } },
      { path: { id: run, series: "bars.0" }, query: { from: null, to: null, points: 10, level: null } },
    ],
  ])("of %s: %o", (name, args, read) => expect(readArguments(name, args)).toEqual(read));

  it.each<[PanelCall, unknown, string | null]>([
    ["getRun", {}, null],
    ["getRun", { path: { id: "" } }, "id"],
    ["startBacktest", {}, null],
    ["startBacktest", { body: { path: "/w/a.py", venue: { leverage: "many" } } }, "venue.leverage"],
    ["getBars", { query: { barType: "x", points: 0 } }, "points"],
  ])("of %s refused: %o", (name, args, field) => {
    expect(() => readArguments(name, args)).toThrow(expect.objectContaining({ code: "request_invalid" }));
    try {
      readArguments(name, args);
    } catch (error) {
      expect((error as TinoError).body.field).toBe(field);
    }
  });
});

it.each<[LinkState["kind"], boolean, string]>([
  ["idle", false, "connecting"],
  ["starting", false, "connecting"],
  ["starting", true, "lost"],
  ["live", false, "live"],
  ["silent", false, "lost"],
  ["stopped", false, "lost"],
  ["failed", false, "lost"],
])("the connection of a link that is %s, repairing %s, is %s", (kind, repairing, state) => {
  expect(connectionOf({ kind, repairing, phase: "" } as LinkState)).toBe(state);
});

describe("HTML", () => {
  const manifest = PageManifest.parse({ "index.html": { file: "assets/main-1.js", css: ["assets/main-2.css"], isEntry: true }, "_x.js": { file: "x" } });
  const html = pageHtml(manifest, { cspSource: "https://own", addressOf: (file) => `https://own/${file}?a="&b` });
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]?.split("; ") ?? [];

  it("loads the page's own files and nothing else", () => {
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src https://own");
    expect(policy.filter((rule) => rule.startsWith("connect-src"))).toEqual([]);
    expect(policy.filter((rule) => /script-src.*(unsafe|\*)/.test(rule))).toEqual([]);
    expect(html).toContain('<script type="module" src="https://own/assets/main-1.js?a=&quot;&amp;b"></script>');
    expect(html).toContain('href="https://own/assets/main-2.css');
    expect(html).not.toMatch(/<script(?![^>]*src=)/);
  });

  it("a notice runs no script and shows what it is given as text", () => {
    const notice = noticeHtml("<b>", 'a "quote" & more', { command: "tino.showLog", label: "Show log" });
    expect(notice).toContain("<h1>&lt;b&gt;</h1>");
    expect(notice).toContain('<a href="command:tino.showLog">Show log</a>');
    expect(notice).not.toContain("script");
  });
});

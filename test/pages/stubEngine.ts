/**
 * An engine for the pages' tests: a real server on loopback that speaks the contracts, so that the page's own transport is
 * under test, with results from `market.ts` and runs that go on when a test says so.
 */

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { extname, join, normalize } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import {
  BacktestRequest,
  type Comparison,
  type DataImport,
  type DataWarning,
  type DeleteReply,
  type ErrorBody,
  type Event,
  Hello,
  type ImportPreview,
  type LabelRequest,
  METRICS,
  type Metrics,
  PROTOCOL,
  type Run,
  type RunList,
  type RunProgress,
  type RunSummary,
  SERIES_COLUMNS,
  type SeriesQuality,
  type ServerMessage,
  type Strategy,
  type SymbolEntry,
  TinoError,
  VenueModel,
} from "#contracts";
import { arrowOfFigures, arrowOfRows, atLevel, DAILY, levelsOf, type Result, type Shape, simulate } from "./market.ts";

const INSTANCE = "0123456789abcdef0123456789abcdef";
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".ttf": "font/ttf",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
/** The engine's own, word for word: a page that needs more than this does not work. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const STRATEGY_PATH = "/home/trader/strategies/ema_cross.py";

const parameter = (name: string, part: Partial<Strategy["parameters"][number]>): Strategy["parameters"][number] => ({
  name,
  kind: "integer",
  required: false,
  nullable: false,
  fromData: false,
  default: null,
  minimum: null,
  exclusiveMinimum: null,
  maximum: null,
  exclusiveMaximum: null,
  multipleOf: null,
  choices: null,
  description: null,
  line: 12,
  ...part,
});

export const EMA_CROSS: Strategy = {
  path: STRATEGY_PATH,
  name: "EmaCross",
  line: 21,
  description: "Buy when the fast average rises above the slow one, sell when it falls below.",
  configName: "EmaCrossConfig",
  parameters: [
    parameter("instrument_id", { kind: "instrument", fromData: true }),
    parameter("bar_type", { kind: "barType", fromData: true }),
    parameter("fast", { default: 10, minimum: 2, maximum: 200, description: "Bars of the fast average." }),
    parameter("slow", { default: 20, minimum: 3, maximum: 500, description: "Bars of the slow average." }),
    parameter("invest", { kind: "number", default: 0.95, exclusiveMinimum: 0, maximum: 1, description: "Share of the equity that goes into a position." }),
    parameter("exit_on_close", { kind: "boolean", default: false, description: "Close the position with the last bar." }),
    parameter("order_type", { kind: "choice", default: "market", choices: ["market", "limit"] }),
  ],
};

export const BANDS: Strategy = {
  path: "/home/trader/strategies/bollinger.py",
  name: "BollingerReversion",
  line: 30,
  description: "Fade moves beyond the bands, long and short.",
  configName: "BollingerConfig",
  parameters: [
    parameter("instrument_ids", { kind: "instruments", fromData: true }),
    parameter("period", { default: 20, minimum: 5, maximum: 200 }),
    parameter("width", { kind: "decimal", default: "2.0", minimum: 0.5, maximum: 5, multipleOf: 0.1 }),
  ],
};

function symbolEntry(symbol: string, name: string, venue = "XNAS"): SymbolEntry {
  const id = `${symbol}.${venue}`;
  return {
    instrument: {
      id,
      symbol,
      venue,
      assetClass: "equity",
      name,
      currency: "USD",
      pricePrecision: 6,
      priceIncrement: "0.000001",
      sizePrecision: 0,
      lotSize: "1",
      multiplier: "1",
      timeZone: "America/New_York",
      periodsPerYear: 252,
      kind: null,
      details: {},
    },
    ticks: [],
    coverage: [
      {
        barType: `${id}-1-DAY-LAST-EXTERNAL`,
        instrumentId: id,
        bars: DAILY.rows,
        from: DAILY.start,
        to: Date.UTC(2012, 8, 7, 20),
        source: "embedded sample",
        hash: "0".repeat(64),
      },
    ],
    actions: [{ exDay: "2005-02-28", kind: "split", value: 2 }],
  };
}

export const SYMBOLS: SymbolEntry[] = [
  symbolEntry("AAPL", "Apple Inc."),
  symbolEntry("MSFT", "Microsoft Corporation"),
  symbolEntry("IBM", "International Business Machines", "XNYS"),
];

/** A run the stub knows, with its tables. */
interface StubRun {
  run: Run;
  tables: Result | null;
}

export interface StubOptions {
  /** Folder of the built pages. */
  readonly pages: string;
  readonly symbols?: readonly SymbolEntry[];
  readonly strategies?: readonly Strategy[];
}

const simulated = new Map<string, Result>();
function resultOf(shape: Shape): Result {
  const key = JSON.stringify(shape);
  let result = simulated.get(key);
  if (!result) {
    result = simulate(shape);
    simulated.set(key, result);
  }
  return result;
}

export class StubEngine {
  readonly #options: StubOptions;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "tino" });
  readonly #connections = new Set<Socket>();
  readonly #tokens = new Set<string>();
  readonly #codes = new Set<string>();
  readonly #tickets = new Set<string>();
  readonly #levels = new Map<string, ReturnType<typeof atLevel>>();
  readonly runs = new Map<string, StubRun>();
  symbols: SymbolEntry[];
  /** What the engine says of stored data, and of that of a run. */
  quality: SeriesQuality[] = [];
  warnings: DataWarning[] = [];
  /** How files would be read, and what became of them. */
  preview: ImportPreview | null = null;
  imported: DataImport | null = null;
  readonly bars = arrowOfFigures(simulate(DAILY).bars, null, null);
  strategies: Strategy[];
  #seq = 0;
  #sent: ServerMessage[] = [];
  #count = 0;
  /** Every request, as `METHOD /path?query`, for tests that count them. */
  readonly requests: string[] = [];
  /** Bodies of `startBacktest`. */
  readonly started: BacktestRequest[] = [];
  /** Answer the next matching call with this error. */
  readonly failures = new Map<string, ErrorBody>();
  /** Keep the answer of a matching call, as it was when it was asked for, on its way until this is done. */
  readonly held = new Map<string, Promise<void>>();
  /** What a started run becomes; `null` leaves it running for the test to go on with. */
  outcome: ((request: BacktestRequest) => Partial<StubRun["run"]> & { shape?: Shape }) | null = () => ({ shape: DAILY });

  constructor(options: StubOptions) {
    this.#options = options;
    this.symbols = [...(options.symbols ?? SYMBOLS)];
    this.strategies = [...(options.strategies ?? [EMA_CROSS, BANDS])];
    this.#server.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
    });
    this.#server.on("upgrade", (request, socket, head) => {
      const ticket = (request.headers["sec-websocket-protocol"] ?? "")
        .split(",")
        .map((part) => part.trim())
        .find((part) => part.startsWith("ticket."));
      if (request.url !== "/ws/events" || !ticket || !this.#tickets.delete(ticket.slice(7))) {
        socket.destroy();
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#greet(client));
    });
  }

  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** An address with a fresh one-time code. */
  address(path = "/"): string {
    const code = `code-${++this.#count}`;
    this.#codes.add(code);
    return `http://127.0.0.1:${this.port}${path}#code=${code}`;
  }

  /** Put a finished run there, as if it had been run before. */
  addFinished(shape: Shape, part: Partial<Run> = {}, parameters: Run["parameters"] = {}): Run {
    const request = BacktestRequest.parse({
      path: EMA_CROSS.path,
      name: EMA_CROSS.name,
      symbols: ["AAPL.XNAS"],
      parameters: { fast: shape.fast, slow: shape.slow, ...parameters },
    });
    const run = this.#newRun(request);
    this.#finish(run, shape);
    Object.assign(run.run, part);
    return run.run;
  }

  addEnded(part: Partial<Run>): Run {
    const run = this.#newRun(BacktestRequest.parse({ path: EMA_CROSS.path, name: EMA_CROSS.name, symbols: ["AAPL.XNAS"] }));
    Object.assign(run.run, { endedAt: run.run.createdAt + 800, ...part });
    return run.run;
  }

  /** Let a running run go on. */
  progress(id: string, progress: RunProgress): void {
    const stub = this.runs.get(id)!;
    const begun = stub.run.status !== "running";
    stub.run.status = "running";
    stub.run.progress = progress;
    if (begun) this.publish({ type: "run.changed", run: summaryOf(stub.run) });
    this.publish({ type: "run.progressed", id, progress });
  }

  finish(id: string, shape: Shape = DAILY): void {
    const stub = this.runs.get(id)!;
    this.#finish(stub, shape);
    this.publish({ type: "run.changed", run: summaryOf(stub.run) });
  }

  end(id: string, part: Partial<Run>): void {
    const stub = this.runs.get(id)!;
    Object.assign(stub.run, { endedAt: stub.run.createdAt + 900, progress: null, ...part });
    this.publish({ type: "run.changed", run: summaryOf(stub.run) });
  }

  publish(event: Event): void {
    const message: ServerMessage = { kind: "event", instance: INSTANCE, seq: ++this.#seq, ledgerSeq: null, at: Date.now(), event };
    this.#sent.push(message);
    for (const client of this.#sockets.clients) client.send(JSON.stringify(message));
  }

  /** Lose an event on the way: its number is never heard. */
  skip(): void {
    this.#seq++;
  }

  /** Cut every socket, as a network does. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  /** Forget every session, as a restarted engine does. */
  forgetSessions(): void {
    this.#tokens.clear();
  }

  /** A session without a browser's detour. */
  token(): string {
    const token = `token-${++this.#count}`;
    this.#tokens.add(token);
    return token;
  }

  snapshot(): ServerMessage {
    return {
      kind: "snapshot",
      instance: INSTANCE,
      seq: this.#seq,
      ledgerSeq: 0,
      missed: [],
      status: {
        state: "healthy",
        mode: "PAPER",
        pid: 4242,
        port: this.port,
        instance: INSTANCE,
        protocol: PROTOCOL,
        version: "0.1.0",
        startedAt: Date.now() - 60_000,
        now: Date.now(),
        pythonPath: "/opt/tino/bin/python",
        home: "/home/trader/.local/state/tino",
        logPath: "/home/trader/.local/state/tino/logs/engine.log",
        memoryBytes: 61_000_000,
        clients: [],
        runsRunning: 0,
        runsQueued: 0,
        children: [],
      },
      runs: [...this.runs.values()].map(({ run }) => summaryOf(run)),
    };
  }

  #greet(client: WebSocket): void {
    client.once("message", (data) => {
      const hello = Hello.parse(JSON.parse(String(data)));
      if (hello.resume?.instance === INSTANCE && hello.resume.seq <= this.#seq) {
        const { seq } = hello.resume;
        client.send(JSON.stringify({ kind: "resumed", instance: INSTANCE, seq } satisfies ServerMessage));
        for (const message of this.#sent) if (message.kind === "event" && message.seq > seq) client.send(JSON.stringify(message));
        return;
      }
      client.send(JSON.stringify(this.snapshot()));
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (!url.pathname.startsWith("/api/")) return this.#file(url.pathname, response);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    let key = "";
    const json = (value: unknown, status = 200) => {
      const content = JSON.stringify(value);
      void Promise.resolve(this.held.get(key)).then(() => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(content);
      });
    };
    const refuse = (error: ErrorBody, status = 400) => json(error, status);
    try {
      if (url.pathname === "/api/session") {
        const { code } = JSON.parse(text) as { code: string };
        if (!this.#codes.delete(code)) return refuse(TinoError.of("code_expired").body, 403);
        const token = `token-${++this.#count}`;
        this.#tokens.add(token);
        return json({ token, scopes: ["read", "simulate", "stage"], instance: INSTANCE });
      }
      if (!this.#tokens.has((request.headers.authorization ?? "").replace("Bearer ", ""))) return refuse(TinoError.of("unauthorized").body, 401);
      const [, , domain = "", first = "", second = "", third = ""] = url.pathname.split("/");
      key = `${request.method} /${domain}${first ? "/…" : ""}${second ? `/${second}` : ""}`;
      const failure = this.failures.get(key);
      if (failure) return refuse(failure, 422);
      if (request.method === "GET" && domain === "data" && first === "import") return json(this.imported);
      switch (key) {
        case "POST /session/…": {
          const ticket = `ticket-${++this.#count}`;
          this.#tickets.add(ticket);
          return json({ ticket, expiresAt: Date.now() + 30_000 });
        }
        case "GET /data/…":
          if (first === "quality") return json({ series: this.quality });
          if (first === "watchlists") return json({ watchlists: [] });
          if (first === "bars") {
            response.writeHead(200, { "content-type": "application/vnd.apache.arrow.stream" });
            response.end(this.bars);
            return;
          }
          return json({ symbols: this.symbols });
        case "POST /data/…/preview":
          return json(this.preview);
        case "POST /data/…":
          if (first === "check") return json({ warnings: this.warnings, severity: this.warnings[0]?.finding.severity ?? null });
          if (first === "upload") return json({ upload: `upl_${"0".repeat(26)}`, path: "/uploads/ABC.csv", bytes: 1 });
          if (first === "import") return json(this.imported);
          if (first === "actions") return json(this.symbols[0]);
          this.symbols = [...SYMBOLS];
          json({ imported: this.symbols.flatMap(({ coverage }) => coverage.map(({ barType }) => barType)), symbols: this.symbols });
          return this.publish({ type: "data.changed", barTypes: [] });
        case "GET /strategies":
          // The engine lists what lies in folders that connected clients declared: nothing before the page's own connection is there.
          return json({ strategies: this.#sockets.clients.size > 0 ? this.strategies : [], problems: [] });
        case "GET /strategies/…": {
          const strategy = this.strategies.find(
            ({ path, name }) => path === url.searchParams.get("path") && (!url.searchParams.has("name") || name === url.searchParams.get("name")),
          );
          return strategy ? json(strategy) : refuse(TinoError.of("strategy_file_not_found", { path: url.searchParams.get("path") ?? "" }).body, 404);
        }
        case "POST /backtest":
          return this.#start(BacktestRequest.parse(JSON.parse(text)), json);
        case "GET /backtest": {
          const { path, name, limit } = Object.fromEntries(url.searchParams);
          const runs = [...this.runs.values()].map(({ run }) => summaryOf(run)).filter((run) => (!path || run.path === path) && (!name || run.name === name));
          return json({ runs: runs.reverse().slice(0, Number(limit ?? 100)), more: false });
        }
        case "GET /backtest/…": {
          const run = this.runs.get(first)?.run;
          return run ? json(run) : refuse(TinoError.of("run_not_found", { id: first }).body, 404);
        }
        case "POST /backtest/…":
          return json(this.#change(first, JSON.parse(text)));
        case "GET /backtest/…/code": {
          const { run } = this.runs.get(first)!;
          const text = `class EmaCross(Strategy):\n    fast = ${run.parameters.fast}\n`;
          return json({
            id: first,
            code: { hash: run.codeHash, commit: null, dirty: null },
            files: [{ name: "ema_cross.py", path: run.path, text, edited: false }],
          });
        }
        case "POST /backtest/…/cancel": {
          this.end(first, { status: "cancelled" });
          return json(summaryOf(this.runs.get(first)!.run));
        }
        case "GET /backtest/…/series": {
          response.writeHead(200, { "content-type": "application/vnd.apache.arrow.stream" });
          response.end(this.#series(first, third, url.searchParams));
          return;
        }
        default:
          return refuse(TinoError.of("not_found", { path: url.pathname }).body, 404);
      }
    } catch (error) {
      refuse(TinoError.of("internal", { reference: String(error), log: "none" }).body, 500);
    }
  }

  /** What labels, deletes and compares runs, as far as the pages show it. */
  #change(verb: string, body: { runs: string[] } & Partial<LabelRequest>): Comparison | RunList | DeleteReply {
    const runs = body.runs.map((id) => this.runs.get(id)!.run);
    if (verb === "delete") {
      for (const { id } of runs) {
        this.runs.delete(id);
        this.publish({ type: "run.deleted", id });
      }
      return { deleted: body.runs, freedBytes: 1_000_000 };
    }
    if (verb === "label") {
      for (const run of runs) {
        const { addTags = [], removeTags = [], note = null, pinned = null } = body;
        Object.assign(run, {
          tags: [...new Set([...run.tags, ...addTags])].filter((tag) => !removeTags.includes(tag)),
          note: note ?? run.note,
          pinned: pinned ?? run.pinned,
        });
        this.publish({ type: "run.labelled", run: summaryOf(run) });
      }
      return { runs: runs.map(summaryOf), more: false };
    }
    const rows = (values: (number | null)[]) => ({
      values,
      differences: values.map((value) => (value === null || values[0] == null ? null : value - values[0])),
    });
    return {
      runs: runs.map(summaryOf),
      startingEquity: runs.map(() => 100_000),
      metrics: (Object.keys(METRICS) as (keyof Metrics)[]).map((name) => ({ name, ...rows(runs.map(({ metrics }) => metrics?.[name] ?? null)) })),
      parameters: Object.keys(runs[0]!.parameters).map((name) => {
        const values = runs.map(({ parameters }) => parameters[name] ?? null);
        return { name, values, differs: values.some((value) => value !== values[0]) };
      }),
      assumptions: [{ label: "Fees", values: runs.map(() => "0.05 % of the traded value."), differs: false }],
      sameCode: runs.map((_, index) => index === 0),
      remarks: [],
    };
  }

  #start(request: BacktestRequest, json: (value: unknown) => void): void {
    this.started.push(request);
    const stub = this.#newRun(request);
    json(summaryOf(stub.run));
    this.publish({ type: "run.changed", run: summaryOf(stub.run) });
    if (!this.outcome) return;
    const { shape, ...part } = this.outcome(request);
    if (shape) this.#finish(stub, { ...shape, fast: Number(request.parameters.fast ?? shape.fast), slow: Number(request.parameters.slow ?? shape.slow) });
    Object.assign(stub.run, { progress: null, ...part });
    this.publish({ type: "run.changed", run: summaryOf(stub.run) });
  }

  #newRun(request: BacktestRequest): StubRun {
    const id = `run_${String(++this.#count).padStart(20, "0")}`;
    const run: Run = {
      id,
      status: "queued",
      path: request.path,
      name: request.name ?? EMA_CROSS.name,
      symbols: request.symbols,
      barTypes: request.symbols.map((symbol) => `${symbol}-1-DAY-LAST-EXTERNAL`),
      from: request.from,
      to: request.to,
      parameters: request.parameters,
      adjustment: request.adjustment,
      strategies: request.strategies,
      perSymbol: request.perSymbol,
      ticks: request.ticks,
      warmUp: request.warmUp,
      origin: "browser",
      createdAt: Date.now() - (1_000 - this.#count) * 1_000,
      startedAt: null,
      endedAt: null,
      progress: { phase: "queued", barsDone: 0, barsTotal: 0, barsPerSecond: null, remainingMs: null },
      metrics: null,
      currency: null,
      sparkline: [],
      noTrades: null,
      error: null,
      codeHash: "5b0c".padEnd(64, "7"),
      tags: [],
      note: "",
      pinned: false,
      code: null,
      edited: null,
      specHash: null,
      cachedFrom: null,
      effects: [],
      reproduction: null,
      spec: null,
      venue: VenueModel.parse(request.venue),
      result: null,
    };
    const stub = { run, tables: null };
    this.runs.set(id, stub);
    return stub;
  }

  #finish(stub: StubRun, shape: Shape): void {
    const tables = resultOf(shape);
    stub.tables = tables;
    const minutes = shape.stepMs < 86_400_000;
    const barType = minutes ? "AAPL.XNAS-1-MINUTE-LAST-EXTERNAL" : `${stub.run.symbols[0]}-1-DAY-LAST-EXTERNAL`;
    const metrics = metricsOf(tables);
    const [from, to] = [tables.bars.ts![0]!, tables.bars.ts!.at(-1)!];
    const info = (
      id: string,
      kind: Run["result"] extends infer R ? (R extends { series: (infer S)[] } ? (S extends { kind: infer K } ? K : never) : never) : never,
      rows: number,
      levels: number,
    ) => ({ id, kind, barType: kind === "bars" ? barType : null, rows, levels, from, to, drawings: [] });
    const levels = levelsOf(shape.rows);
    Object.assign(stub.run, {
      status: "finished",
      progress: null,
      startedAt: stub.run.createdAt + 20,
      endedAt: stub.run.createdAt + 640,
      barTypes: [barType],
      metrics,
      currency: "USD",
      sparkline: Array.from({ length: 60 }, (_, index) => tables.equity.equity![Math.floor((index / 59) * (shape.rows - 1))]! / 100_000),
      noTrades: null,
      result: {
        metrics,
        outcome: {
          orders: tables.orders.length,
          accepted: tables.orders.length,
          filled: tables.orders.length,
          denied: 0,
          rejected: 0,
          open: 0,
          cancelled: 0,
          reasons: [],
          noTrades: null,
          cause: null,
          seen: [],
        },
        series: [
          info("bars.0", "bars", shape.rows, levels),
          info("equity", "equity", shape.rows, levels),
          {
            ...info("drawings", "drawings", shape.rows, levels),
            drawings: [
              { column: "fast", label: `fast (EMA ${shape.fast})`, pane: "price" },
              { column: "slow", label: `slow (EMA ${shape.slow})`, pane: "price" },
              { column: "rsi", label: "RSI 14", pane: "RSI" },
            ],
          },
          info("fills", "fills", tables.fills.length, 1),
          info("orders", "orders", tables.orders.length, 1),
          info("trades", "trades", tables.trades.length, 1),
          info("log", "log", tables.log.length, 1),
        ],
        instruments: [{ ...SYMBOLS[0]!.instrument, id: stub.run.symbols[0] ?? "AAPL.XNAS" }],
        currency: "USD",
        firstBarAt: from,
        lastBarAt: to,
        bars: shape.rows,
        periodsPerYear: 252,
        dailyReturns: minutes ? 347 : shape.rows,
        assumptions: [
          { label: "Fills", value: "Market orders fill at the close of the bar that gave the signal." },
          { label: "Account", value: "Margin account in USD, 100,000 at the start, leverage 1." },
          { label: "Fees", value: "0.05 % of the value of every fill." },
          { label: "Prices", value: "Adjusted for splits and dividends." },
          { label: "Data", value: "AAPL.XNAS, embedded sample, 3 310 daily bars." },
          { label: "Statistics", value: "Daily returns, 252 a year, risk-free rate 0." },
        ],
        warnings: [],
        strategies: [],
        warmUpBars: 0,
        versions: { tino: "0.1.0", nautilus_trader: "2.0.0rc7", python: "3.13.5" },
        elapsedMs: minutes ? 5_120 : 420,
      } satisfies Run["result"],
    });
  }

  #series(id: string, series: string, query: URLSearchParams): Uint8Array {
    const { run, tables } = this.runs.get(id)!;
    const info = run.result!.series.find((one) => one.id === series)!;
    const range = (name: string) => (query.has(name) ? Number(query.get(name)) : null);
    if (info.kind === "strategies") {
      const { ts, equity } = tables!.equity as { ts: Float64Array; equity: Float64Array };
      const shares = Object.fromEntries(info.drawings.map(({ column }, place) => [column, equity.map((value) => (value - equity[0]!) / (place + 2))]));
      return arrowOfFigures({ ts, ...shares }, range("from"), range("to"));
    }
    if (info.kind === "bars" || info.kind === "equity" || info.kind === "drawings") {
      const level = Math.min(range("level") ?? 0, info.levels - 1);
      const key = `${id} ${series} ${level}`;
      let figures = this.#levels.get(key);
      if (!figures) {
        figures = atLevel(info.kind === "bars" ? "bars" : "lines", tables![info.kind], level);
        this.#levels.set(key, figures);
      }
      return arrowOfFigures(figures, range("from"), range("to"));
    }
    return arrowOfRows(SERIES_COLUMNS[info.kind], tables![info.kind]);
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const wanted = extname(path) ? path : "/index.html";
    try {
      const content = await readFile(join(this.#options.pages, normalize(wanted)));
      response.writeHead(200, {
        "content-type": TYPES[extname(wanted)] ?? "application/octet-stream",
        "content-security-policy": POLICY,
        "cache-control": "no-cache",
      });
      response.end(content);
    } catch {
      response.writeHead(404);
      response.end();
    }
  }
}

function summaryOf({ venue: _venue, result: _result, ...summary }: Run): RunSummary {
  return summary;
}

function metricsOf({ bars, equity, trades }: Result): Metrics {
  const last = (column: Float64Array) => column.at(-1)!;
  const total = last(equity.equity!) / 100_000 - 1;
  const closed = trades.filter(({ closed: at }) => at !== null).map(({ result }) => Number(result));
  const wins = closed.filter((result) => result > 0);
  const losses = closed.filter((result) => result <= 0);
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  return {
    totalReturn: total,
    annualReturn: 0.0712,
    volatility: 0.2143,
    sharpe: 0.4312,
    sortino: 0.6127,
    calmar: 0.18,
    maxDrawdown: Math.min(...atLevel("lines", { ts: equity.ts!, drawdown: equity.drawdown! }, 5).drawdown!),
    maxDrawdownDays: 812,
    exposure: 0.55,
    turnover: 11.4,
    trades: closed.length,
    winRate: wins.length / closed.length,
    profitFactor: sum(wins) / -sum(losses),
    expectancy: sum(closed) / closed.length,
    averageWin: sum(wins) / wins.length,
    averageLoss: sum(losses) / losses.length,
    longestLosingStreak: 7,
    fees: sum(trades.map(({ fees }) => Number(fees))),
    netProfit: total * 100_000,
    finalEquity: last(equity.equity!),
    benchmarkReturn: last(bars.close!) / bars.close![0]! - 1,
    alpha: 0.021,
    beta: 0.49,
  };
}

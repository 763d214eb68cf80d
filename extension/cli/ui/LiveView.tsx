/**
 * The calm full-screen view: mode, engine and clients on top, runs, what happened last, keys at the bottom. It draws on the
 * terminal's second screen, so that what was there before is there again afterwards.
 *
 * Every line is made as text with the same parts that the verbs print, and cut to the terminal's width; Ink places the lines, reads
 * the keys and redraws what changed.
 */
import { Box, render, Text, useApp, useInput, useStdout } from "ink";
import { useEffect, useMemo, useReducer, useState } from "react";
import { type RunSummary, TinoError } from "#contracts";
import { requestOf } from "../../client/again.ts";
import type { EngineLink } from "../../client/engineLink.ts";
import { endEngine } from "../../supervisor/shutdown.ts";
import type { Context } from "../context.ts";
import { clockTime, duration, moment, shortPath, shortRun } from "../format.ts";
import { cut, failureLines, type Paint, pad, type Screen, table, wrapLines } from "../output.ts";
import { createAddress, openBrowser } from "../verbs/open.ts";
import { type RunDetails, showRun } from "../verbs/show.ts";
import { workspaceOf } from "../workspace.ts";
import { bar, sparkline } from "./chart.ts";
import { EMPTY, type LiveMessage, type LiveModel, reduce } from "./liveModel.ts";
import { tailLines } from "./logText.ts";
import { dataOf, figuresText, periodOf, progressText, runText, signed, statusWord } from "./runText.ts";
import { modeMark } from "./statusText.ts";

const SECOND_SCREEN = "\u001b[?1049h";
const FIRST_SCREEN = "\u001b[?1049l\u001b[?25h";
const EVENT_ROWS = 6;
const plain: Paint = (_, text) => text;

export interface LiveOptions {
  /** Run whose details are shown first. */
  readonly run?: string;
}

/** Show it until the user leaves or the signal is aborted. The link is connected by the view, so that the start is seen in it. */
export async function showLiveView(context: Context, link: EngineLink, options: LiveOptions = {}): Promise<void> {
  const restore = () => void process.stdout.write(FIRST_SCREEN);
  process.stdout.write(SECOND_SCREEN);
  process.once("exit", restore);
  const view = render(<LiveView context={context} link={link} first={options.run ?? null} />, {
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const leave = () => view.unmount();
  context.signal.addEventListener("abort", leave, { once: true });
  try {
    await view.waitUntilExit();
  } finally {
    context.signal.removeEventListener("abort", leave);
    process.off("exit", restore);
    restore();
  }
}

/** What is on the screen: the list, or one run from a line on. */
type Page = { readonly kind: "list" } | { readonly kind: "run"; readonly id: string; readonly details: RunDetails | null; readonly top: number };

export function LiveView({ context, link, first }: { context: Context; link: EngineLink; first: string | null }) {
  const { exit } = useApp();
  const { columns, rows } = useSize();
  const [model, tell] = useReducer(reduce, { ...EMPTY, link: link.state });
  const [page, setPage] = useState<Page>({ kind: "list" });
  const [chosen, setChosen] = useState(0);
  const [message, setMessage] = useState<string | null>(null);
  /** The next `r` restarts the engine. */
  const [armed, setArmed] = useState(false);
  const now = useNow(context);
  const screen: Screen = { ...context.screen, width: columns, shrink: true };
  const selected = model.runs[Math.min(chosen, model.runs.length - 1)];

  // What the engine that would not start said last is read once, when it failed.
  const failed = model.link.kind === "failed";
  const tail = useMemo(() => (failed ? tailLines(context.place.paths, plain).slice(-8) : []), [failed, context]);

  const attempt = (work: () => Promise<string | null>) => {
    work().then(setMessage, (error) => setMessage(TinoError.is(error) ? `${error.message} ${error.hint}` : String(error)));
  };
  const show = (id: string) => {
    setPage({ kind: "run", id, details: null, top: 0 });
    attempt(async () => {
      const details = await showRun(link, id, { trades: false, orders: false, log: false });
      setPage((current) => (current.kind === "run" && current.id === id ? { ...current, details } : current));
      return null;
    });
  };

  useEffect(() => listenTo(link, context, tell), [link, context]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the view opens.
  useEffect(() => {
    link.refresh();
    link.connect().then(
      () => first !== null && show(first),
      () => undefined, // The link's state tells it, and the view shows the state.
    );
  }, []);

  const current = page.kind === "run" ? (model.runs.find((run) => run.id === page.id) ?? page.details?.run) : selected;
  useInput((input, key) => {
    setMessage(null);
    setArmed(false);
    if (input === "q" || (key.ctrl && input === "c")) exit();
    else if (key.escape || key.leftArrow) page.kind === "run" ? setPage({ kind: "list" }) : undefined;
    else if (key.upArrow || input === "k") move(-1);
    else if (key.downArrow || input === "j") move(1);
    else if (key.pageUp) move(-body);
    else if (key.pageDown) move(body);
    else if (key.return && page.kind === "list" && selected) show(selected.id);
    else if (input === "o") attempt(() => open(link, current));
    else if (input === "b" && current) attempt(() => runAgain(link, context, current));
    else if (input === "c" && current) attempt(() => cancel(link, current));
    else if (input === "s" && (model.link.kind === "failed" || model.link.kind === "stopped")) link.startAgain().catch(() => undefined);
    else if (input === "r" && armed) attempt(() => replaceEngine(link, context));
    else if (input === "r" && isOlder(model)) {
      setArmed(true);
      setMessage("Runs under way are marked interrupted. Press r again to restart the engine.");
    }
  });
  const move = (by: number) => {
    // By the state as it will be: several keys may come before the next drawing.
    if (page.kind === "run") setPage((current) => (current.kind === "run" ? { ...current, top: Math.max(0, Math.min(lastTop, current.top + by)) } : current));
    else setChosen((current) => Math.max(0, Math.min(model.runs.length - 1, current + by)));
  };

  const footer = message === null ? [hints(model, page, current, screen)] : wrapLines([` ${message}`], columns).map((line) => screen.paint("yellow", line));
  const body = Math.max(1, rows - 1 - 3 - footer.length);
  const all = page.kind === "run" ? runLines(page, current, screen, body) : listLines(model, Math.min(chosen, model.runs.length - 1), tail, screen, body, now);
  const lastTop = Math.max(0, all.length - body);
  const top = page.kind === "run" ? Math.min(page.top, lastTop) : 0;
  const lines = all.slice(top, top + body);
  const rule = screen.paint("dim", (screen.unicode ? "─" : "-").repeat(columns));
  return (
    <Box flexDirection="column" height={rows - 1}>
      <Line text={headerLine(model, screen, now)} width={columns} />
      <Line text={rule} width={columns} />
      {Array.from({ length: body }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the screen is its own identity.
        <Line key={index} text={lines[index] ?? ""} width={columns} />
      ))}
      <Line text={rule} width={columns} />
      {footer.map((line) => (
        <Line key={line} text={line} width={columns} />
      ))}
    </Box>
  );
}

function Line({ text, width }: { text: string; width: number }) {
  // A row without anything has no height in Ink.
  return <Text wrap="truncate">{cut(text, width) || " "}</Text>;
}

function headerLine(model: LiveModel, screen: Screen, now: number): string {
  const { paint, width } = screen;
  const { engine, clients, link } = model;
  const title = `${paint("bold", "tino")}  ${modeMark(engine?.mode ?? "PAPER", paint)}`;
  if (link.kind === "failed") return `${title}  ${paint("red", "engine failed")}`;
  if (link.kind === "stopped") return `${title}  ${paint("yellow", "engine stopped")}`;
  if (link.kind === "starting") return `${title}  ${paint("yellow", `engine starting: ${link.phase}`)}`;
  if (!engine) return `${title}  ${paint("yellow", "connecting")}`;
  const facts = [
    link.kind === "silent" ? paint("red", "engine does not answer") : paint(engine.state === "healthy" ? "green" : "yellow", `engine ${engine.state}`),
    `up ${duration(Math.max(0, now - engine.startedAt))}`,
    `${clients.length} ${clients.length === 1 ? "client" : "clients"}`,
    ...(width >= 90 ? [paint("dim", `process ${engine.pid}, port ${engine.port}`)] : []),
  ];
  return `${title}  ${facts.join(paint("dim", " · "))}`;
}

function listLines(model: LiveModel, chosen: number, tail: readonly string[], screen: Screen, height: number, now: number): string[] {
  const { paint } = screen;
  const events = Math.min(EVENT_ROWS, Math.max(0, Math.floor(height / 4)));
  const room = height - events - 2;
  const top = Math.max(0, Math.min(chosen - Math.floor(room / 2), model.runs.length - (room - 1)));
  const runs = model.runs.slice(top, top + room - 1);
  const list = runs.length === 0 ? ["", ...emptyLines(model, screen)] : runTable(runs, model, chosen - top, screen, now);
  const selected = runs[chosen - top];
  const about = model.link.kind === "failed" ? failedLines(model.link.error, tail, screen) : selected ? aboutLines(selected, model, screen) : [];
  if (about.length > 0 && list.length < room - 1) list.push("", ...about);
  const lines = [...list, ...Array.from({ length: Math.max(0, room - list.length) }, () => "")].slice(0, room);
  const happenings = model.happenings.slice(0, events).map(({ at, text }) => `  ${paint("dim", clockTime(at))}  ${text}`);
  return [...lines, "", paint("bold", "  What happened"), ...happenings];
}

/** The chosen run in two or three lines: how far it is, what came of it, why it failed. */
function aboutLines(run: RunSummary, model: LiveModel, screen: Screen): string[] {
  const { paint, width } = screen;
  const progress = model.progress.get(run.id) ?? run.progress;
  if (run.error) return failedLines(new TinoError(run.error), [], screen);
  if (run.status === "running" && progress) return [`  ${progressText(run, progress, screen, width - 4)}`];
  if (!run.metrics) return [];
  return [
    `  ${paint("dim", `${periodOf(run)}  ${shortPath(run.path)}`)}`,
    `  ${figuresText(run.metrics, paint)}`,
    ...(run.noTrades ? [paint("yellow", `  ${run.noTrades}`)] : []),
  ];
}

function failedLines(error: TinoError, tail: readonly string[], { paint, width }: Screen): string[] {
  return wrapLines(failureLines(error, paint, tail), width - 4).map((line) => `  ${line}`);
}

function emptyLines(model: LiveModel, { paint }: Screen): string[] {
  if (model.link.kind === "failed") return []; // The reason follows, at length.
  if (model.engine === null) return ["  Waiting for the engine."];
  return ["  No runs yet.", paint("dim", "  `tino demo` runs the example; `tino backtest <file> --symbol <symbol>` your own strategy.")];
}

function runTable(runs: readonly RunSummary[], model: LiveModel, chosen: number, screen: Screen, now: number): string[] {
  const { paint, unicode } = screen;
  const rows = runs.map((run) => [
    shortRun(run.id),
    moment(run.createdAt, now),
    run.name,
    dataOf(run),
    progressCell(run, model, screen),
    signed(run.metrics?.totalReturn ?? null, paint),
    run.metrics?.sharpe?.toFixed(2) ?? "",
    sparkline(run.sparkline, 24, unicode),
  ]);
  const columns = [
    { title: "Run", keep: 3 },
    { title: "Started", keep: 4 },
    { title: "Strategy", shrinks: true },
    { title: "Data", shrinks: true, keep: 6 },
    { title: "Status" },
    { title: "Return", align: "right" as const },
    { title: "Sharpe", align: "right" as const, keep: 5 },
    { title: "Equity", keep: 1 },
  ];
  const [titles = "", ...lines] = table(columns, rows, { ...screen, width: screen.width - 2 }).split("\n");
  return [`  ${titles}`, ...lines.map((line, index) => (index === chosen ? `${paint(["cyan", "bold"], unicode ? "❯" : ">")} ${line}` : `  ${line}`))];
}

function progressCell(run: RunSummary, model: LiveModel, { paint, unicode }: Screen): string {
  const progress = model.progress.get(run.id) ?? run.progress;
  if (run.status !== "running" || !progress || progress.barsTotal === 0) return statusWord(run, paint);
  const share = progress.barsDone / progress.barsTotal;
  return `${paint("cyan", bar(share, 8, unicode))} ${pad(String(Math.floor(share * 100)), 3, "right")} %`;
}

function runLines(page: Extract<Page, { kind: "run" }>, run: RunSummary | undefined, screen: Screen, height: number): string[] {
  if (!page.details) return ["", `  ${run ? `${run.name} on ${dataOf(run)}` : page.id}`, "", screen.paint("dim", "  Loading…")];
  const chartHeight = Math.max(8, Math.min(18, height - 14));
  return runText(page.details, { ...screen, width: screen.width - 2 }, { chartHeight, assumptions: true })
    .split("\n")
    .map((line) => ` ${line}`);
}

function hints(model: LiveModel, page: Page, run: RunSummary | undefined, { paint, unicode, width }: Screen): string {
  const isActive = run !== undefined && (run.status === "running" || run.status === "queued");
  const keys: [string, string][] = [
    ...(model.link.kind === "failed" || model.link.kind === "stopped" ? [["s", "start again"] as [string, string]] : []),
    ...(isOlder(model) ? [["r", "restart the engine"] as [string, string]] : []),
    [unicode ? "↑↓" : "j/k", page.kind === "run" ? "scroll" : "choose"],
    ...(page.kind === "run" ? [["esc", "back"] as [string, string]] : run ? [[unicode ? "⏎" : "enter", "details"] as [string, string]] : []),
    ...(isActive ? [["c", "cancel"] as [string, string]] : run ? [["b", "run again"] as [string, string]] : []),
    ["o", width < 60 ? "open" : "open in the browser"],
    ["q", "quit"],
  ];
  return ` ${keys.map(([key, words]) => `${paint("bold", key)} ${paint("dim", words)}`).join("   ")}`;
}

/** An older engine runs, and others use it. */
const isOlder = ({ link }: LiveModel): boolean => link.kind === "failed" && link.error.code === "engine_too_old";

async function replaceEngine(link: EngineLink, { place }: Context): Promise<null> {
  await endEngine(place, true);
  await link.startAgain();
  return null;
}

async function open(link: EngineLink, run: RunSummary | undefined): Promise<string | null> {
  const { url } = await createAddress(link, run?.id ?? "backtest");
  await openBrowser(url);
  return null;
}

/** The same request once more. Choosing it here is the act of trust that typing the path would be. */
async function runAgain(link: EngineLink, { cwd }: Context, { id }: RunSummary): Promise<string | null> {
  const body = requestOf(await link.call("getRun", { path: { id } }));
  link.trust([...new Set([...link.trustedFolders, workspaceOf(body.path, cwd)])]);
  await link.call("startBacktest", { body });
  return null;
}

async function cancel(link: EngineLink, run: RunSummary): Promise<string | null> {
  await link.call("cancelRun", { path: { id: run.id } });
  return null;
}

function listenTo(link: EngineLink, { place }: Context, tell: (message: LiveMessage) => void): () => void {
  return link.listen({
    onState: (state) => tell({ type: "link", state, at: place.clock.now() }),
    onSnapshot: (snapshot) => tell({ type: "snapshot", snapshot }),
    onEvent: (event, envelope) => tell({ type: "event", event, envelope }),
  });
}

/** The terminal's size, also after it changed. */
function useSize(): { columns: number; rows: number } {
  const { stdout } = useStdout();
  const read = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const [size, setSize] = useState(read);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `read` only reads the stream.
  useEffect(() => {
    const resized = () => setSize(read());
    stdout.on("resize", resized);
    return () => void stdout.off("resize", resized);
  }, [stdout]);
  return size;
}

/** The time, told again every second: uptime goes on although nothing happens. */
function useNow({ place }: Context): number {
  const [now, setNow] = useState(place.clock.now());
  useEffect(() => place.clock.every(1_000, () => setNow(place.clock.now())), [place]);
  return now;
}

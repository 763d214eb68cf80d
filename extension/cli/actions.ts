/** Each verb from options to output: do it (`verbs/`), say it (`ui/` or JSON), give the exit code. */
import { join } from "node:path";
import { EXIT, TinoError } from "#contracts/catalogue";
import type { EngineLink } from "../client/engineLink.ts";
import { endEngine } from "../supervisor/shutdown.ts";
import { checkBefore, tellWarnings } from "./catalogCommands.ts";
import type { Context } from "./context.ts";
import { clockTime } from "./format.ts";
import { wrap } from "./output.ts";
import { openLink, orAborted, untilAborted, withEngine } from "./session.ts";
import { runStatus } from "./statusCommand.ts";
import { EMPTY, type LiveMessage, type LiveModel, reduce } from "./ui/liveModel.ts";
import { logLine } from "./ui/logText.ts";
import { dataOf, progressText, runsText, runText } from "./ui/runText.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { type BacktestOptions, buildRequest, getStrategyFile, runBacktest } from "./verbs/backtest.ts";
import { DEMO, importSample } from "./verbs/demo.ts";
import { LogFiles, type LogRecord, type LogsOptions } from "./verbs/logs.ts";
import { createAddress, openBrowser, untilPageConnects } from "./verbs/open.ts";
import { findRunId, listRuns } from "./verbs/runs.ts";
import { type RunDetails, showRun } from "./verbs/show.ts";
import { status } from "./verbs/status.ts";
import { workspaceAround, workspaceOf } from "./workspace.ts";

interface PortOption {
  readonly port?: number;
}

/** `tino`: the live view; without a terminal what can be said without one, which is the engine's state. */
export const performBare = (context: Context, options: PortOption): Promise<number> =>
  context.screen.interactive ? stayInView(context, options) : runStatus(context);

/** `tino up`: the live view; without a terminal it holds the engine and says what happens, line by line. */
export async function performUp(context: Context, options: PortOption): Promise<number> {
  if (context.screen.interactive) return stayInView(context, options);
  return withEngine(context, { workspace: workspaceAround(context.cwd), port: options.port ?? null }, async (link) => {
    const { screen, place, signal } = context;
    const reply = await status(place);
    if (screen.json) screen.printJson(reply);
    else screen.print(`The engine runs: process ${reply.engine?.pid}, port ${reply.engine?.port}. It stays as long as this does; end it with Ctrl-C.`);
    const failed = new Promise<never>((_, reject) => tellHappenings(context, link, reject));
    await Promise.race([untilAborted(signal), failed]);
    return EXIT.ok;
  });
}

export async function performDown({ place, screen }: Context, { force = false }: { force?: boolean }): Promise<number> {
  const line = new StatusLine(screen);
  let wasRunning: boolean;
  try {
    line.spin("Ending the engine");
    wasRunning = await endEngine(place, force, (step) => line.spin(`Ending the engine: ${step}`));
  } finally {
    line.clear();
  }
  if (screen.json) screen.printJson({ ended: wasRunning });
  else screen.print(wasRunning ? "The engine has ended." : "No engine is running.");
  return EXIT.ok;
}

export async function performBacktest(context: Context, options: BacktestOptions): Promise<number> {
  const path = getStrategyFile(options.file, context.cwd);
  return withEngine(context, { workspace: workspaceOf(path, context.cwd) }, async (link) => {
    const details = await backtest(context, link, path, options);
    if (context.screen.json) context.screen.printJson({ run: details.run });
    else context.screen.print(runText(details, context.screen));
    return EXIT.ok;
  });
}

/** `tino demo`: from nothing to a result. With a terminal it stays in the live view on that result. */
export async function performDemo(context: Context, { port }: PortOption): Promise<number> {
  const { screen, place, signal } = context;
  const path = getStrategyFile(join(place.installation.root, DEMO.file), context.cwd);
  return withEngine(context, { workspace: workspaceOf(path, context.cwd), port: port ?? null }, async (link) => {
    const line = new StatusLine(screen);
    line.spin("Importing the sample data");
    const sample = await orAborted(importSample(link, signal), signal).finally(() => line.clear());
    if (sample.imported.length > 0) screen.note(`Imported ${sample.imported.length} series of daily bars of US stocks.`);
    const details = await backtest(context, link, path, { ...DEMO, file: path, cache: false });
    const { url } = await createAddress(link, details.run.id);
    if (screen.json) screen.printJson({ run: details.run, dashboard: url });
    else {
      screen.print(runText(details, screen));
      screen.print(`\n${screen.paint("bold", "Dashboard")}  ${url}`);
    }
    if (screen.interactive) return stayOn(context, link, details.run.id);
    screen.note("The engine ends with this program, and the address with it. `tino open last` shows the run in the browser, `tino` stays.");
    return EXIT.ok;
  });
}

export const performRuns = (context: Context, wanted: { limit: number; strategy?: string; tag?: string; pinned?: boolean }): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, place, signal } = context;
    const { limit, strategy = null, tag = null, pinned = false } = wanted;
    const list = await orAborted(listRuns(link, { limit, strategy, tag, pinned }), signal);
    if (screen.json) screen.printJson(list);
    else if (list.runs.length === 0) screen.print(strategy || tag || pinned ? "No such runs." : "No runs yet. `tino demo` makes the first.");
    else screen.print(runsText(list.runs, screen, place.clock.now()));
    if (list.more) screen.note(`There are more; --limit ${Math.min(1000, 5 * limit)} shows them.`);
    return EXIT.ok;
  });

export const performShow = (
  context: Context,
  options: { run: string; trades?: boolean; orders?: boolean; log?: boolean; assumptions?: boolean },
): Promise<number> =>
  withEngine(context, {}, async (link) => {
    const { screen, signal } = context;
    const { trades = false, orders = false, log = false, assumptions = false } = options;
    const details = await orAborted(
      findRunId(link, options.run).then((id) => showRun(link, id, { trades, orders, log })),
      signal,
    );
    const tables = trades || orders || log;
    const honesty = details.run.result && !tables ? await orAborted(link.call("getHonesty", { query: { run: details.run.id } }), signal) : null;
    if (screen.json) screen.printJson({ run: details.run, trades: details.trades, orders: details.orders, log: details.log, honesty });
    else {
      screen.print(runText(details, screen, { assumptions }));
      if (honesty) screen.print(`\n${wrap(honesty.sentence, screen.width).join("\n")}`);
    }
    return EXIT.ok;
  });

/** Opened pages hold the engine themselves; until one does, this terminal has to. */
export const performOpen = (context: Context, { target, print = false }: { target: string; print?: boolean }): Promise<number> =>
  withEngine(context, { workspace: workspaceAround(context.cwd) }, async (link) => {
    const { screen, signal, place } = context;
    const connected = untilPageConnects(link);
    const { url, expiresAt } = await orAborted(createAddress(link, target), signal);
    if (screen.json) screen.printJson({ url, expiresAt });
    else screen.print(url);
    if (screen.interactive && !print) await openBrowser(url).catch((error) => screen.fail(error));
    if (await isHeldByOthers(link)) return EXIT.ok;
    screen.note("Waiting for the page; it then keeps the engine. Ctrl-C stops waiting.");
    const expired = place.clock.sleep(Math.max(0, expiresAt - place.clock.now()), signal).catch(() => undefined);
    await Promise.race([connected, expired, untilAborted(signal)]);
    return EXIT.ok;
  });

export async function performLogs(context: Context, options: Omit<LogsOptions, "component"> & { component?: string; follow?: boolean }): Promise<number> {
  const { screen, place, signal } = context;
  const wanted: LogsOptions = { lines: options.lines, level: options.level, component: options.component ?? null };
  const files = new LogFiles([place.paths.engineLog, place.paths.clientLog, place.paths.windowLog]);
  const say = (record: LogRecord) => (screen.json ? screen.printJson(record) : screen.print(logLine(record, screen.paint)));
  const records = files.last(wanted);
  records.forEach(say);
  if (records.length === 0) screen.note(`Nothing in ${place.paths.logs} is asked for.`);
  if (options.follow) await files.follow(wanted, say, signal);
  return EXIT.ok;
}

/** Run it with its progress in view, and gather what is shown of a finished run. */
async function backtest(context: Context, link: EngineLink, path: string, options: BacktestOptions): Promise<RunDetails> {
  const { screen, signal } = context;
  const line = new StatusLine(screen);
  try {
    line.spin("Reading the strategy");
    const request = await orAborted(buildRequest(link, path, options), signal);
    // A look at a series takes a second or two the first time; unless it decides, the run does not wait for it.
    const check = checkBefore(link, request);
    check.catch(() => undefined);
    if (options.strict) {
      line.spin("Looking at the data");
      tellWarnings(await orAborted(check, signal), screen, true);
    }
    line.spin("Starting the run");
    const run = await runBacktest(link, request, signal, {
      onStarted: (started) => {
        if (!screen.animated) screen.note(`Running ${started.name} on ${dataOf(started)}.`);
      },
      onProgress: (running, progress) => line.show(progressText(running, progress, screen, line.width)),
    });
    line.clear();
    await check.then(
      (found) => tellWarnings(found, screen, false),
      (error) => screen.note(`The data was not looked at: ${error instanceof Error ? error.message : String(error)}`),
    );
    return await showRun(link, run.id, { trades: false, orders: false, log: false });
  } finally {
    line.clear();
  }
}

async function stayInView(context: Context, { port }: PortOption): Promise<number> {
  const link = openLink(context, { workspace: workspaceAround(context.cwd), port: port ?? null });
  try {
    return await stayOn(context, link, null);
  } finally {
    await link.leave();
  }
}

async function stayOn(context: Context, link: EngineLink, run: string | null): Promise<number> {
  const { showLiveView } = await import("./ui/LiveView.tsx");
  await showLiveView(context, link, run === null ? {} : { run });
  return EXIT.ok;
}

/** What the live view shows under "What happened", as lines; with JSON the events themselves. */
function tellHappenings({ screen, place }: Context, link: EngineLink, fail: (error: TinoError) => void): void {
  let model: LiveModel = { ...EMPTY, link: link.state };
  const take = (message: LiveMessage) => {
    const before = model.happenings[0];
    model = reduce(model, message);
    const latest = model.happenings[0];
    if (!screen.json && latest && latest !== before) screen.print(`${screen.paint("dim", clockTime(latest.at))}  ${latest.text}`);
  };
  link.listen({
    onState: (state) => {
      take({ type: "link", state, at: place.clock.now() });
      if (state.kind === "failed") fail(state.error);
      if (state.kind === "stopped") fail(TinoError.of("engine_not_running"));
    },
    onSnapshot: (snapshot) => take({ type: "snapshot", snapshot }),
    onEvent: (event, envelope) => {
      if (screen.json) screen.printJson(envelope);
      take({ type: "event", event, envelope });
    },
  });
}

async function isHeldByOthers(link: EngineLink): Promise<boolean> {
  const { clients } = await link.call("getEngine");
  return clients.some((client) => client.pid !== process.pid);
}

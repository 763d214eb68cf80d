/**
 * Starting one engine process, up to the moment it is healthy.
 *
 *     client                                engine
 *     spawn, stdin and stdout piped    →    takes run/engine.lock; held by another: exit 75
 *                                      ←    PHASE <words>              as often as it likes
 *                                      ←    READY <port> <nonce>       the port is bound
 *     Bootstrap, one JSON line         →    checked, database migrated, token and engine.pid written
 *                                      ←    PHASE <words>
 *     health with proof                ↔    healthy
 *     closes both pipes, unrefs
 *
 * Why each part is as it is:
 * - The child is a session of its own and its standard error goes to a file from the first instant, so it survives its spawner
 *   and what it says before its own log is open is not lost.
 * - Until the bootstrap line arrived, end of file on its input ends the engine: a spawner that dies half-way leaves nothing. From
 *   then on the pipes carry nothing, so nobody's death and no full pipe reaches the engine.
 * - An engine that cannot start says so with an ERROR line that holds the error itself; one that cannot even do that leaves its exit
 *   code and the last line of its standard error, which become the reason.
 * - There is no limit on the whole start, only on the time without a new phase: migrating a large database may take long.
 */
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import type { Bootstrap, ErrorBody } from "#contracts";
import { CATALOGUE, EXIT, TinoError } from "#contracts/catalogue";
import { ERROR_LINE, PHASE_LINE, PROTOCOL, READY_LINE } from "#contracts/handshake";
import { type Clock, Patience } from "./clock.ts";
import { getPython, type Installation } from "./locate.ts";
import { isLevel, type Log } from "./log.ts";
import { LOOPBACK } from "./loopback.ts";
import type { Environment, Paths } from "./paths.ts";
import type { Listener, Processes } from "./processes.ts";

/** Longest time without a new phase. */
const PHASE_TIMEOUT_MS = 15_000;
const TICK_MS = 200;
const HEALTH_POLL_MS = 15;
const KILL_AFTER_MS = 3_000;
const START_LOG_BYTES = 1_000_000;
const LONGEST_LINE = 64 * 1024;

export interface LaunchOptions {
  readonly paths: Paths;
  readonly installation: Installation;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly log: Log;
  readonly env: Environment;
  /** Fixed port; null: a free one. */
  readonly port: number | null;
  readonly onPhase: (phase: string) => void;
  /** Whether the engine with this PID is healthy and proved it. */
  readonly isHealthy: (pid: number) => Promise<boolean>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Start an engine. `busy`: another one holds the lock, so this one left at once.
 * @throws engine_not_installed, engine_start_failed, engine_start_timeout, port_in_use, or the signal's reason
 */
export async function launchEngine(options: LaunchOptions): Promise<"healthy" | "busy"> {
  const { paths, installation, processes, clock, log, signal } = options;
  const python = getPython(installation);
  const args = ["-I", "-m", "tino_engine", "serve", ...(options.port === null ? [] : ["--port", String(options.port)])];
  const { descriptor, offset } = openStartLog(paths);
  let child: ChildProcess;
  try {
    child = processes.spawn(python, args, { cwd: paths.home, env: engineEnvironment(options.env, paths), stderr: descriptor });
  } finally {
    closeSync(descriptor);
  }

  let phase = "starting Python";
  const patience = new Patience(clock, PHASE_TIMEOUT_MS);
  const progress = (words: string) => {
    phase = words;
    patience.renew();
    options.onPhase(words);
  };
  let failure: ErrorBody | undefined;
  const ready = new Promise<{ port: number; nonce: string }>((resolve) => {
    onLines(child, (line) => {
      const isReady = READY_LINE.exec(line);
      const isPhase = PHASE_LINE.exec(line);
      const isError = ERROR_LINE.exec(line);
      if (isReady) {
        progress("checking the start message");
        resolve({ port: Number(isReady[1]), nonce: isReady[2] as string });
      } else if (isPhase) progress(isPhase[1] as string);
      else if (isError) failure = parseError(isError[1] as string);
      else log("warning", "supervisor", "unexpected_start_line", { line: line.slice(0, 200) });
    });
  });
  const ended = new Promise<{ code: number | null; reason: string }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, reason: error.message }));
    // `close` and not `exit`: by then everything it printed has been read.
    child.once("close", (code, name) => resolve({ code, reason: name ? `signal ${name}` : `exit code ${code}` }));
  });
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;

  const untilEnded = async (): Promise<"busy"> => {
    const { code, reason } = await ended;
    if (code === EXIT.lockBusy) return "busy";
    if (options.port !== null && code === EXIT.engine && (await isTaken(options.port))) {
      throw TinoError.of("port_in_use", { port: options.port, holder: describeHolder(processes.listener(options.port)) });
    }
    if (failure) throw new TinoError(failure);
    const last = readFrom(paths.engineStartLog, offset).trim().split("\n").at(-1)?.trim();
    throw TinoError.of("engine_start_failed", { reason: last ? `${reason}: ${last}` : reason, log: paths.engineStartLog });
  };
  const untilHealthy = async (): Promise<"healthy"> => {
    const { nonce } = await ready;
    child.stdin?.write(`${JSON.stringify(bootstrapLine(options, nonce))}\n`);
    for (;;) {
      if (existsSync(paths.engineInfo) && (await options.isHealthy(child.pid as number))) return "healthy";
      await clock.sleep(HEALTH_POLL_MS, stop);
    }
  };
  const untilStalled = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(TICK_MS, stop);
      if (!patience.isOver) continue;
      const log = readFrom(paths.engineStartLog, offset).trim() ? paths.engineStartLog : paths.engineLog;
      throw TinoError.of("engine_start_timeout", { seconds: PHASE_TIMEOUT_MS / 1000, phase, log });
    }
  };

  options.onPhase(phase);
  const races = [untilEnded(), untilHealthy(), untilStalled()];
  // The two that lose are cancelled below, and reject where nobody waits for them any more.
  for (const race of races) race.catch(() => undefined);
  try {
    const outcome = await Promise.race(races);
    log("info", "supervisor", outcome === "busy" ? "engine_busy" : "engine_started", { enginePid: child.pid });
    return outcome;
  } catch (error) {
    if (TinoError.is(error, "engine_start_timeout")) await endChild(child, processes, clock);
    log("warning", "supervisor", "engine_not_started", { enginePid: child.pid, reason: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    over.abort(new Error("the start is over"));
    // Closing the input of an engine that has not read its bootstrap ends it; to any other it means nothing.
    child.stdin?.destroy();
    child.stdout?.destroy();
    child.unref();
  }
}

/** Last lines of what an engine wrote, before its own log was open or in it, whichever was written last: shown with a failed start. */
export function startLogTail(paths: Paths, lines = 12): string[] {
  const [latest] = [paths.engineStartLog, paths.engineLog].sort((one, other) => modifiedAt(other) - modifiedAt(one)) as [string, string];
  return readFrom(latest, Math.max(0, sizeOf(latest) - LONGEST_LINE))
    .trim()
    .split("\n")
    .slice(-lines);
}

/** Settings of the engine that the environment may give: `TINO_LOG_LEVEL`, `TINO_WINDOW_GRACE_MS`, `TINO_TERMINAL_GRACE_MS`. */
export function bootstrapFromEnvironment(env: Environment): Partial<Bootstrap> {
  const { TINO_LOG_LEVEL: level, TINO_WINDOW_GRACE_MS: window, TINO_TERMINAL_GRACE_MS: terminal } = env;
  return {
    ...(isLevel(level) && { logLevel: level }),
    ...(window && /^[0-9]+$/.test(window) && { windowGraceMs: Number(window) }),
    ...(terminal && /^[0-9]+$/.test(terminal) && { terminalGraceMs: Number(terminal) }),
  };
}

/** Only what the engine needs: nothing that changes what Python loads, no secrets of other programs. */
export function engineEnvironment(env: Environment, paths: Pick<Paths, "home">): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && KEPT_ENVIRONMENT.test(entry[0]));
  return { ...Object.fromEntries(kept), TINO_HOME: paths.home };
}

const KEPT_ENVIRONMENT = new RegExp(
  `^(${[
    "PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_\\w+|TZ|TMPDIR|TEMP|TMP|TINO_\\w+",
    // The keychain and the user's own places.
    "XDG_\\w+|DBUS_SESSION_BUS_ADDRESS",
    // How this network is reached.
    "SSL_CERT_FILE|SSL_CERT_DIR|HTTPS?_PROXY|NO_PROXY|https?_proxy|no_proxy",
    "SYSTEMROOT|SYSTEMDRIVE|WINDIR|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|PROGRAMDATA|PATHEXT|COMSPEC|NUMBER_OF_PROCESSORS",
  ].join("|")})$`,
  process.platform === "win32" ? "i" : "",
);

function bootstrapLine({ installation, env }: LaunchOptions, nonce: string): Partial<Bootstrap> {
  return { protocol: PROTOCOL, nonce, version: installation.version, dashboardPath: installation.dashboard, ...bootstrapFromEnvironment(env) };
}

/** The error of an ERROR line; undefined when it is none that this version knows. */
function parseError(text: string): ErrorBody | undefined {
  try {
    const body = JSON.parse(text) as ErrorBody;
    return body.code in CATALOGUE ? body : undefined;
  } catch {
    return undefined;
  }
}

function onLines(child: ChildProcess, take: (line: string) => void): void {
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-LONGEST_LINE);
    for (const line of lines) take(line.trimEnd());
  });
  // A child that is gone makes the write of its bootstrap fail; its end is reported by `close`.
  child.stdin?.on("error", () => undefined);
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(true));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(false)));
  });
}

const describeHolder = (holder: Listener | null): string =>
  holder ? ` by ${holder.name ? `${holder.name} (process ${holder.pid})` : `process ${holder.pid}`}` : " by another program";

/** End our own child. Its PID cannot be another's: we have not waited for it yet. */
async function endChild(child: ChildProcess, processes: Processes, clock: Clock): Promise<void> {
  const isThere = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  if (isThere()) processes.signal(child.pid as number, "SIGTERM");
  for (const patience = new Patience(clock, KILL_AFTER_MS); isThere() && !patience.isOver; ) await clock.sleep(HEALTH_POLL_MS);
  if (isThere()) processes.signal(child.pid as number, "SIGKILL");
}

function openStartLog(paths: Paths): { descriptor: number; offset: number } {
  const fresh = sizeOf(paths.engineStartLog) > START_LOG_BYTES;
  const descriptor = openSync(paths.engineStartLog, fresh ? "w" : "a", 0o600);
  return { descriptor, offset: sizeOf(paths.engineStartLog) };
}

/** A file that nothing was written to counts as never written. */
function modifiedAt(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && found.size > 0 ? found.mtimeMs : 0;
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function readFrom(path: string, offset: number): string {
  try {
    return readFileSync(path).subarray(offset).toString("utf8");
  } catch {
    return ""; // Not there: nothing was said.
  }
}

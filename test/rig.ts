/**
 * One user of tino for one test: a temporary home, engines (the real one, or a fake that can misbehave), client processes and `tino`
 * itself. `close` ends everything by its id and fails the test when a process is left that should have gone.
 *
 * A process belongs to the rig if its environment names the rig's home; nothing is ever found or ended by its name.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import type { EngineInfo } from "#contracts";
import { PROTOCOL } from "#contracts/handshake";
import { systemClock } from "../extension/supervisor/clock.ts";
import { readEngineInfo } from "../extension/supervisor/discovery.ts";
import { locateInstallation } from "../extension/supervisor/locate.ts";
import { fileLog } from "../extension/supervisor/log.ts";
import { type Paths, pathsOf } from "../extension/supervisor/paths.ts";
import { type Place, placeOf } from "../extension/supervisor/place.ts";
import { endEngine } from "../extension/supervisor/shutdown.ts";
import { terminalProgram } from "../scripts/programs.mjs";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const PYTHON = join(ROOT, "engine", ".venv", "bin", "python");
/** Longest wait for a condition; a test that meets it failed. */
const PATIENCE_MS = 60_000;

export interface RigOptions {
  readonly engine?: "real" | "fake";
  /** How the fake misbehaves, as words; see `supervision/fake_engine.py`. */
  readonly fake?: string;
  readonly env?: Record<string, string>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Rig {
  readonly home: string;
  readonly paths: Paths;
  /** What every process of this rig gets. */
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();

  constructor(options: RigOptions = {}) {
    this.#folder = mkdtempSync(join(tmpdir(), "tino-rig-"));
    this.home = join(this.#folder, "home");
    this.paths = pathsOf(this.home);
    this.env = {
      ...withoutTino(process.env),
      TINO_HOME: this.home,
      TINO_WINDOW_GRACE_MS: "600",
      TINO_TERMINAL_GRACE_MS: "300",
      ...(options.engine === "real" ? {} : { TINO_ENGINE_DIR: installFake(this.#folder) }),
      ...(options.fake && { TINO_FAKE: options.fake }),
      ...options.env,
    };
  }

  /** The rig's machine for code under test in this process. */
  place(): Place {
    return placeOf(this.paths, locateInstallation(ROOT, this.env), fileLog(this.paths.clientLog, systemClock), this.env);
  }

  /** Run `tino` to its end. `powerless`: as a user who cannot pass over modes, also where the tests are run by one who can. */
  async tino(args: string[], options: { env?: Record<string, string>; cwd?: string; input?: string; powerless?: boolean } = {}): Promise<Finished> {
    const child =
      options.powerless && process.getuid?.() === 0
        ? this.#spawn(
            "setpriv",
            ["--bounding-set", "-all", "--inh-caps", "-all", "--", process.execPath, await bundleOf("extension/cli/main.ts"), ...args],
            options,
          )
        : await this.startTino(args, options);
    child.process.stdin?.end(options.input ?? "");
    return child.finished;
  }

  /** Start `tino` and leave it running. */
  async startTino(args: string[], options: { env?: Record<string, string>; cwd?: string } = {}): Promise<Running> {
    return this.start([await bundleOf("extension/cli/main.ts"), ...args], options);
  }

  /** Start `tino` in a terminal of its own; what is written to its standard input is typed. */
  async startInTerminal(args: string[], size: { columns: number; rows: number }, env: Record<string, string> = {}): Promise<Running> {
    const program = [process.execPath, await bundleOf("extension/cli/main.ts"), ...args];
    const terminal = [join(ROOT, "test", "cli", "terminal.py"), String(size.columns), String(size.rows), ...program];
    return this.#spawn(PYTHON, terminal, { env: { TERM: "xterm-256color", ...env } });
  }

  /** A client in a process of its own; see `supervision/client.ts`. Resolves once it is started, not yet connected. */
  async startClient(kind: "vscode" | "cli" = "cli", env: Record<string, string> = {}): Promise<ClientProcess> {
    return new ClientProcess(this.start([await bundleOf("test/supervision/client.ts"), kind], { env }));
  }

  /** Begin with data: the database and the catalog of another home. */
  copyFrom(home: string): void {
    mkdirSync(this.home, { mode: 0o700 });
    for (const part of ["db", "data"]) cpSync(join(home, part), join(this.home, part), { recursive: true });
  }

  /** Start a Node program with the rig's environment. */
  start(args: string[], options: { env?: Record<string, string>; cwd?: string } = {}): Running {
    return this.#spawn(process.execPath, args, options);
  }

  #spawn(program: string, args: string[], options: { env?: Record<string, string>; cwd?: string }): Running {
    const child = spawn(program, args, { env: { ...this.env, ...options.env }, cwd: options.cwd ?? this.#folder, stdio: ["pipe", "pipe", "pipe"] });
    this.#children.add(child);
    return new Running(child);
  }

  engineInfo(): EngineInfo | null {
    return readEngineInfo(this.paths);
  }

  /** PIDs of every fake engine that ever held the lock here, in order. */
  fakeStarts(): number[] {
    return readLines(join(this.paths.logs, "fake-starts.log")).map(Number);
  }

  /** Requests that fake engines saw, as `METHOD target`. */
  fakeRequests(): string[] {
    return readLines(join(this.paths.logs, "fake-requests.log"));
  }

  /** Lock files as they are now. */
  locks(): string[] {
    return existsSync(this.paths.clients) ? readdirSync(this.paths.clients).filter((name) => name.endsWith(".lock")) : [];
  }

  /** Processes that run in this rig's home, by the environment they were started with. */
  processes(): number[] {
    return processesWith(`TINO_HOME=${this.home}`).filter((pid) => pid !== process.pid);
  }

  /** Wait until no process of the rig is left. */
  untilEmpty(): Promise<void> {
    return until(
      () => this.processes().length === 0,
      () => `processes left: ${this.processes().map(describeProcess).join("; ")}`,
    );
  }

  /** End everything. Fails when the engine or a child of it survives being asked to end. */
  async close(): Promise<void> {
    try {
      for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await endEngine(this.place(), true).catch(() => undefined);
      await this.untilEmpty();
    } finally {
      for (const pid of this.processes()) process.kill(pid, "SIGKILL");
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}

/** A started program with what it wrote so far. */
export class Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    this.process = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    child.stdin?.on("error", () => undefined);
    this.finished = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Wait for words on standard output. */
  async says(pattern: RegExp): Promise<void> {
    await until(
      () => pattern.test(this.stdout) || this.process.exitCode !== null,
      () => `${pattern} in ${this.stdout}${this.stderr}`,
    );
    if (!pattern.test(this.stdout)) throw new Error(`ended without ${pattern}: ${this.stdout}${this.stderr}`);
  }
}

/** What a client process reports: one line for each thing that happened to its link. */
export interface Report {
  readonly state?: { kind: string; phase?: string; error?: { code: string }; connection?: { pid: number; instance: string; port: number } };
  readonly snapshot?: { seq: number; instance: string };
  readonly event?: { type: string; seq: number; instance: string; client?: { pid: number | null } };
  readonly left?: string;
  readonly error?: { code: string; message: string };
}

export class ClientProcess {
  readonly running: Running;
  readonly reports: Report[] = [];

  constructor(running: Running) {
    this.running = running;
    createInterface({ input: running.process.stdout as NodeJS.ReadableStream }).on("line", (line) => this.reports.push(JSON.parse(line)));
  }

  get pid(): number {
    return this.running.pid;
  }

  /** Tell it to do something: `leave`, `dispose`, `trust <folder>`. */
  tell(command: string): void {
    this.running.process.stdin?.write(`${command}\n`);
  }

  /** Wait for a report. */
  async hears(what: string, wanted: (report: Report) => boolean, from = 0): Promise<Report> {
    await until(
      () => this.reports.slice(from).some(wanted),
      () => `${what}; heard ${JSON.stringify(this.reports)} ${this.running.stderr}`,
    );
    return this.reports.slice(from).find(wanted) as Report;
  }

  /** Wait until it is connected, to another engine than those of these instances; gives the engine. */
  async live(...not: string[]): Promise<{ pid: number; instance: string; port: number }> {
    const isLive = (report: Report) => report.state?.kind === "live" && !not.includes(report.state.connection?.instance ?? "");
    const found = await this.hears("live", isLive);
    return found.state?.connection as { pid: number; instance: string; port: number };
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.running.process.kill(signal);
  }
}

/** Wait for a condition by looking, never by time alone. */
export async function until(condition: () => boolean | Promise<boolean>, what: () => string, patienceMs = PATIENCE_MS): Promise<void> {
  for (const since = performance.now(); !(await condition()); ) {
    if (performance.now() - since > patienceMs) throw new Error(`Waited in vain for ${what()}`);
    await delay(15);
  }
}

const bundles = new Map<string, Promise<string>>();

/**
 * A program as one file that Node can run at once; built when it is first needed by this test process. One of another version is the
 * real one with another protocol number.
 */
export function bundleOf(entry: string, protocol = PROTOCOL): Promise<string> {
  const name = `${entry.replaceAll("/", "-")}-${protocol}`;
  let bundle = bundles.get(name);
  if (!bundle) {
    const outdir = join(ROOT, "node_modules", ".cache", "tino-test", String(process.pid), name);
    bundle = build({
      ...terminalProgram,
      plugins: [...terminalProgram.plugins, speaking(protocol)],
      entryPoints: { main: entry },
      outdir,
      outExtension: { ".js": ".mjs" },
    }).then(() => {
      process.once("exit", () => rmSync(outdir, { recursive: true, force: true }));
      return join(outdir, "main.mjs");
    });
    bundles.set(name, bundle);
  }
  return bundle;
}

function speaking(protocol: number): Plugin {
  return {
    name: "speaking",
    setup(build) {
      build.onLoad({ filter: /[\\/]contracts[\\/]handshake\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, "utf8").replace(/(?<=PROTOCOL = )\d+/, String(protocol)),
        loader: "ts",
      }));
    },
  };
}

/** Put the fake where an engine's interpreter would be. */
const installFake = (folder: string): string => installEngine(join(folder, "engine"), "-S", join(ROOT, "test", "supervision", "fake_engine.py"));

/** An engine of another version; see `supervision/other_version.py`. */
export const installOtherVersion = (folder: string, protocol: number): string =>
  installEngine(join(folder, `engine-${protocol}`), join(ROOT, "test", "supervision", "other_version.py"), String(protocol));

function installEngine(folder: string, ...program: string[]): string {
  const bin = join(folder, ".venv", "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "python"), `#!/bin/sh\nexec "${PYTHON}" -I ${program.map((word) => `"${word}"`).join(" ")} "$@"\n`);
  chmodSync(join(bin, "python"), 0o755);
  return folder;
}

function withoutTino(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(TINO_|NO_COLOR|FORCE_COLOR|CI$|CONTINUOUS_INTEGRATION$)/.test(entry[0]),
    ),
  );
}

function readLines(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").filter(Boolean) : [];
}

function processesWith(assignment: string): number[] {
  if (process.platform === "linux") {
    return readdirSync("/proc")
      .filter((name) => /^[0-9]+$/.test(name))
      .filter((name) => environmentOf(name).includes(assignment) && !isZombie(name))
      .map(Number);
  }
  const table = execFileSync("ps", ["-axEww", "-o", "pid=,command="], { encoding: "utf8" });
  return table
    .split("\n")
    .filter((line) => line.includes(assignment))
    .map((line) => Number(line.trim().split(" ", 1)[0]));
}

/** Processes end while they are looked at; those of others may not be looked at and are not ours. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function isZombie(pid: string): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

function describeProcess(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`;
  } catch {
    return String(pid);
  }
}

/**
 * One schedule, played with real processes in a home of its own, and what came of it.
 *
 * After the last action comes the settlement: whoever is still there must get back to one engine, and somebody must be there so that
 * what is queued goes on. Then all leave or are killed, and everything must go: engine, workers, hosts.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { BacktestRequest, EngineInfo } from "#contracts";
import { EngineLink } from "../../extension/client/engineLink.ts";
import { getPython, locateInstallation } from "../../extension/supervisor/locate.ts";
import { bundleOf, Rig, ROOT, type Running } from "../rig.ts";
import { Bystander } from "./bystander.ts";
import type { Report } from "./client.ts";
import { type Finding, judge, type Ledger } from "./judge.ts";
import type { Action, Kind, Schedule, Stop } from "./schedule.ts";
import { Witness } from "./witness.ts";

export type Graces = "short" | "real";

export interface Outcome {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly clients: number;
  readonly engineStarts: number;
  /** Of engines and of clients. */
  readonly kills: number;
  readonly runs: number;
  /** Durable events told to clients, all together. */
  readonly told: number;
  /** That clients sent on the way up the ladder, and that somebody got. */
  readonly terms: number;
  readonly signalKills: number;
  /** Engines that stopped for good under their clients, that were ended by force, and that left their PID or their record to another process. */
  readonly hangs: number;
  readonly forced: number;
  readonly bystanders: number;
  readonly reusedPids: number;
  readonly crashLoops: number;
  /** From the kill of an engine until a client that used it is live again, each. */
  readonly recoveriesMs: readonly number[];
  readonly elapsedMs: number;
}

/** Longest time until everybody is back, or everything is gone; a schedule that meets it broke a promise. */
const PATIENCE_MS = 60_000;
/** Each look reads the whole process table, and the machine is what the schedule needs. */
const POLL_MS = 100;
const GRACES = { short: { window: 600, terminal: 300 }, real: { window: 30_000, terminal: 5_000 } };
/** What a client runs when it is told to: half a second of work over fourteen years of daily bars. */
const REQUEST: BacktestRequest = {
  path: join(ROOT, "examples", "strategies", "ema_cross.py"),
  name: null,
  symbols: ["AAPL.XNAS"],
  barTypes: [],
  from: null,
  to: null,
  parameters: {},
  adjustment: "none",
  strategies: [],
  perSymbol: false,
  ticks: [],
  warmUp: 0,
  venue: {} as BacktestRequest["venue"],
  cache: false,
};

/** A client process with what it said, and what was done to it. */
class Player {
  readonly running: Running;
  readonly kind: Kind;
  readonly reports: Report[] = [];
  readonly pauses: [from: number, to: number][] = [];
  goneAt = Number.POSITIVE_INFINITY;

  constructor(kind: Kind, running: Running) {
    this.kind = kind;
    this.running = running;
    if (kind !== "tino") createInterface({ input: running.process.stdout as NodeJS.ReadableStream }).on("line", (line) => this.#hear(JSON.parse(line)));
  }

  get pid(): number {
    return this.running.pid;
  }

  get isThere(): boolean {
    return this.running.process.exitCode === null && this.running.process.signalCode === null;
  }

  /** Instance of the engine it is live with, null while it is not. */
  get liveWith(): string | null {
    const last = this.reports.findLast((report) => "state" in report);
    return last && "state" in last && last.state === "live" ? (last.instance ?? null) : null;
  }

  tell(command: string): void {
    this.running.process.stdin?.write(`${command}\n`);
  }

  kill(): void {
    this.goneAt = Math.min(this.goneAt, Date.now());
    this.running.process.kill("SIGKILL");
  }

  leave(): void {
    this.goneAt = Math.min(this.goneAt, Date.now());
    if (this.kind === "tino") this.running.process.kill("SIGTERM");
    else this.tell("leave");
  }

  async pause(ms: number): Promise<void> {
    const from = Date.now();
    this.running.process.kill("SIGSTOP");
    await delay(ms);
    this.running.process.kill("SIGCONT");
    this.pauses.push([from, Date.now()]);
  }

  #hear(report: Report): void {
    this.reports.push(report);
    // As its user would: what ended or gave up is started again.
    if ("state" in report && (report.state === "failed" || report.state === "stopped")) this.tell("again");
  }
}

/** A home with the sample data in it, from which schedules take theirs. */
export async function makeTemplate(): Promise<Rig> {
  const rig = new Rig({ engine: "real" });
  const link = new EngineLink({ place: rig.place(), kind: "cli", workspace: null, trustedFolders: [] });
  await link.call("importSample");
  await link.leave();
  return rig;
}

/** Play it. What goes wrong with the play itself is thrown. */
export async function play(schedule: Schedule, template: Rig, graces: Graces): Promise<Outcome> {
  const since = Date.now();
  const { window, terminal } = GRACES[graces];
  const rig = new Rig({ engine: "real", env: { TINO_WINDOW_GRACE_MS: String(window), TINO_TERMINAL_GRACE_MS: String(terminal) } });
  const play = new Play(rig);
  try {
    rig.copyFrom(template.home);
    for (const action of schedule.actions) {
      await delay(action.afterMs);
      await play.act(action);
    }
    await play.settle();
    const orphans = await play.end(schedule.ends);
    const lives = await play.witness.close();
    const ledger = readLedger(rig);
    const findings: Finding[] = [...play.findings, ...judge({ clients: play.players.map(({ pid, reports }) => ({ pid, reports })), lives, ledger, orphans })];
    if (findings.length > 0) keep(rig, schedule.seed, play.players);
    const said = play.players.flatMap(({ reports }) => reports);
    return {
      seed: schedule.seed,
      findings,
      clients: play.players.length,
      engineStarts: lives.length,
      kills: play.kills,
      runs: Object.keys(ledger.runs).length,
      told: said.filter((report) => "durable" in report).length,
      terms: said.filter((report) => "signal" in report && report.signal === "SIGTERM").length,
      signalKills: said.filter((report) => "signal" in report && report.signal === "SIGKILL").length,
      hangs: play.hangs,
      forced: said.filter((report) => "ended" in report).length,
      bystanders: play.bystanders.length,
      reusedPids: play.bystanders.filter(({ reused }) => reused).length,
      crashLoops: said.filter((report) => "code" in report && report.code === "engine_crash_loop").length,
      recoveriesMs: play.recoveries(),
      elapsedMs: Date.now() - since,
    };
  } finally {
    for (const { process } of play.bystanders) process.kill("SIGKILL");
    await play.witness.close();
    await rig.close();
  }
}

class Play {
  readonly witness: Witness;
  readonly players: Player[] = [];
  readonly findings: Finding[] = [];
  kills = 0;
  hangs = 0;
  readonly bystanders: Bystander[] = [];
  readonly #rig: Rig;
  readonly #slots = new Map<number, Player>();
  readonly #underWay: Promise<unknown>[] = [];
  /** PIDs of engines that nobody here lets go on. */
  readonly #hung = new Set<number>();
  /** Ends of engines that the schedule made, and times in which an engine was stopped. */
  readonly #ends: { readonly at: number; readonly pid: number | null }[] = [];
  readonly #enginePauses: [from: number, to: number][] = [];

  constructor(rig: Rig) {
    this.#rig = rig;
    this.witness = new Witness(rig.paths.engineLog);
  }

  async act(action: Action): Promise<void> {
    if (action.do === "start") return this.#start(action.slot, action.as);
    if (action.do === "killEngine") return this.#killEngine(action.any);
    if (action.do === "pauseEngine") return this.#pauseEngine(action.ms);
    if (action.do === "hangEngine") return this.#hangEngine();
    if (action.do === "force") return this.#force(action.stops, action.resumesMs);
    if (action.do === "reusePid") return this.#reusePid(action.unseen);
    if (action.do === "untilLive") {
      const isLive = (player: Player) => player.liveWith !== null;
      await isTrueSoon(() => this.#ours().length === 0 || (action.everybody ? this.#ours().every(isLive) : this.#ours().some(isLive)));
      return;
    }
    if (action.do === "deleteRun") {
      this.#ends.push({ at: Date.now(), pid: null });
      return this.#deleteRun();
    }
    const player = this.#slots.get(action.slot);
    if (!player?.isThere) return;
    if (action.do === "pause") this.#underWay.push(player.pause(action.ms));
    else if (action.do === "backtest") player.tell("backtest");
    else {
      this.#slots.delete(action.slot);
      if (action.do === "kill") {
        this.kills += 1;
        player.kill();
      } else player.leave();
      if (action.do === "reload") await this.#start(action.slot, "window");
    }
  }

  /** Everybody who is still there is back on one engine. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#ours().length === 0) await this.#start(Math.max(-1, ...this.#slots.keys()) + 1, "terminal");
    const isSettled = () => {
      const engine = this.#rig.engineInfo();
      // Right after a kill everybody still believes in the dead one.
      if (!engine || this.#ends.some(({ pid }) => pid === engine.pid) || !enginesOf(this.#rig).includes(engine.pid)) return false;
      return this.#ours().every((player) => player.liveWith === engine.instance);
    };
    if (await isTrueSoon(isSettled)) return;
    for (const { pid, reports } of this.#ours())
      this.findings.push({
        promise: "notBack",
        what: `client ${pid}: ${reports
          .slice(-6)
          .map((report) => JSON.stringify(report))
          .join(" ")}`,
      });
  }

  /** All go; what is left is an orphan. */
  async end(ends: Schedule["ends"]): Promise<string[]> {
    for (const [slot, player] of this.#slots) {
      if (!player.isThere) continue;
      if (ends[slot % ends.length] === "kill") {
        this.kills += 1;
        player.kill();
      } else player.leave();
    }
    const isOver = await isTrueSoon(() => this.#rig.processes().length === 0);
    for (const { process } of this.bystanders)
      if (process.exitCode !== null || process.signalCode !== null)
        this.findings.push({ promise: "foreignSignal", what: `process ${process.pid}, which had the PID or the port of an engine, was ended` });
    if (isOver) return [];
    return this.#rig.processes().map((pid) => `${pid} ${commandOf(pid)}`);
  }

  /** How long each client that lost its engine took to have the next one, where nothing but the kill stood in its way. */
  recoveries(): number[] {
    const hinders = (from: number, to: number) => (other: [number, number]) => other[0] < to && other[1] > from;
    return this.#ends.flatMap(({ at, pid }, index) =>
      this.players.flatMap(({ reports, pauses, goneAt }) => {
        const states = reports.filter((report) => "state" in report);
        const before = states.findLast((report) => report.at <= at && "state" in report);
        if (pid === null || !before || !("pid" in before) || before.state !== "live" || before.pid !== pid) return [];
        const back = states.find((report) => report.at > at && "state" in report && report.state === "live" && report.pid !== pid);
        if (!back || back.at > goneAt) return [];
        const next = this.#ends[index + 1]?.at ?? Number.POSITIVE_INFINITY;
        if (next < back.at || [...pauses, ...this.#enginePauses].some(hinders(at, back.at))) return [];
        return [back.at - at];
      }),
    );
  }

  /** Those who tell what happens to them. */
  #ours(): Player[] {
    return [...this.#slots.values()].filter((player) => player.isThere && player.kind !== "tino");
  }

  async #start(slot: number, kind: Kind): Promise<void> {
    const player = new Player(kind, await startClient(this.#rig, kind));
    this.#slots.set(slot, player);
    this.players.push(player);
  }

  /** All at once, since removing file by file fails when a client writes one meanwhile. */
  #deleteRun(): void {
    const removed = `${this.#rig.paths.run}-removed`;
    if (!existsSync(this.#rig.paths.run) || existsSync(removed)) return;
    renameSync(this.#rig.paths.run, removed);
    rmSync(removed, { recursive: true, force: true });
  }

  /** The engine that one of our clients, who is still there and thus holds it, is live with. */
  get #used(): EngineInfo | null {
    const info = this.#rig.engineInfo();
    return info && enginesOf(this.#rig).includes(info.pid) && this.#ours().some(({ liveWith }) => liveWith === info.instance) ? info : null;
  }

  #hangEngine(): void {
    const pid = this.#used?.pid;
    if (pid === undefined) return;
    process.kill(pid, "SIGSTOP");
    this.#hung.add(pid);
    this.#ends.push({ at: Date.now(), pid });
    this.#enginePauses.push([Date.now(), Number.POSITIVE_INFINITY]);
    this.hangs += 1;
  }

  async #force(stops: Stop, resumesMs: number | null): Promise<void> {
    if (!this.#used) return;
    const bundle = await bundleOf("test/chaos/client.ts");
    const player = new Player("terminal", this.#rig.start([bundle, "force", stops, String(resumesMs ?? 0)]));
    this.players.push(player);
    this.#underWay.push(player.running.finished);
    await isTrueSoon(() => player.reports.length > 0 || !player.isThere);
    for (const report of player.reports)
      if ("stopped" in report) {
        this.#hung.add(report.stopped);
        this.#enginePauses.push([report.at, Number.POSITIVE_INFINITY]);
      }
  }

  async #reusePid(unseen: boolean): Promise<void> {
    const info = this.#used;
    if (!info) return;
    const from = Date.now();
    const stopped = unseen ? [...this.#slots.values()].filter(({ isThere }) => isThere) : [];
    for (const player of stopped) player.running.process.kill("SIGSTOP");
    this.#killEngine(false);
    this.bystanders.push(await Bystander.inPlaceOf(info, this.#rig));
    for (const player of stopped) {
      player.running.process.kill("SIGCONT");
      player.pauses.push([from, Date.now()]);
    }
  }

  #killEngine(any: boolean): void {
    const announced = this.#rig.engineInfo()?.pid;
    const engines = any ? enginesOf(this.#rig) : enginesOf(this.#rig).filter((pid) => pid === announced);
    for (const pid of engines) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        continue; // It ended since it was looked at.
      }
      this.#ends.push({ at: Date.now(), pid });
      this.kills += 1;
    }
  }

  async #pauseEngine(ms: number): Promise<void> {
    const [pid] = enginesOf(this.#rig);
    if (pid === undefined || this.#hung.has(pid)) return;
    const from = Date.now();
    try {
      process.kill(pid, "SIGSTOP");
      this.#underWay.push(
        delay(ms).then(() => {
          this.#enginePauses.push([from, Date.now()]);
          if (enginesOf(this.#rig).includes(pid) && !this.#hung.has(pid)) process.kill(pid, "SIGCONT");
        }),
      );
    } catch {
      // It ended since it was looked at.
    }
  }
}

/** A client as the product ships it: its parts with a reporter, or the terminal program itself. */
export async function startClient(rig: Rig, kind: Kind | "waiting"): Promise<Running> {
  if (kind === "tino") return rig.start([join(ROOT, "dist", "cli", "main.js"), "up"]);
  return rig.start([await bundleOf("test/chaos/client.ts"), kind, JSON.stringify(REQUEST)]);
}

/** Processes of this home that are engines, in whatever state. */
export const enginesOf = (rig: Rig): number[] => rig.processes().filter((pid) => /tino_engine serve/.test(commandOf(pid)));

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return ""; // Gone since it was listed.
  }
}

/** What is needed to see why: the logs, and what each client said. */
function keep(rig: Rig, seed: number, players: readonly Player[]): void {
  const folder = join(ROOT, "test-results", "chaos", String(seed));
  rmSync(folder, { recursive: true, force: true });
  cpSync(rig.paths.logs, folder, { recursive: true });
  for (const { pid, kind, reports, running } of players) {
    const lines = reports.length > 0 ? reports.map((report) => JSON.stringify(report)) : [running.stdout];
    writeFileSync(join(folder, `client-${pid}-${kind}.log`), `${lines.join("\n")}\n${running.stderr}`);
  }
}

function readLedger(rig: Rig): Ledger {
  const python = getPython(locateInstallation(ROOT));
  const database = join(rig.home, "db", "tino.db");
  return JSON.parse(execFileSync(python, ["-I", join(ROOT, "test", "chaos", "read_ledger.py"), database], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }));
}

async function isTrueSoon(condition: () => boolean): Promise<boolean> {
  for (const since = performance.now(); performance.now() - since < PATIENCE_MS; await delay(POLL_MS)) if (condition()) return true;
  return condition();
}

/**
 * A machine on which supervision is played in no time: clock, process table, disk, network and engines are fakes that obey each other,
 * and everything that happens is an event of a queue, so that a seed decides every interleaving.
 *
 * What belongs to a process happens only while that process lives and runs: a killed client stops between two awaits, as a real one
 * does, and a stopped one gets everything when it goes on. Whose call a fake serves is known from the asynchronous context.
 *
 * The fakes also judge, because they see what no log shows: who is signalled, who is sent the token, who unlinks what.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import type { Clock } from "../../extension/supervisor/clock.ts";
import type { LoopbackAnswer, LoopbackRequest } from "../../extension/supervisor/loopback.ts";
import { pathsOf } from "../../extension/supervisor/paths.ts";
import type { Place } from "../../extension/supervisor/place.ts";

export const HOME = "/home/ada/tino";
const PATHS = pathsOf(HOME);
const BOOT = "boot:1";
const PYTHON = "/tino/engine/.venv/bin/python";
const TICK_MS = 1_000;
const GRACES: Record<string, number> = { vscode: 30_000, cli: 5_000 };

/** A broken promise of the code under test. */
export class Violation extends Error {}

export interface Proc {
  readonly pid: number;
  readonly start: string;
  readonly what: "client" | "engine" | "other";
  stopped: boolean;
  /** Events that wait for it to go on. */
  held: Due[];
  onEnd: () => void;
}

interface Due {
  at: number;
  readonly order: number;
  readonly owner: Proc | null;
  readonly run: () => void;
}

const failure = (code: string) => Object.assign(new Error(code), { code });

/** Paths to texts; a directory is null. */
class Disk {
  readonly #entries = new Map<string, string | null>([[PYTHON, ""]]);
  readonly #open = new Map<number, string>();
  #descriptor = 10;
  readonly #guard: (path: string) => void;

  /** `guard` is asked before somebody unlinks. */
  constructor(guard: (path: string) => void) {
    this.#guard = guard;
  }

  read(path: string): string | null {
    return this.#entries.get(path) ?? null;
  }

  write(path: string, text: string): void {
    this.#entries.set(path, text);
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** How often the run directory was deleted: what its inode is to a real engine. */
  deletions = 0;

  remove(path: string): void {
    if (path === PATHS.run) this.deletions += 1;
    for (const entry of [...this.#entries.keys()]) if (entry === path || entry.startsWith(`${path}/`)) this.#entries.delete(entry);
  }

  list(path: string): string[] {
    const names = [...this.#entries.keys()].filter((entry) => entry.startsWith(`${path}/`)).map((entry) => entry.slice(path.length + 1));
    return names.filter((name) => !name.includes("/"));
  }

  #stat = (path: string, options?: { throwIfNoEntry?: boolean }) => {
    const entry = this.#entries.get(path);
    if (entry === undefined) {
      if (options?.throwIfNoEntry === false) return undefined;
      throw failure("ENOENT");
    }
    const own = { uid: process.geteuid?.() ?? 0, mode: entry === null ? 0o40700 : 0o100600, size: entry?.length ?? 0, mtimeMs: 0, ino: 1 };
    return { ...own, isSymbolicLink: () => false, isDirectory: () => entry === null, isFile: () => entry !== null };
  };

  /** What stands in place of `node:fs`. */
  readonly fs = {
    existsSync: (path: string) => this.#entries.has(path),
    statSync: this.#stat,
    lstatSync: this.#stat,
    readFileSync: (path: string | number, encoding?: string) => {
      const text = typeof path === "string" ? this.read(path) : this.read(this.#open.get(path) ?? "");
      if (text === null) throw failure("ENOENT");
      return encoding ? text : Buffer.from(text);
    },
    fstatSync: (descriptor: number) => this.#stat(this.#open.get(descriptor) ?? ""),
    readdirSync: (path: string) => {
      if (this.#entries.get(path) !== null) throw failure("ENOENT");
      return this.list(path);
    },
    mkdirSync: (path: string, options?: { recursive?: boolean }) => {
      if (this.#entries.has(path) && !options?.recursive) throw failure("EEXIST");
      this.#entries.set(path, null);
    },
    openSync: (path: string, flags: string | number) => {
      const creates = typeof flags === "string" && flags !== "r";
      if (flags === "wx" && this.#entries.has(path)) throw failure("EEXIST");
      if (!creates && !this.#entries.has(path)) throw failure("ENOENT");
      if (creates && !this.#entries.has(path)) {
        if (!this.#entries.has(path.slice(0, path.lastIndexOf("/")))) throw failure("ENOENT");
        this.#entries.set(path, "");
      }
      this.#descriptor += 1;
      this.#open.set(this.#descriptor, path);
      return this.#descriptor;
    },
    closeSync: (descriptor: number) => void this.#open.delete(descriptor),
    fchmodSync: () => undefined,
    writeSync: (descriptor: number, text: string) => {
      const path = this.#open.get(descriptor) as string;
      this.#entries.set(path, (this.read(path) ?? "") + text);
    },
    renameSync: (from: string, to: string) => {
      const text = this.#entries.get(from);
      if (text === undefined || !this.#entries.has(to.slice(0, to.lastIndexOf("/")))) throw failure("ENOENT");
      this.#entries.delete(from);
      this.#entries.set(to, text);
    },
    unlinkSync: (path: string) => {
      if (!this.#entries.has(path)) throw failure("ENOENT");
      this.#guard(path);
      this.#entries.delete(path);
    },
    appendFileSync: () => undefined,
    constants: { O_RDONLY: 0, O_NOFOLLOW: 0 },
  };
}

export class Machine {
  now = 1_000_000;
  /** What the clock on the wall is ahead of 1970 plus `now`. */
  wallOffset = 1_700_000_000_000;
  readonly disk = new Disk((path) => this.#judgeUnlink(path));
  readonly engines: Engine[] = [];
  /** Whether a look tells the start at once, as on Linux; elsewhere it takes an effort, and most questions do without. */
  readonly quickStarts: boolean;
  /** How the next engines fare while they start; empty: well. */
  readonly fates: ("dies" | "mute")[] = [];
  readonly #processes = new Map<number, Proc>();
  readonly ports = new Map<number, Engine | "foreign">();
  readonly #context = new AsyncLocalStorage<Proc | null>();
  readonly #queue: Due[] = [];
  #order = 0;
  #turn = 0;
  #starts = 0;
  #random: number;
  /** In which turn a start was read last, by PID. */
  readonly #read = new Map<number, number>();

  constructor(seed: number) {
    this.#random = seed >>> 0;
    this.quickStarts = this.random() < 0.5;
  }

  /** Mulberry32, from 0 to below 1. */
  random = (): number => {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let value = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };

  between = (least: number, most: number): number => least + Math.floor(this.random() * (most - least));

  // -- events --------------------------------------------------------------------------------------------------------

  after(ms: number, owner: Proc | null, run: () => void): Due {
    this.#order += 1;
    const due = { at: this.now + ms, order: this.#order, owner, run };
    this.#queue.push(due);
    return due;
  }

  cancel(due: Due): void {
    const index = this.#queue.indexOf(due);
    if (index >= 0) this.#queue.splice(index, 1);
  }

  /** Let time pass, event by event. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      this.#queue.sort((one, other) => one.at - other.at || one.order - other.order);
      const due = this.#queue[0];
      if (!due || due.at > end) break;
      this.#queue.shift();
      this.now = Math.max(this.now, due.at);
      await this.#happen(due);
    }
    this.now = end;
  }

  /** Do something as a process, and let it come to rest. */
  async act(owner: Proc | null, run: () => void): Promise<void> {
    await this.#happen({ at: this.now, order: 0, owner, run });
  }

  async #happen(due: Due): Promise<void> {
    const { owner } = due;
    if (owner && !this.lives(owner)) return;
    if (owner?.stopped) {
      owner.held.push(due);
      return;
    }
    this.#turn += 1;
    this.#context.run(owner, due.run);
    // All that follows from it without waiting happens in microtasks, which are done by then.
    await new Promise((resolve) => setImmediate(resolve));
  }

  // -- processes -----------------------------------------------------------------------------------------------------

  /** Start a process; PIDs are few, so that they are reused. */
  start(what: Proc["what"], pid?: number): Proc {
    this.#starts += 1;
    let free = pid ?? 100;
    while (this.#processes.has(free)) free += 1;
    const proc: Proc = { pid: free, start: String(this.#starts), what, stopped: false, held: [], onEnd: () => undefined };
    this.#processes.set(free, proc);
    return proc;
  }

  /** Whether the client that wrote a lock file lives; one that could not write its start is known by its PID. */
  isAlive(pid: number, start: string | null): boolean {
    const proc = this.#processes.get(pid);
    return proc !== undefined && (start === null ? proc.what === "client" : proc.start === start);
  }

  lives = (proc: Proc): boolean => this.#processes.get(proc.pid) === proc;

  end(proc: Proc): void {
    if (!this.lives(proc)) return;
    this.#processes.delete(proc.pid);
    proc.onEnd();
  }

  stop(proc: Proc): void {
    proc.stopped = true;
  }

  continue(proc: Proc): void {
    proc.stopped = false;
    for (const due of proc.held.splice(0)) this.after(0, proc, due.run);
  }

  /** The asynchronous context says who calls. */
  caller(): Proc | null {
    return this.#context.getStore() ?? null;
  }

  placeOf(proc: Proc): Place {
    const read = (pid: number) => {
      this.#read.set(pid, this.#turn);
      return this.#processes.get(pid)?.start ?? null;
    };
    return {
      paths: PATHS,
      installation: { root: "/tino", version: "1.0.0", engineDirectory: "/tino/engine", dashboard: null },
      env: {},
      log: () => undefined,
      clock: this.#clockOf(proc),
      processes: {
        pid: proc.pid,
        look: (pid) => ({ exists: this.#processes.has(pid), startId: this.quickStarts ? read(pid) : null }),
        startId: read,
        bootId: () => BOOT,
        terminal: () => null,
        listener: () => null,
        signal: (pid, name) => this.#signal(proc, pid, name),
        spawn: () => new Engine(this, proc).child as unknown as ChildProcess,
      },
    };
  }

  #clockOf(proc: Proc): Clock {
    return {
      now: () => this.now + this.wallOffset,
      monotonic: () => this.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const abort = () => {
            this.cancel(due);
            reject(signal?.reason);
          };
          const due = this.after(ms, proc, () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          });
          signal?.addEventListener("abort", abort, { once: true });
        }),
      every: (ms, tick) => {
        let due: Due;
        const again = () => {
          due = this.after(ms, proc, () => {
            again();
            tick();
          });
        };
        again();
        return () => this.cancel(due);
      },
    };
  }

  #signal(from: Proc, pid: number, name: "SIGTERM" | "SIGKILL"): boolean {
    const target = this.#processes.get(pid);
    const engine = this.engines.find((it) => it.proc.pid === pid && this.lives(it.proc));
    // A process that we started and have not waited for keeps its PID; of any other the start was read in this very turn.
    const isOwnChild = engine?.spawner === from;
    if (!isOwnChild && this.#read.get(pid) !== this.#turn) throw new Violation(`${name} to ${pid} without a look at who that is`);
    if (target && !engine) throw new Violation(`${name} to ${pid}, which is no engine but ${target.what}`);
    if (!engine) return false;
    this.after(0, null, () => engine.signalled(name));
    return true;
  }

  #judgeUnlink(path: string): void {
    const caller = this.caller();
    const lock = /\/cli-([0-9]+)\.lock/.exec(path);
    if (caller?.what === "client" && lock && Number(lock[1]) !== caller.pid) throw new Violation(`client ${caller.pid} unlinked ${path}`);
  }

  // -- network -------------------------------------------------------------------------------------------------------

  /** `requestLoopback` of whoever calls. `reset` makes its errors. */
  request(options: LoopbackRequest, fail: (reason: "refused" | "reset" | "timeout") => Error): Promise<LoopbackAnswer> {
    const client = this.caller();
    return new Promise((resolve, reject) => {
      const { signal, port, timeoutMs } = options;
      if (signal?.aborted) return reject(signal.reason);
      const done = (settle: () => void) => () => {
        this.cancel(late);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const abort = done(() => reject(signal?.reason));
      const late = this.after(
        timeoutMs,
        client,
        done(() => reject(fail("timeout"))),
      );
      signal?.addEventListener("abort", abort, { once: true });
      this.after(this.between(0, 8), null, () => {
        const target = this.ports.get(port);
        const back = (settle: () => void) => void this.after(this.between(0, 8), client, done(settle));
        if (!target) return back(() => reject(fail("refused")));
        if (options.token !== undefined && (target === "foreign" || target.token !== options.token))
          throw new Violation(`the token went to port ${port}, where ${target === "foreign" ? "another program" : "another engine"} listens`);
        if (target === "foreign") return back(() => resolve(this.#imitate(port)));
        if (!target.hears) return;
        back(() => resolve(target.answer(options)));
      });
    });
  }

  /** Another program on the port of an engine that is gone, which copies all of its answer but the proof. */
  #imitate(port: number): LoopbackAnswer {
    if (this.quickStarts) throw new Violation(`port ${port} was asked although its engine is known to be gone`);
    const { proc, instance } = this.engines.find((engine) => engine.port === port) as Engine;
    return answer(200, { service: "tino", status: "healthy", pid: proc.pid, port, instance, protocol: 1, version: "1.0.0", proof: "00".repeat(32) });
  }

  /** `openSocket` of whoever calls. */
  openSocket(port: number, token: string, refuse: (reachable: boolean) => Error): Promise<unknown> {
    const client = this.caller() as Proc;
    return new Promise((resolve, reject) => {
      this.after(this.between(0, 8), null, () => {
        const target = this.ports.get(port);
        if (target === "foreign" || (target && target.token !== token)) throw new Violation(`a socket with the token went to port ${port}`);
        const reached = target?.hears && target.state === "healthy" ? target : null;
        const settle = reached ? () => resolve(new Socket(this, reached, client)) : () => reject(refuse(target !== undefined));
        this.after(this.between(0, 8), client, settle);
      });
    });
  }
}

const answer = (status: number, body: unknown): LoopbackAnswer => ({ status, contentType: "application/json", body: Buffer.from(JSON.stringify(body)) });

interface FakeChild extends EventEmitter {
  readonly pid: number;
  readonly stdout: EventEmitter;
  exitCode: number | null;
  signalCode: string | null;
}

/** One start of an engine, as its clients see it: handshake, health, events, the end. */
export class Engine {
  readonly proc: Proc;
  readonly spawner: Proc;
  readonly port: number;
  readonly instance: string;
  readonly token: string;
  readonly sockets = new Set<Socket>();
  readonly child: FakeChild;
  state: "starting" | "healthy" | "stopping" | "gone" = "starting";
  hung = false;
  #told = false;
  readonly #machine: Machine;
  #deadline = 0;
  readonly #fate: "dies" | "mute" | undefined;

  constructor(machine: Machine, spawner: Proc) {
    this.#machine = machine;
    this.spawner = spawner;
    this.proc = machine.start("engine");
    const index = machine.engines.push(this);
    this.port = 40_000 + index;
    this.instance = index.toString(16).padStart(32, "0");
    this.token = index.toString(16).padStart(64, "0");
    this.#fate = machine.fates.shift();
    this.proc.onEnd = () => this.#gone(null, "SIGKILL");
    const stdout = Object.assign(new EventEmitter(), { setEncoding: () => stdout, destroy: () => undefined });
    const stdin = Object.assign(new EventEmitter(), {
      write: () => this.#later(2, () => this.#boot()),
      destroy: () => this.#later(3, () => this.#told || this.#exit(5)),
    });
    this.child = Object.assign(new EventEmitter(), { pid: this.proc.pid, stdout, stdin, exitCode: null, signalCode: null, unref: () => undefined });
    this.#later(machine.between(10, 60), () => this.#begin());
  }

  /** It can be spoken to. */
  get hears(): boolean {
    return !this.hung && !this.proc.stopped && this.state !== "starting";
  }

  get holdsLock(): boolean {
    return this.#machine.lives(this.proc) && this.child.exitCode === null && this.#locked;
  }
  #locked = false;
  #deletions = 0;

  /** The run directory is the one in which it took its lock. */
  get #isIntact(): boolean {
    return this.#machine.disk.deletions === this.#deletions;
  }

  #later(ms: number, run: () => void): void {
    this.#machine.after(ms, this.proc, run);
  }

  #say(line: string): void {
    this.#machine.after(1, this.spawner, () => this.child.stdout.emit("data", `${line}\n`));
  }

  #begin(): void {
    if (this.#machine.engines.some((other) => other !== this && other.holdsLock)) {
      this.#exit(75);
      return;
    }
    this.#locked = true;
    this.#deletions = this.#machine.disk.deletions;
    if (!this.#machine.lives(this.spawner)) {
      this.#exit(5);
      return;
    }
    this.#say(`READY ${this.port} ${"ab".repeat(16)}`);
    this.#awaitBootstrap(15);
  }

  /** A spawner that dies before the bootstrap closes our input; one that is stopped is not waited for for ever. */
  #awaitBootstrap(looks: number): void {
    this.#later(2_000, () => {
      if (this.#told) return;
      if (looks > 0 && this.#machine.lives(this.spawner)) this.#awaitBootstrap(looks - 1);
      else this.#exit(5);
    });
  }

  #boot(): void {
    this.#told = true;
    // One that hangs while it starts ends by its own timer, if nobody else ends it.
    if (this.#fate === "mute") {
      this.#later(20_000, () => this.#exit(1));
      return;
    }
    this.#say("PHASE opening the database");
    this.#later(this.#machine.between(50, 900), () => (this.#fate === "dies" ? this.#exit(1) : this.#announce()));
  }

  #announce(): void {
    const { disk } = this.#machine;
    if (!this.#isIntact) {
      this.#exit(1);
      return;
    }
    this.state = "healthy";
    this.#machine.ports.set(this.port, this);
    const info = { pid: this.proc.pid, port: this.port, startedAt: 1, pythonPath: PYTHON, instance: this.instance, protocol: 1, version: "1.0.0" };
    disk.write(PATHS.engineToken, this.token);
    disk.write(PATHS.engineInfo, JSON.stringify({ ...info, startId: this.proc.start, bootId: BOOT, logPath: PATHS.engineLog }));
    this.#say("PHASE healthy");
    this.#deadline = this.#machine.now + (GRACES.cli as number);
    this.#tick();
  }

  #locks(): { kind: string; nonce: string; path: string; alive: boolean }[] {
    const { disk } = this.#machine;
    const names = disk.list(PATHS.clients).filter((name) => /^cli-[0-9]+\.lock$/.test(name));
    return names.map((name) => {
      const path = `${PATHS.clients}/${name}`;
      const { pid, startId, kind, nonce } = JSON.parse(disk.read(path) as string);
      return { kind, nonce, path, alive: this.#machine.isAlive(pid, startId) };
    });
  }

  #live(): { kind: string; nonce: string | null }[] {
    return [
      ...this.#locks().filter(({ alive }) => alive),
      ...[...this.sockets].map(({ hello }) => ({ kind: hello?.client ?? "cli", nonce: hello?.nonce ?? null })),
    ];
  }

  #tick(): void {
    if (this.state !== "healthy") return;
    if (!this.hung) {
      const { disk, now } = this.#machine;
      if (!this.#isIntact) {
        this.#stop(false);
        return;
      }
      for (const { path, alive } of this.#locks()) if (!alive) disk.remove(path);
      const graces = this.#live().map(({ kind }) => GRACES[kind] as number);
      this.#deadline = Math.max(this.#deadline, ...graces.map((grace) => now + grace));
      if (graces.length === 0 && now >= this.#deadline) {
        this.#stop(true);
        return;
      }
    }
    this.#later(TICK_MS, () => this.#tick());
  }

  #stop(tell: boolean): void {
    if (this.state !== "healthy") return;
    this.state = "stopping";
    if (tell) for (const socket of this.sockets) socket.tell({ type: "engine.changed", state: "stopping" });
    this.#later(50, () => {
      this.#machine.ports.delete(this.port);
      for (const socket of this.sockets) socket.broken();
      this.#later(this.#machine.between(20, 400), () => {
        const { disk } = this.#machine;
        if (JSON.parse(disk.read(PATHS.engineInfo) ?? "{}").instance === this.instance) {
          disk.remove(PATHS.engineInfo);
          disk.remove(PATHS.engineToken);
        }
        this.#exit(0);
      });
    });
  }

  signalled(name: "SIGTERM" | "SIGKILL"): void {
    if (!this.#machine.lives(this.proc)) return;
    if (name === "SIGKILL" || this.state === "starting") this.#machine.end(this.proc);
    else if (!this.hung) this.#later(1, () => this.#stop(true));
  }

  answer({ path, body }: LoopbackRequest): LoopbackAnswer {
    if (path.startsWith("/api/health")) {
      const nonce = path.split("nonce=")[1];
      const { instance, port, token, proc } = this;
      const proof = createHmac("sha256", token).update(`tino-health|${nonce}|${proc.pid}|${port}|${instance}`).digest("hex");
      return answer(200, { service: "tino", status: this.state, pid: proc.pid, port, instance, protocol: 1, version: "1.0.0", proof });
    }
    const { force, nonce } = body as { force: boolean; nonce: string | null };
    if (!force && this.#live().some((client) => client.nonce !== nonce))
      return answer(409, { code: "engine_busy", message: "in use", hint: "-", location: null, traceback: [], field: null });
    this.#stop(true);
    return answer(200, { state: "stopping" });
  }

  snapshot(): unknown {
    const { pid } = this.proc;
    const info = { state: "healthy", mode: "PAPER", pid, port: this.port, instance: this.instance, protocol: 1, version: "1.0.0", startedAt: 1, now: 1 };
    const rest = { pythonPath: PYTHON, home: HOME, logPath: PATHS.engineLog, memoryBytes: 1, clients: [], runsRunning: 0, runsQueued: 0, children: [] };
    return { kind: "snapshot", instance: this.instance, seq: 0, ledgerSeq: 0, missed: [], status: { ...info, ...rest }, runs: [] };
  }

  #exit(code: number): void {
    this.#gone(code, null);
    this.#machine.end(this.proc);
  }

  #gone(code: number | null, signal: string | null): void {
    if (this.state === "gone") return;
    this.state = "gone";
    if (this.#machine.ports.get(this.port) === this) this.#machine.ports.delete(this.port);
    for (const socket of this.sockets) socket.broken();
    this.#machine.after(1, this.spawner, () => {
      Object.assign(this.child, { exitCode: code, signalCode: signal });
      this.child.emit("close", code, signal);
    });
  }
}

/** A client's end of the event stream, as much of `ws` as the client uses. */
class Socket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  hello: { client: string; nonce: string | null } | null = null;
  readonly #machine: Machine;
  readonly #engine: Engine;
  readonly #client: Proc;
  #seq = 0;

  constructor(machine: Machine, engine: Engine, client: Proc) {
    super();
    this.#machine = machine;
    this.#engine = engine;
    this.#client = client;
    engine.sockets.add(this);
    const before = client.onEnd;
    client.onEnd = () => {
      before();
      this.#close();
    };
    if (engine.state !== "healthy") this.broken();
  }

  send(text: string): void {
    const message = JSON.parse(text);
    if (message.kind !== "hello" || !this.#engine.hears) return;
    this.hello = message;
    this.#receive(this.#engine.snapshot());
  }

  ping(): void {
    if (this.#engine.hears) this.#machine.after(2, this.#client, () => this.emit("pong"));
  }

  terminate(): void {
    this.#close();
    this.#machine.after(0, this.#client, () => this.emit("close"));
  }

  tell(event: unknown): void {
    this.#seq += 1;
    this.#receive({ kind: "event", instance: this.#engine.instance, seq: this.#seq, ledgerSeq: null, at: 1, event });
  }

  /** The other side is gone. */
  broken(): void {
    this.#close();
    this.#machine.after(this.#machine.between(0, 8), this.#client, () => this.emit("close"));
  }

  #receive(message: unknown): void {
    this.#machine.after(3, this.#client, () => this.emit("message", Buffer.from(JSON.stringify(message))));
  }

  #close(): void {
    this.readyState = 3;
    this.#engine.sockets.delete(this);
  }
}

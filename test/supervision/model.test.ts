/**
 * The clients' side of supervision as a model: finding, starting, sharing, repairing and ending, on a machine that is all fake
 * (`machine.ts`). A seed and a list of what happens decide everything; fast-check looks for a list that breaks a promise and shortens it.
 *
 * The examples are the same in every run. `TINO_MODEL_EXAMPLES=20000` tries that many new ones.
 */
import fc from "fast-check";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { TinoError } from "#contracts/catalogue";
import { EngineLink, type LinkState } from "../../extension/client/engineLink.ts";
import { endEngine } from "../../extension/supervisor/shutdown.ts";
import { type Engine, HOME, Machine, type Proc } from "./machine.ts";

const DAY = 86_400_000;
const EXAMPLES = Number(process.env.TINO_MODEL_EXAMPLES ?? 0);

let machine: Machine;
const hoisted = vi.hoisted(() => ({ machine: null as unknown as () => Machine }));
vi.mock("node:fs", () => {
  const call =
    (name: string) =>
    (...args: unknown[]) =>
      (hoisted.machine().disk.fs as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args);
  const names = "existsSync statSync lstatSync fstatSync readFileSync readdirSync mkdirSync openSync closeSync fchmodSync writeSync renameSync unlinkSync";
  const fs = {
    ...Object.fromEntries(names.split(" ").map((name) => [name, call(name)])),
    appendFileSync: () => undefined,
    readlinkSync: () => "",
    constants: { O_RDONLY: 0, O_NOFOLLOW: 0 },
  };
  return { ...fs, default: fs };
});
vi.mock("proper-lockfile", () => ({ default: { lock: async () => async () => undefined } }));
vi.mock("../../extension/supervisor/loopback.ts", async (original) => {
  const actual = await original<typeof import("../../extension/supervisor/loopback.ts")>();
  return { ...actual, requestLoopback: (options: never) => hoisted.machine().request(options, (reason) => new actual.LoopbackError(reason, false)) };
});
vi.mock("../../extension/client/socket.ts", () => ({
  openSocket: ({ port, token, pid }: { port: number; token: string; pid: number }) =>
    hoisted.machine().openSocket(port, token, (reachable) => (reachable ? TinoError.of("engine_unreachable", { pid }) : TinoError.of("engine_not_running"))),
}));
hoisted.machine = () => machine;

beforeAll(async () => {
  await import("proper-lockfile");
});
afterEach(() => vi.restoreAllMocks());

interface Client {
  readonly proc: Proc;
  readonly kind: "cli" | "vscode";
  readonly link: EngineLink;
  leaving: boolean;
}

type Step =
  | { readonly do: "start"; readonly kind: "cli" | "vscode" }
  | { readonly do: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "leave" | "loseLock"; readonly client: number }
  | { readonly do: "killEngine" | "hangEngine" | "stopEngine" | "foreignPort" | "foreignPid" | "deleteRun" | "sleep" }
  | { readonly do: "down"; readonly force: boolean }
  | { readonly do: "next"; readonly fate: "dies" | "mute" }
  | { readonly do: "clock"; readonly by: number };

/** What a client may end up with, and after which of the faults that were played. */
const EXCUSES: Record<string, RegExp> = {
  stopped: /down/,
  "failed engine_start_timeout": /mute|hangEngine|stopEngine/,
  "failed engine_start_failed": /dies|killEngine|deleteRun|hangEngine|SIGSTOP/,
  "failed engine_unreachable": /hangEngine|stopEngine|killEngine|deleteRun|dies/,
  "failed engine_crash_loop": /dies|mute|killEngine|deleteRun|hangEngine|stopEngine/,
};

const client = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("start" as const), kind: fc.constantFrom("cli" as const, "vscode" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom("SIGKILL" as const, "SIGSTOP" as const, "SIGCONT" as const, "leave" as const, "loseLock" as const), client }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["killEngine", "killEngine", "hangEngine", "stopEngine", "foreignPort", "foreignPid", "deleteRun", "sleep", "sleep"] as const)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("down" as const), force: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("next" as const), fate: fc.constantFrom("dies" as const, "mute" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clock" as const), by: fc.constantFrom(-DAY, DAY) }) },
);
/** What happens, and how long after what went before. */
const schedule = fc.array(fc.tuple(step, fc.constantFrom(0, 0, 5, 60, 400, 1_500, 12_000)), { minLength: 1, maxLength: 24 });

class World {
  readonly machine: Machine;
  readonly clients: Client[] = [];
  readonly faults = new Set<string>();
  readonly #broken: unknown[] = [];

  constructor(seed: number) {
    this.machine = new Machine(seed);
    machine = this.machine;
    vi.spyOn(Math, "random").mockImplementation(this.machine.random);
  }

  get engine(): Engine | undefined {
    return this.machine.engines.findLast((engine) => engine.holdsLock);
  }

  #isRecorded(engine: Engine): boolean {
    return this.machine.disk.read(`${HOME}/run/engine.pid`)?.includes(engine.instance) ?? false;
  }

  #run(proc: Proc, work: () => Promise<unknown>): Promise<void> {
    const failed = (error: unknown) => {
      // What the catalogue has a code for is an answer; anything else is a fault of ours.
      if (!(error instanceof TinoError) || error.code === "internal") this.#broken.push(error);
    };
    return this.machine.act(proc, () => void work().catch(failed));
  }

  async #start(kind: Client["kind"]): Promise<void> {
    const proc = this.machine.start("client");
    const link = new EngineLink({ place: this.machine.placeOf(proc), kind, workspace: null, trustedFolders: [] });
    this.clients.push({ proc, kind, link, leaving: false });
    await this.#run(proc, () => link.connect());
  }

  async take(step: Step): Promise<void> {
    const { machine, engine } = this;
    this.faults.add(step.do === "next" ? step.fate : step.do);
    switch (step.do) {
      case "start":
        return this.#start(step.kind);
      case "SIGKILL":
      case "SIGSTOP":
      case "SIGCONT":
      case "leave":
      case "loseLock":
        return this.#happens(step.do, this.clients[step.client % Math.max(1, this.clients.length)]);
      case "killEngine":
        if (engine) machine.end(engine.proc);
        return;
      case "hangEngine":
        // A hanging engine whose record is gone too cannot be told from another program, so nobody ends it: clients stay `silent`.
        if (engine && this.#isRecorded(engine)) engine.hung = true;
        return;
      case "stopEngine":
        if (engine && this.#isRecorded(engine)) machine.stop(engine.proc);
        return;
      case "foreignPort":
        for (const { port } of machine.engines) if (!machine.ports.has(port)) machine.ports.set(port, "foreign");
        return;
      case "foreignPid":
        for (const { proc } of machine.engines) if (!machine.lives(proc)) machine.start("other", proc.pid);
        return;
      case "deleteRun":
        if (!engine?.hung && !engine?.proc.stopped) machine.disk.remove(`${HOME}/run`);
        return;
      case "sleep":
        machine.now += 3_600_000;
        return;
      case "clock":
        machine.wallOffset += step.by;
        return;
      case "next":
        machine.fates.push(step.fate);
        return;
      case "down": {
        const proc = machine.start("other");
        return this.#run(proc, () => endEngine(machine.placeOf(proc), step.force).finally(() => machine.end(proc)));
      }
    }
  }

  async #happens(what: string, client: Client | undefined): Promise<void> {
    if (!client || !this.machine.lives(client.proc)) return;
    const { proc, link, kind } = client;
    if (what === "SIGKILL") this.machine.end(proc);
    if (what === "SIGSTOP") this.machine.stop(proc);
    if (what === "SIGCONT") this.machine.continue(proc);
    if (what === "loseLock") this.machine.disk.remove(`${HOME}/run/cli/cli-${proc.pid}.lock`);
    if (what === "leave" && !client.leaving) {
      client.leaving = true;
      await this.#run(proc, async () => {
        if (kind === "cli") await link.leave();
        else link.dispose();
        this.machine.end(proc);
      });
    }
  }

  /** Nothing more goes wrong; everybody gets the time that is promised to them. */
  async settle(): Promise<void> {
    for (const { proc } of this.clients) this.machine.continue(proc);
    for (const { proc } of this.machine.engines) this.machine.continue(proc);
    await this.machine.pass(90_000);
  }

  judge(): void {
    expect(this.#broken).toEqual([]);
    const here = this.clients.filter(({ proc, leaving }) => this.machine.lives(proc) && !leaving);
    const states = here.map(({ link }) => link.state);
    const instances = new Set(states.flatMap((state) => (state.kind === "live" || state.kind === "silent" ? state.connection.instance : [])));
    expect(instances.size, "all clients share one engine").toBeLessThanOrEqual(1);
    for (const instance of instances) expect(this.engine?.instance, "it is the one that lives").toBe(instance);
    expect(this.machine.engines.filter((engine) => engine.holdsLock).length).toBeLessThanOrEqual(1);
    const given = states.filter((state) => state.kind !== "live").map(describeState);
    const faults = [...this.faults].join(" ");
    expect(
      given.filter((state) => !EXCUSES[state]?.test(faults)),
      `everybody has the engine, or a reason, after ${faults}`,
    ).toEqual([]);
    for (const { proc, link } of here) {
      if (link.state.kind !== "live") continue;
      const lock = JSON.parse(this.machine.disk.read(`${HOME}/run/cli/cli-${proc.pid}.lock`) ?? "{}");
      expect(lock.nonce, "its lease is in place").toBe(link.nonce);
    }
  }

  /** Everybody is killed: no engine is left after the longest grace. */
  async end(): Promise<void> {
    for (const { proc } of this.clients) this.machine.end(proc);
    for (const engine of this.machine.engines) engine.hung = false;
    await this.machine.pass(60_000);
    expect(
      this.machine.engines.filter(({ proc }) => this.machine.lives(proc)).map(({ proc, state }) => `${proc.pid} ${state}`),
      "no engine outlives its clients",
    ).toEqual([]);
  }
}

const describeState = (state: LinkState): string => (state.kind === "failed" ? `failed ${state.error.code}` : state.kind);

test("whatever happens to clients, engine, clock and run directory", { timeout: EXAMPLES > 0 ? 3_600_000 : 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), schedule, async (seed, steps) => {
      const world = new World(seed);
      for (const [step, pause] of steps) {
        await world.machine.pass(pause);
        await world.take(step);
      }
      await world.settle();
      world.judge();
      await world.end();
    }),
    EXAMPLES > 0 ? { numRuns: EXAMPLES } : { numRuns: 120, seed: 4 },
  );
});

test("fifty that wait for an engine that is slow to start do not keep it from that by starting others", async () => {
  const world = new World(7);
  world.machine.fates.push(...Array<"mute">(50).fill("mute"));
  for (let count = 0; count < 50; count += 1) await world.take({ do: "start", kind: "cli" });
  await world.machine.pass(14_000);
  // Each its first, and then three a second of all together.
  expect(world.machine.engines.length).toBeLessThan(50 + 14 * 3);
});

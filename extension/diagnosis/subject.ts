/** What the checks look at: gathered once, used by several of them. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { EngineStatus } from "#contracts";
import { PROTOCOL } from "#contracts/handshake";
import { type Finding as Discovery, findEngine } from "../supervisor/discovery.ts";
import { engineEnvironment } from "../supervisor/engineProcess.ts";
import { getPython } from "../supervisor/locate.ts";
import { LoopbackError, requestLoopback } from "../supervisor/loopback.ts";
import type { Place } from "../supervisor/place.ts";
import { reasonOf } from "./check.ts";
import { type Machine, systemMachine } from "./machine.ts";

const PYTHON_TIMEOUT_MS = 45_000;
const ASK_TIMEOUT_MS = 5_000;

/** What `python -m tino_engine inspect` says (`engine/tino_engine/diagnosis.py`). */
export interface Inspection {
  readonly python: string;
  readonly executable: string;
  readonly version: string;
  /** Name as installed → version. */
  readonly packages: Readonly<Record<string, string>>;
  readonly database: {
    readonly findings: readonly string[];
    readonly revision: string | null;
    readonly known: readonly string[];
    readonly error: string | null;
    readonly interrupted: boolean;
  };
}

/** What the engine says of itself, with our own clock around the answer. */
export interface EngineAnswer {
  readonly status: EngineStatus;
  readonly askedAt: number;
  readonly answeredAt: number;
}

export type Inspected =
  | { readonly ok: true; readonly inspection: Inspection }
  | { readonly ok: false; readonly python: string | null; readonly reason: string };

/** One diagnosis: the place, the machine, and what was found out about both. */
export class Subject {
  readonly place: Place;
  readonly machine: Machine;
  /** Who asks: `tino`, or the editor with its version. */
  readonly asker: string;
  #inspected: Promise<Inspected> | null = null;
  #engine: Promise<Discovery> | null = null;
  #answer: Promise<EngineAnswer | null> | null = null;

  constructor(place: Place, asker: string, machine: Machine = systemMachine) {
    this.place = place;
    this.asker = asker;
    this.machine = machine;
  }

  get database(): string {
    return join(this.place.paths.home, "db", "tino.db");
  }

  /** What the engine's Python says; never rejects. */
  inspect(): Promise<Inspected> {
    this.#inspected ??= this.#inspect();
    return this.#inspected;
  }

  /** The engine as it can be found from outside. */
  engine(): Promise<Discovery> {
    this.#engine ??= findEngine(this.place);
    return this.#engine;
  }

  /** The engine's own account; null when there is none that would answer us. */
  answer(): Promise<EngineAnswer | null> {
    this.#answer ??= this.#ask();
    return this.#answer;
  }

  async #inspect(): Promise<Inspected> {
    const { installation, env, paths } = this.place;
    let python: string;
    try {
      python = getPython(installation);
    } catch (error) {
      return { ok: false, python: null, reason: reasonOf(error) };
    }
    const options = { env: engineEnvironment(env, paths), timeoutMs: PYTHON_TIMEOUT_MS };
    const ended = await this.machine.run(python, ["-I", "-m", "tino_engine", "inspect", this.database], options);
    if (ended.code !== 0) return { ok: false, python, reason: ended.reason };
    try {
      return { ok: true, inspection: JSON.parse(ended.stdout) };
    } catch {
      return { ok: false, python, reason: "what it printed is not the answer of this version's engine" };
    }
  }

  async #ask(): Promise<EngineAnswer | null> {
    const engine = await this.engine();
    if (engine.kind !== "running" || engine.connection.protocol !== PROTOCOL) return null;
    const { port, token } = engine.connection;
    const { clock } = this.place;
    const askedAt = clock.now();
    try {
      const reply = await requestLoopback({ port, token, method: "GET", path: "/api/engine", timeoutMs: ASK_TIMEOUT_MS });
      return reply.status === 200 ? { status: JSON.parse(reply.body.toString("utf8")), askedAt, answeredAt: clock.now() } : null;
    } catch (error) {
      if (error instanceof LoopbackError) return null; // It is just ending; the check of the port says so.
      throw error;
    }
  }
}

/** What brings an installation back to what it should be. */
export function reinstall({ installation: { root }, env }: Place): string {
  if (env.TINO_ENGINE_DIR) return "Unset TINO_ENGINE_DIR: it names another engine than the one that was installed.";
  return existsSync(join(root, "scripts", "ensure.mjs"))
    ? `Delete ${join(root, "engine", ".venv")} if it is there and run \`npm start\` in ${root}: it installs what the lock names.`
    : "Uninstall the extension and install it again: it brings its own Python.";
}

/** The nearest folder above a path, or the path itself, that is there. */
export function nearestExisting(path: string): string {
  let folder = path;
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

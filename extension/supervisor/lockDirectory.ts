/**
 * The lock directory: `run/cli/cli-<PID>.lock`, one file for each client; `ls` shows who uses the engine.
 *
 * A client writes its file *before* it looks for the engine, so that an engine about to end for want of clients sees it, and
 * unlinks it on a clean exit. It touches no other file there: the engine is the only janitor, because a client that unlinked
 * "dead" files would race with a PID that was reused in between. If somebody deletes the directory, the client makes it anew.
 */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LockFile } from "#contracts";
import type { Clock } from "./clock.ts";
import { ensureRunDirectory, type Paths, removeIfThere, writePrivate } from "./paths.ts";
import type { Processes } from "./processes.ts";
import { livenessOf } from "./processIdentity.ts";

/** What each kind of client is called. */
export const CLIENT_KINDS: Record<LockFile["kind"], string> = { vscode: "window", cli: "terminal", browser: "browser page", trader: "trader" };

export interface LeaseOptions {
  readonly kind: LockFile["kind"];
  readonly version: string;
  /** The folder shown to people who ask who holds the engine. */
  readonly workspace: string | null;
}

/** Our own claim on the engine. */
export class Lease {
  readonly path: string;
  readonly content: LockFile;
  readonly #paths: Paths;
  #released = false;

  private constructor(paths: Paths, content: LockFile) {
    this.#paths = paths;
    this.content = content;
    this.path = join(paths.clients, `cli-${content.pid}.lock`);
  }

  /** Write our lock file. @throws run_directory_unsafe */
  static take(paths: Paths, options: LeaseOptions, processes: Processes, clock: Clock): Lease {
    const lease = new Lease(paths, {
      pid: processes.pid,
      startedAt: clock.now(),
      tty: options.kind === "vscode" ? null : processes.terminal(),
      kind: options.kind,
      startId: processes.look(processes.pid).startId,
      bootId: processes.bootId(),
      nonce: randomBytes(16).toString("hex"),
      version: options.version,
      workspace: options.workspace,
    });
    lease.#write();
    return lease;
  }

  /** Names this client to the engine. */
  get nonce(): string {
    return this.content.nonce;
  }

  /** Write the file again if it is missing. */
  ensure(): void {
    if (!this.#released && !statSync(this.path, { throwIfNoEntry: false })) this.#write();
  }

  /** Give the claim up. Fast and safe to call twice, so that a window's `deactivate` and an exit handler may both do it. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    removeIfThere(this.path);
  }

  #write(): void {
    ensureRunDirectory(this.#paths);
    writePrivate(this.path, JSON.stringify(this.content));
  }
}

/** The clients whose lock files name a live process, as far as this process can tell; for counting and for showing. */
export function listClients(paths: Paths, processes: Processes): LockFile[] {
  let names: string[];
  try {
    names = readdirSync(paths.clients);
  } catch {
    return []; // No directory, no clients.
  }
  return names
    .filter((name) => /^cli-[0-9]+\.lock$/.test(name))
    .map((name) => readLock(join(paths.clients, name)))
    .filter((lock) => lock !== null)
    .filter((lock) => livenessOf(processes, lock) !== "dead");
}

/** The content of a lock file; null when it is none, or gone. */
export function readLock(path: string): LockFile | null {
  try {
    const found = JSON.parse(readFileSync(path, "utf8"));
    if (!Number.isSafeInteger(found?.pid)) return null;
    return { tty: null, kind: "cli", startId: null, bootId: null, workspace: null, ...found };
  } catch {
    return null; // Unlinked since it was listed, or not a lock file.
  }
}

/**
 * Who claims the engine, and which claims are of the dead.
 *
 * While an engine lives it is the only one that removes dead lock files: a client that did so would race with a PID that was reused
 * in between. Without an engine nobody does, so the diagnosis may, in a way that cannot lose a live claim: the file is moved aside,
 * read again, and put back unless it still is the one that was found dead.
 */
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { LockFile } from "#contracts";
import { readEngineInfo } from "../supervisor/discovery.ts";
import { CLIENT_KINDS, readLock } from "../supervisor/lockDirectory.ts";
import { removeIfThere } from "../supervisor/paths.ts";
import { type Liveness, livenessOf } from "../supervisor/processIdentity.ts";
import { type Check, count, type Finding, ok, problem, type Repair, reasonOf, warning } from "./check.ts";
import type { Subject } from "./subject.ts";

/** proper-lockfile's own limit, doubled: younger ones may be held. */
const STALE_MS = 10_000;

export interface Claim {
  readonly path: string;
  /** Null: not of the form of a lock file. */
  readonly lock: LockFile | null;
  readonly liveness: Liveness;
}

/** Every lock file of a client. @throws what the system says about the directory */
export function listClaims({ place }: Pick<Subject, "place">): Claim[] {
  const { paths, processes } = place;
  let names: string[];
  try {
    names = readdirSync(paths.clients);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith(".lock"))
    .map((name) => join(paths.clients, name))
    .map((path) => {
      const lock = readLock(path);
      return { path, lock, liveness: lock ? livenessOf(processes, lock) : "dead" };
    });
}

export async function checkLocks(subject: Subject): Promise<Check> {
  const { paths, clock } = subject.place;
  const about = { name: "locks", title: "Locks", looked: `${paths.clients} and ${basename(paths.shutdownLock)}` };
  let claims: Claim[];
  try {
    claims = listClaims(subject);
  } catch (error) {
    return { ...about, findings: [problem(`The directory cannot be read: ${reasonOf(error)}.`, "See “Run directory”.")] };
  }
  const engine = await subject.engine();
  const isAlone = engine.kind === "none" || engine.kind === "stale";
  const findings: Finding[] = [];
  for (const { path, lock, liveness } of claims) {
    if (liveness === "alive") continue;
    const name = basename(path);
    if (liveness === "unknown") {
      findings.push(ok(`${name} was written in another container; only its connection counts`));
    } else if (!lock) {
      findings.push(warning(`${name} is not a lock file.`, "Move it aside."));
    } else if (isAlone) {
      findings.push(warning(`${name} is of process ${lock.pid}, which is gone.`, "Nothing: the next engine removes it.", removal(path, name)));
    } else {
      findings.push(warning(`${name} is of process ${lock.pid}, which is gone.`, "Nothing: the engine removes it within a second."));
    }
  }
  const holder = isAlone ? subject.machine.lockHolder(join(paths.run, "engine.lock")) : null;
  if (holder !== null) {
    findings.push(
      warning(
        `engine.lock is held by process ${holder}, although no engine is recorded: it is just starting or ending, or it hangs.`,
        `Look again in half a minute; if it is still so, end that process (\`kill ${holder}\`).`,
      ),
    );
  }
  const held = statSync(paths.shutdownLock, { throwIfNoEntry: false });
  if (held && clock.now() - held.mtimeMs > STALE_MS) {
    const repair = { does: "removes the left-over shutdown lock", perform: () => rmSync(paths.shutdownLock, { recursive: true, force: true }) };
    findings.push(warning(`The shutdown lock was left by a program that ended long ago.`, "Nothing: the next program that leaves takes it over.", repair));
  }
  const alive = claims.filter((claim) => claim.lock && claim.liveness === "alive").map(({ lock }) => lock as LockFile);
  return { ...about, findings: [ok(alive.length === 0 ? "nobody claims the engine" : summary(alive)), ...findings] };
}

/** Remove `engine.pid` of a process that is gone; the lock file's way, for a start under way may just replace it. */
export function removalOfEngineInfo({ place }: Subject): Repair {
  const { paths, processes } = place;
  return {
    does: "removes the record of the engine that is gone",
    perform: () => {
      const info = readEngineInfo(paths);
      if (info && livenessOf(processes, info) === "dead") removeUnlessReplaced(paths.engineInfo, readFileSync(paths.engineInfo, "utf8"));
    },
  };
}

function removal(path: string, name: string): Repair {
  const found = readFileSync(path, "utf8");
  return { does: `removes ${name}`, perform: () => removeUnlessReplaced(path, found) };
}

/** Move aside, look, and put back what is not what was meant: a rename takes whatever has the name now. */
function removeUnlessReplaced(path: string, meant: string): void {
  const aside = `${path}.${process.pid}.removed`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (readFileSync(aside, "utf8") !== meant) {
    try {
      linkSync(aside, path);
    } catch (error) {
      // A newer one has the name by now; it is the one that counts.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  removeIfThere(aside);
}

function summary(locks: readonly LockFile[]): string {
  const kinds = [...new Set(locks.map(({ kind }) => kind))];
  return kinds.map((kind) => count(locks.filter((lock) => lock.kind === kind).length, CLIENT_KINDS[kind])).join(", ");
}

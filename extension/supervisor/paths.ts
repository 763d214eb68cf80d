/**
 * Where things live, and that the run directory is the user's alone.
 *
 * Homes follow the platform: macOS `~/Library/Application Support/tino`, Linux `$XDG_STATE_HOME/tino` or `~/.local/state/tino`
 * (never a runtime directory that logging out wipes), Windows `%LOCALAPPDATA%\tino`. `TINO_HOME` overrides it; tests always
 * set it. `tino_engine/settings.py` holds the same rules for the engine.
 *
 * Another local user must be able neither to read the token nor to plant a file. So home and run directory are made 0700 and
 * refused when one is a link, belongs to somebody else or can be entered by others.
 */
import { closeSync, fchmodSync, lstatSync, mkdirSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { TinoError } from "#contracts/catalogue";

/** One user's tino: every path that clients touch. */
export interface Paths {
  readonly home: string;
  readonly run: string;
  /** The lock directory: one file a client. */
  readonly clients: string;
  readonly engineInfo: string;
  readonly engineToken: string;
  /** Sentinel of proper-lockfile for "the last one out". */
  readonly shutdownLock: string;
  readonly logs: string;
  readonly engineLog: string;
  /** Standard error of an engine from spawn on: what it says before its own log is open. */
  readonly engineStartLog: string;
  readonly clientLog: string;
  readonly windowLog: string;
}

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home of tino; nothing is created. */
export function findHome(env: Environment = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.TINO_HOME) return resolve(env.TINO_HOME);
  const user = (platform === "win32" ? env.USERPROFILE : env.HOME) || homedir();
  if (platform === "darwin") return join(user, "Library", "Application Support", "tino");
  if (platform === "win32") return join(env.LOCALAPPDATA || join(user, "AppData", "Local"), "tino");
  return join(env.XDG_STATE_HOME || join(user, ".local", "state"), "tino");
}

export function pathsOf(home: string = findHome()): Paths {
  const run = join(home, "run");
  const logs = join(home, "logs");
  return {
    home,
    run,
    clients: join(run, "cli"),
    engineInfo: join(run, "engine.pid"),
    engineToken: join(run, "engine.token"),
    shutdownLock: join(run, ".shutdown-lock"),
    logs,
    engineLog: join(logs, "engine.log"),
    engineStartLog: join(logs, "engine-start.log"),
    clientLog: join(logs, "cli.log"),
    windowLog: join(logs, "vscode.log"),
  };
}

/** Make the directories a client needs, private. @throws run_directory_unsafe */
export function ensureRunDirectory(paths: Paths): void {
  makeDirectory(dirname(paths.home), true);
  for (const directory of [paths.home, paths.run, paths.clients]) {
    makeDirectory(directory);
    const reason = whyUnsafe(directory);
    if (reason) throw TinoError.of("run_directory_unsafe", { path: directory, reason });
  }
  makeDirectory(paths.logs);
}

/** Why a directory must not be trusted, in words; null when it is ours alone or does not exist. */
export function whyUnsafe(directory: string): string | null {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (!found) return null;
  if (found.isSymbolicLink()) return "it is a symbolic link";
  if (!found.isDirectory()) return "it is not a directory";
  if (process.geteuid) {
    if (found.uid !== process.geteuid()) return "it belongs to another user";
    if (found.mode & 0o077) return `others may use it (mode ${(found.mode & 0o777).toString(8)})`;
  }
  return null;
}

/**
 * Write a file that only this user can read, all at once: a reader never sees half of one. Not synced to the disk: what
 * clients write has no meaning after the machine went down.
 */
export function writePrivate(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  // The name is ours by its PID; a left-over of a dead namesake must not make the exclusive open fail for ever.
  removeIfThere(temporary);
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    fchmodSync(descriptor, 0o600);
    writeSync(descriptor, text);
  } catch (error) {
    closeSync(descriptor);
    removeIfThere(temporary);
    throw error;
  }
  closeSync(descriptor);
  renameSync(temporary, path);
}

/** Unlink; whether there was something to unlink. */
export function removeIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function makeDirectory(directory: string, recursive = false): void {
  try {
    mkdirSync(directory, { mode: 0o700, recursive });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw TinoError.of("run_directory_unsafe", { path: directory, reason: `it cannot be made (${code})` }, { cause: error });
  }
}

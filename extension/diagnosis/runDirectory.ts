/** Home and run directory: ours alone, no links, writable; and so are the files in it that hold a secret or decide something. */
import { accessSync, chmodSync, constants, lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { whyUnsafe } from "../supervisor/paths.ts";
import { type Check, type Finding, ok, problem, reasonOf, warning } from "./check.ts";
import { nearestExisting, type Subject } from "./subject.ts";

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

export function checkRunDirectory({ place, machine }: Subject): Check {
  const { paths } = place;
  const about = { name: "run_directory", title: "Run directory", looked: `${paths.home}, run, run/cli, db, data, runs, logs: owner, mode, links` };
  const findings: Finding[] = [];
  if (!isThere(paths.home)) {
    const parent = nearestExisting(dirname(paths.home));
    const why = whyNotWritable(parent);
    if (why)
      return {
        ...about,
        findings: [problem(`${paths.home} cannot be made: ${parent} is not writable (${why}).`, "Make it writable, or set TINO_HOME to another place.")],
      };
    return { ...about, findings: [ok("not there yet; the first start makes it")] };
  }
  const folders = [paths.home, paths.run, paths.clients, ...["db", "data", "runs"].map((name) => join(paths.home, name)), paths.logs];
  for (const folder of folders) {
    try {
      findings.push(...lookAtFolder(folder));
    } catch (error) {
      // Below one that cannot be entered nothing can be seen; that was told already.
      if (findings.length === 0)
        findings.push(problem(`${folder} cannot be looked at: ${reasonOf(error)}.`, "Make the folders above it yours, or set TINO_HOME to another place."));
    }
  }
  for (const file of filesOf(paths.run, paths.clients)) findings.push(...lookAtFile(file));
  try {
    if (machine.volume(paths.home).isRemote)
      findings.push(
        warning(
          `${paths.home} lies on another machine, where locks and the database are not to be relied on.`,
          "Set TINO_HOME to a folder on a disk of this machine.",
        ),
      );
  } catch {
    // The check of the disk says why it cannot be asked.
  }
  return { ...about, findings: findings.length > 0 ? findings : [ok("private to you, no links")] };
}

/** @throws what the system says when it cannot be seen */
function lookAtFolder(folder: string): Finding[] {
  if (!isThere(folder)) return [];
  const unsafe = whyUnsafe(folder);
  const found = lstatSync(folder);
  if (found.isSymbolicLink()) {
    return [
      problem(
        `${folder} is a symbolic link, which is not followed: who can change it could take the token.`,
        `Set TINO_HOME to the place itself${placeOf(folder)}, or make it a folder.`,
      ),
    ];
  }
  if (!found.isDirectory()) return [problem(`${folder} is not a directory.`, "Move it aside; the next start makes the folder.")];
  if (process.geteuid && found.uid !== process.geteuid())
    return [problem(`${folder} belongs to another user (${found.uid}).`, `Have it given back to you: \`sudo chown -R "$USER" ${quoted(folder)}\`.`)];
  const fix = `\`chmod 700 ${quoted(folder)}\`.`;
  const repair = { does: `makes ${folder} yours alone (mode 700)`, perform: () => chmodSync(folder, PRIVATE_FOLDER) };
  if (unsafe) return [problem(`${folder}: ${unsafe}.`, fix, repair)];
  if (process.geteuid && (found.mode & PRIVATE_FOLDER) !== PRIVATE_FOLDER)
    return [problem(`You may not use ${folder} (mode ${modeOf(found.mode)}).`, fix, repair)];
  const why = whyNotWritable(folder);
  return why ? [problem(`${folder} cannot be written to: ${why}.`, "Make it writable, or set TINO_HOME to another place.")] : [];
}

function lookAtFile(file: string): Finding[] {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found || !process.geteuid) return [];
  if (!found.isFile()) return [problem(`${file} is not a file${found.isSymbolicLink() ? " but a link" : ""}.`, "Move it aside; tino writes its own.")];
  if (found.uid !== process.geteuid()) return [problem(`${file} belongs to another user (${found.uid}).`, "Move it aside; tino writes its own.")];
  if ((found.mode & 0o077) === 0) return [];
  const repair = { does: `makes ${file} readable to you alone (mode 600)`, perform: () => chmodSync(file, PRIVATE_FILE) };
  return [problem(`Others may use ${file} (mode ${modeOf(found.mode)}).`, `\`chmod 600 ${quoted(file)}\`.`, repair)];
}

/** Files that hold a secret or decide who runs; what cannot be listed is told of its folder. */
function filesOf(run: string, clients: string): string[] {
  const locks = orNone(() => readdirSync(clients)).filter((name) => name.endsWith(".lock"));
  const own = orNone(() => readdirSync(run)).filter((name) => name.startsWith("engine."));
  return [...own.map((name) => join(run, name)), ...locks.map((name) => join(clients, name))];
}

function orNone(list: () => string[]): string[] {
  try {
    return list();
  } catch {
    return [];
  }
}

/** Links that lead nowhere are there too. @throws what the system says, but for a path that is not there */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function whyNotWritable(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

function placeOf(link: string): string {
  try {
    return ` (${realpathSync(link)})`;
  } catch {
    return ""; // It leads nowhere.
  }
}

const modeOf = (mode: number): string => (mode & 0o777).toString(8);
const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

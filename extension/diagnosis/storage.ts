/** Room on the disk, and whether the database is whole. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { type Check, ok, problem, reasonOf, warning } from "./check.ts";
import { nearestExisting, type Subject } from "./subject.ts";

/** Below this an engine cannot be relied on to write its ledger. */
const LEAST_BYTES = 100_000_000;
const LITTLE_BYTES = 1_000_000_000;
const LEAST_FILES = 1_000;

export function checkDisk({ place, machine }: Subject): Check {
  const folder = nearestExisting(place.paths.home);
  const about = { name: "disk", title: "Disk", looked: `the file system of ${folder}` };
  const free = "Free some space: `runs/` and `data/adjusted/` are the largest folders that can be made again.";
  try {
    const { freeBytes, totalBytes, freeFiles } = machine.volume(folder);
    const room = `${size(freeBytes)} of ${size(totalBytes)} free`;
    if (freeBytes < LEAST_BYTES) return { ...about, findings: [problem(`Only ${room}: results and events cannot be stored.`, free)] };
    if (freeFiles !== null && freeFiles < LEAST_FILES)
      return {
        ...about,
        findings: [problem(`Only ${freeFiles} more files can be made.`, "Remove files you do not need: the file system has room, but not for more of them.")],
      };
    if (freeBytes < LITTLE_BYTES) return { ...about, findings: [warning(`Only ${room}.`, free)] };
    return { ...about, findings: [ok(room)] };
  } catch (error) {
    return { ...about, findings: [problem(`It cannot be asked: ${reasonOf(error)}.`, "Look whether the disk is there and mounted.")] };
  }
}

export async function checkDatabase(subject: Subject): Promise<Check> {
  const path = subject.database;
  const about = { name: "database", title: "Database", looked: `${path}, read only` };
  const aside = `End the engine (\`tino down --force\`) and move ${path} aside, with the files beside it that begin with its name: the next engine makes a new one. Results stay in \`runs/\`; keep the moved file, SQLite's \`.recover\` can often read it.`;
  let bytes: number;
  try {
    bytes = statSync(path).size;
    const isDatabase = bytes === 0 || startOf(path, SIGNATURE.length) === SIGNATURE;
    if (!isDatabase) return { ...about, findings: [problem("It is not a database of SQLite, or its beginning was overwritten.", aside)] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { ...about, findings: [ok("not there yet; the first start makes it")] };
    return { ...about, findings: [problem(`It cannot be read: ${reasonOf(error)}.`, "See “Run directory”.")] };
  }
  const inspected = await subject.inspect();
  if (!inspected.ok)
    return {
      ...about,
      findings: [warning(`Its first bytes are right, the rest was not looked at (${size(bytes)}): that needs the engine's Python.`, "See “Python”.")],
    };
  const { findings, revision, known, error, interrupted } = inspected.inspection.database;
  if (error) return { ...about, findings: [problem(`It cannot be looked through: ${error}.`, aside)] };
  if (interrupted)
    return { ...about, findings: [warning(`It is so large (${size(bytes)}) that it could not be looked through in time.`, "End the engine and try again.")] };
  if (findings.length > 0) return { ...about, findings: [problem(`It is damaged: ${findings.join("; ")}.`, aside)] };
  if (revision && !known.includes(revision)) return { ...about, findings: [problem(`It was written by a newer tino (revision ${revision}).`, "Update tino.")] };
  return { ...about, findings: [ok(`whole, ${size(bytes)}`)] };
}

const SIGNATURE = "SQLite format 3\0";

function startOf(path: string, length: number): string {
  const descriptor = openSync(path, "r");
  try {
    const start = Buffer.alloc(length);
    readSync(descriptor, start, 0, length, 0);
    return start.toString("latin1");
  } finally {
    closeSync(descriptor);
  }
}

function size(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power > 1 && value < 100 ? 1 : 0)} ${units[power]}`;
}

/**
 * One set-up at a time in a checkout.
 *
 * The turn is a file, created exclusively, that names its holder: process id and, where the system tells, the start of that process, so that a
 * recycled id is not taken for it. A waiter that finds the holder dead removes the file under a second exclusive file, after looking once more:
 * without that, two waiters could both see the dead holder, and the slower one would remove the file of the quicker one.
 */
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const LOOK_AGAIN_MS = 150;
/** A file that has no readable content for so long was left by a process that died between creating and writing it. */
const ABANDONED_MS = 10_000;

/**
 * Wait for the turn; gives the function that ends it.
 * @param {string} folder
 * @param {(pid: number) => void} onWait Called once for each holder waited for.
 * @returns {Promise<() => void>}
 */
export async function takeTurn(folder, onWait) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "turn.lock");
  const mine = JSON.stringify({ pid: process.pid, startId: startOf(process.pid), nonce: randomBytes(8).toString("hex") });
  let waitingFor = "";
  while (!create(path, mine)) {
    const content = read(path);
    const holder = parse(content);
    if (isGone(path, content)) {
      removeGone(path);
      continue;
    }
    if (holder && content !== waitingFor) {
      waitingFor = content;
      onWait(holder.pid);
    }
    await pause(LOOK_AGAIN_MS);
  }
  return () => {
    if (read(path) === mine) rmSync(path, { force: true });
  };
}

/** @param {string} path */
function removeGone(path) {
  const guard = `${path}.removal`;
  if (!create(guard, "")) {
    if (age(guard) > ABANDONED_MS) rmSync(guard, { force: true });
    return;
  }
  if (isGone(path, read(path))) rmSync(path, { force: true });
  rmSync(guard, { force: true });
}

/**
 * @param {string} path
 * @param {string} content
 */
function isGone(path, content) {
  const holder = parse(content);
  return holder ? !isAlive(holder) : age(path) > ABANDONED_MS;
}

/** @param {{ pid: number, startId: string | null }} holder */
function isAlive({ pid, startId }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH") return false;
  }
  return startId === null || startOf(pid) === startId;
}

/**
 * Start of a process in clock ticks since boot, where /proc tells it. A zombie has ended.
 * @param {number} pid
 */
function startOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat && fields[0] !== "Z" ? (fields[19] ?? null) : null;
}

/**
 * @param {string} content
 * @returns {{ pid: number, startId: string | null } | null}
 */
function parse(content) {
  try {
    const { pid, startId } = JSON.parse(content);
    return Number.isInteger(pid) ? { pid, startId } : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} path
 * @param {string} content
 */
function create(path, content) {
  try {
    const file = openSync(path, "wx");
    writeSync(file, content);
    closeSync(file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Milliseconds since the file was written; 0 when it is gone, which is the next attempt's business. @param {string} path */
function age(path) {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

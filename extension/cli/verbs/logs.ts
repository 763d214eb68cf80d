/**
 * Records of the engine's and the clients' log files: the last ones, and those that follow. Reads files only, so it works when the
 * engine does not.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Level } from "../../supervisor/log.ts";

/** A record of either language; further keys are data. */
export interface LogRecord {
  readonly ts: string;
  readonly level: string;
  readonly component: string;
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface LogsOptions {
  readonly lines: number;
  readonly component: string | null;
  /** The lowest level shown. */
  readonly level: Level;
}

const LEVELS = ["debug", "info", "warning", "error", "critical"];
const CHUNK_BYTES = 256 * 1024;
/** Where notifications of the file system are not to be had. */
const LOOK_AGAIN_MS = 500;

/** The last records that were asked for, oldest first; older files are read only as far as needed. */
export function readLogs(paths: readonly string[], options: LogsOptions): LogRecord[] {
  const found = paths.flatMap((path) => readLast(path, options));
  return found.sort((one, other) => (one.ts < other.ts ? -1 : one.ts > other.ts ? 1 : 0)).slice(-options.lines);
}

/** Give every new record until the signal is aborted; a file that is rotated or made later is followed too. */
export function followLogs(paths: readonly string[], options: LogsOptions, onRecord: (record: LogRecord) => void, signal: AbortSignal): Promise<void> {
  const tails = paths.map((path) => new Tail(path));
  const look = () => {
    for (const tail of tails) for (const record of tail.read()) if (isWanted(record, options)) onRecord(record);
  };
  return new Promise((resolve) => {
    const timer = setInterval(look, LOOK_AGAIN_MS);
    const folders = [...new Set(paths.map((path) => dirname(path)))].filter((folder) => existsSync(folder));
    const watchers = folders.map((folder) => watch(folder, look).on("error", () => undefined));
    const stop = () => {
      clearInterval(timer);
      for (const watcher of watchers) watcher.close();
      resolve();
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

function readLast(path: string, options: LogsOptions): LogRecord[] {
  const records: LogRecord[] = [];
  for (let rotation = 0; records.length < options.lines; rotation += 1) {
    const file = rotation === 0 ? path : `${path}.${rotation}`;
    if (!existsSync(file)) break;
    records.unshift(...readBackwards(file, options, options.lines - records.length));
  }
  return records;
}

/** From the end of the file in chunks, until enough records were found. */
function readBackwards(path: string, options: LogsOptions, most: number): LogRecord[] {
  const descriptor = openSync(path, "r");
  try {
    const records: LogRecord[] = [];
    let end = fstatSync(descriptor).size;
    let rest = Buffer.alloc(0);
    while (end > 0 && records.length < most) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const chunk = Buffer.alloc(end - start);
      readSync(descriptor, chunk, 0, chunk.length, start);
      const text = Buffer.concat([chunk, rest]);
      // What stands before the first line break may go on in the chunk before.
      const cut = start === 0 ? 0 : text.indexOf("\n") + 1;
      rest = text.subarray(0, cut);
      const lines = text.subarray(cut).toString("utf8").split("\n");
      records.unshift(...(lines.map(parseRecord).filter((record) => record !== null && isWanted(record, options)) as LogRecord[]));
      end = start;
    }
    return records.slice(-most);
  } finally {
    closeSync(descriptor);
  }
}

/** What is appended to a file from now on. */
class Tail {
  readonly #path: string;
  #offset: number;
  #inode: number;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
    const found = statSync(path, { throwIfNoEntry: false });
    this.#offset = found?.size ?? 0;
    this.#inode = found?.ino ?? 0;
  }

  read(): LogRecord[] {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (!found) return [];
    if (found.ino !== this.#inode || found.size < this.#offset) {
      this.#inode = found.ino;
      this.#offset = 0;
      this.#rest = "";
    }
    if (found.size === this.#offset) return [];
    const descriptor = openSync(this.#path, "r");
    const chunk = Buffer.alloc(found.size - this.#offset);
    try {
      this.#offset += readSync(descriptor, chunk, 0, chunk.length, this.#offset);
    } finally {
      closeSync(descriptor);
    }
    const lines = (this.#rest + chunk.toString("utf8")).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map(parseRecord).filter((record) => record !== null);
  }
}

function isWanted(record: LogRecord, { component, level }: LogsOptions): boolean {
  if (component !== null && record.component !== component) return false;
  return LEVELS.indexOf(record.level) >= LEVELS.indexOf(level);
}

/** A line of a log file; null when it is none. */
export function parseRecord(line: string): LogRecord | null {
  try {
    const record = JSON.parse(line);
    return typeof record?.ts === "string" && typeof record.event === "string" ? { level: "info", component: "", ...record } : null;
  } catch {
    return null; // Half a line at the edge of a file, or an empty one.
  }
}

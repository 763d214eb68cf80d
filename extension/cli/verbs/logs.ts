/**
 * Records of the engine's and the clients' log files: the last ones, and those that follow. Reads files only, so it works when the
 * engine does not.
 */
import { closeSync, existsSync, openSync, readSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { LOG_LEVELS } from "#contracts/log";
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

const LEVELS: readonly string[] = LOG_LEVELS;
const CHUNK_BYTES = 256 * 1024;
/** Where notifications of the file system are not to be had. */
const LOOK_AGAIN_MS = 500;

/**
 * A few log files as they are now: what they hold up to here, and what comes after. Both meet without a gap and without a record
 * twice, because the place is noted once, before anything is read.
 */
export class LogFiles {
  readonly #files: LogFile[];

  constructor(paths: readonly string[]) {
    this.#files = paths.map((path) => new LogFile(path));
  }

  /** The last records that were asked for, oldest first; older files are read only as far as needed. */
  last(options: LogsOptions): LogRecord[] {
    const found = this.#files.flatMap((file) => file.last(options));
    return found.sort((one, other) => (one.ts < other.ts ? -1 : one.ts > other.ts ? 1 : 0)).slice(-options.lines);
  }

  /** Give every later record until the signal is aborted; a file that is rotated or made later is followed too. */
  follow(options: LogsOptions, onRecord: (record: LogRecord) => void, signal: AbortSignal): Promise<void> {
    const look = () => {
      for (const file of this.#files) for (const record of file.appended()) if (isWanted(record, options)) onRecord(record);
    };
    return new Promise((resolve) => {
      const timer = setInterval(look, LOOK_AGAIN_MS);
      const folders = [...new Set(this.#files.map(({ path }) => dirname(path)))].filter((folder) => existsSync(folder));
      // The folder may be removed; then looking again now and then has to do.
      const watchers = folders.map((folder) => watch(folder, look).on("error", () => undefined));
      const stop = () => {
        clearInterval(timer);
        for (const watcher of watchers) watcher.close();
        resolve();
      };
      if (signal.aborted) stop();
      else look();
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}

class LogFile {
  readonly path: string;
  #offset: number;
  #inode: number;
  #rest = "";
  /** A character may lie across two reads. */
  readonly #decoder = new StringDecoder("utf8");

  constructor(path: string) {
    this.path = path;
    const found = statSync(path, { throwIfNoEntry: false });
    this.#offset = found?.size ?? 0;
    this.#inode = found?.ino ?? 0;
  }

  last(options: LogsOptions): LogRecord[] {
    const records = this.#offset > 0 ? readBackwards(this.path, this.#offset, options, options.lines) : [];
    for (let rotation = 1; records.length < options.lines && existsSync(`${this.path}.${rotation}`); rotation += 1) {
      const older = `${this.path}.${rotation}`;
      records.unshift(...readBackwards(older, statSync(older).size, options, options.lines - records.length));
    }
    return records;
  }

  appended(): LogRecord[] {
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (!found) return [];
    let text = "";
    if (found.ino !== this.#inode || found.size < this.#offset) {
      if (this.#inode !== 0) text = this.#rotatedAway();
      this.#inode = found.ino;
      this.#offset = 0;
    }
    if (found.size > this.#offset) {
      const chunk = readPart(this.path, this.#offset, found.size);
      this.#offset += chunk.length;
      text += this.#decoder.write(chunk);
    }
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map(parseRecord).filter((record) => record !== null);
  }

  /** What was still written to the file that was looked at last, before and after it got another name, and to those between. */
  #rotatedAway(): string {
    const older: string[] = [];
    for (let rotation = 1; ; rotation += 1) {
      const path = `${this.path}.${rotation}`;
      const found = statSync(path, { throwIfNoEntry: false });
      // Not there any more: it was removed, and what came after it is all there is.
      if (!found) break;
      const isIt = found.ino === this.#inode;
      older.unshift(readPart(path, isIt ? this.#offset : 0, found.size).toString("utf8"));
      if (isIt) return older.join("");
    }
    return "";
  }
}

/** From a place in the file backwards in chunks, until enough records were found. */
function readBackwards(path: string, from: number, options: LogsOptions, most: number): LogRecord[] {
  const records: LogRecord[] = [];
  let end = from;
  let rest = Buffer.alloc(0);
  while (end > 0 && records.length < most) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const text = Buffer.concat([readPart(path, start, end), rest]);
    // What stands before the first line break may have begun in the chunk before.
    const cut = start === 0 ? 0 : text.indexOf("\n") + 1;
    rest = text.subarray(0, cut);
    const found = text.subarray(cut).toString("utf8").split("\n").map(parseRecord);
    records.unshift(...(found.filter((record) => record !== null && isWanted(record, options)) as LogRecord[]));
    end = start;
  }
  return records.slice(-most);
}

function readPart(path: string, start: number, end: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const chunk = Buffer.alloc(end - start);
    return chunk.subarray(0, readSync(descriptor, chunk, 0, chunk.length, start));
  } finally {
    closeSync(descriptor);
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

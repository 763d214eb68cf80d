/**
 * Wall clocks of a time zone, fast enough for every bar.
 *
 * The runtime's own formatter costs microseconds a call, too much for thousands of bars a frame. A zone's offset changes
 * only at a few instants, so they are found once for the span that is shown and looked up afterwards.
 */
import { lowerBound } from "./columns.ts";

const DAY_MS = 86_400_000;
/** No zone changes its clock twice within this time and back again. */
const PROBE_MS = 20 * DAY_MS;

export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Instants at which another offset begins, and that offset. */
  #changes: number[] = [];
  #offsets: number[] = [];
  #from = 0;
  #to = -1;

  /** An unknown zone is read as UTC and says so. */
  constructor(name: string) {
    const format = (timeZone: string) =>
      new Intl.DateTimeFormat("en-US", {
        timeZone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    let known = true;
    try {
      this.#format = format(name);
    } catch {
      known = false;
      this.#format = format("UTC");
    }
    this.name = known ? name : "UTC";
  }

  /** Make the span's offsets ready. */
  prepare(from: number, to: number): void {
    if (from >= this.#from && to <= this.#to) return;
    this.#from = from - DAY_MS;
    this.#to = to + DAY_MS;
    this.#changes = [this.#from];
    this.#offsets = [this.#offset(this.#from)];
    for (let at = this.#from; at < this.#to; at += PROBE_MS) {
      const next = Math.min(at + PROBE_MS, this.#to);
      const offset = this.#offset(next);
      const before = this.#offsets[this.#offsets.length - 1]!;
      if (offset === before) continue;
      let low = at;
      let high = next;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (this.#offset(middle) === before) low = middle;
        else high = middle;
      }
      this.#changes.push(high);
      this.#offsets.push(offset);
    }
  }

  /** The wall clock at an instant, as if it were UTC: read it with the getUTC… methods of a Date. */
  clock(at: number): number {
    if (at < this.#from || at > this.#to) return at + this.#offset(at);
    const index = lowerBound(this.#changes, at + 1) - 1;
    return at + this.#offsets[Math.max(0, index)]!;
  }

  #offset(at: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value);
    const wall = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!);
    return wall - Math.floor(at / 1_000) * 1_000;
  }

  /** `2005-01-03` */
  day(at: number): string {
    return new Date(this.clock(at)).toISOString().slice(0, 10);
  }

  /** `2005-01-03 09:31`, with seconds where they are not zero. */
  time(at: number): string {
    const text = new Date(this.clock(at)).toISOString();
    return `${text.slice(0, 10)} ${text.slice(11, text.slice(17, 19) === "00" ? 16 : 19)}`;
  }
}

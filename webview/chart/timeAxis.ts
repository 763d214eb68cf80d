/**
 * The chart's horizontal axis: instants in milliseconds, labelled in the instrument's own zone.
 *
 * The library's own axis knows UTC only, where a New York trading day begins in the middle of the evening; here weights
 * and labels come from the zone's wall clock, so that a day's first bar carries the date.
 */
import type {
  ChartOptionsImpl,
  IHorzScaleBehavior,
  InternalHorzScaleItem,
  InternalHorzScaleItemKey,
  TickMark,
  TickMarkWeightValue,
  TimeMark,
} from "lightweight-charts";
import type { Zone } from "./zone.ts";

type Options = ChartOptionsImpl<number>;
type Internal = InternalHorzScaleItem;

const WEIGHT = {
  second: 10,
  minute: 20,
  fiveMinutes: 21,
  halfHour: 22,
  hour: 30,
  threeHours: 31,
  sixHours: 32,
  halfDay: 33,
  day: 50,
  month: 60,
  year: 70,
} as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const instant = (item: Internal): number => item as unknown as number;
const two = (value: number): string => String(value).padStart(2, "0");

/** What a label at this instant stands out by, against the one before it. Both are wall clocks. */
export function weigh(clock: number, before: number): number {
  const now = new Date(clock);
  const then = new Date(before);
  if (now.getUTCFullYear() !== then.getUTCFullYear()) return WEIGHT.year;
  if (now.getUTCMonth() !== then.getUTCMonth()) return WEIGHT.month;
  if (now.getUTCDate() !== then.getUTCDate()) return WEIGHT.day;
  const passed = (minutes: number) => Math.floor(clock / (minutes * 60_000)) !== Math.floor(before / (minutes * 60_000));
  if (passed(720)) return WEIGHT.halfDay;
  if (passed(360)) return WEIGHT.sixHours;
  if (passed(180)) return WEIGHT.threeHours;
  if (passed(60)) return WEIGHT.hour;
  if (passed(30)) return WEIGHT.halfHour;
  if (passed(5)) return WEIGHT.fiveMinutes;
  return passed(1) ? WEIGHT.minute : WEIGHT.second;
}

export class TimeAxis implements IHorzScaleBehavior<number> {
  /** Changed when another run is shown; labels made before are dropped with the data. */
  zone: Zone;
  /** Bars shorter than a day: labels need the time. */
  intraday = true;
  #options!: Options;

  constructor(zone: Zone) {
    this.zone = zone;
  }

  options(): Options {
    return this.#options;
  }
  setOptions(options: Options): void {
    this.#options = options;
  }
  preprocessData(): void {}
  updateFormatter(): void {}

  convertHorzItemToInternal(item: number): Internal {
    return item as unknown as Internal;
  }
  createConverterToInternalObj(): (item: number) => Internal {
    return this.convertHorzItemToInternal;
  }
  key(item: Internal | number): InternalHorzScaleItemKey {
    return item as unknown as InternalHorzScaleItemKey;
  }
  cacheKey(item: Internal): number {
    return instant(item);
  }

  formatHorzItem(item: Internal): string {
    return this.label(instant(item));
  }

  /** An instant as the axis and the legend write it. */
  label(at: number): string {
    return this.intraday ? this.zone.time(at) : this.zone.day(at);
  }

  formatTickmark({ time, weight }: TickMark): string {
    const clock = new Date(this.zone.clock(instant(time)));
    if (weight >= WEIGHT.year) return String(clock.getUTCFullYear());
    if (weight >= WEIGHT.month) return MONTHS[clock.getUTCMonth()]!;
    if (weight >= WEIGHT.day) return String(clock.getUTCDate());
    const minute = `${two(clock.getUTCHours())}:${two(clock.getUTCMinutes())}`;
    return weight >= WEIGHT.minute ? minute : `${minute}:${two(clock.getUTCSeconds())}`;
  }

  maxTickMarkWeight(marks: TimeMark[]): TickMarkWeightValue {
    const most = marks.reduce((highest, { weight }) => Math.max(highest, weight), 0);
    // It would look odd if noon stood out and eleven did not.
    return (most > WEIGHT.hour && most < WEIGHT.day ? WEIGHT.hour : most) as TickMarkWeightValue;
  }

  fillWeightsForPoints(points: readonly { time: Internal; timeWeight: TickMarkWeightValue }[], start: number): void {
    if (points.length === 0) return;
    const clock = (index: number): number => this.zone.clock(instant(points[index]!.time));
    // The first one is weighed as if a bar of the usual length had come before it.
    const usual = points.length > 1 ? (clock(points.length - 1) - clock(0)) / (points.length - 1) : 0;
    let before = start === 0 ? clock(0) - usual : clock(start - 1);
    for (let index = start; index < points.length; index++) {
      const now = clock(index);
      points[index]!.timeWeight = weigh(now, before) as TickMarkWeightValue;
      before = now;
    }
  }
}

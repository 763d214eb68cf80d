/** How data is named on this page. */
import type { Coverage } from "#contracts";

/** `AAPL.XNAS-1-DAY-LAST-EXTERNAL` → `1 day`, with what is unusual about it. */
export function stepOf({ barType, instrumentId }: Pick<Coverage, "barType" | "instrumentId">): string {
  const [number, unit, price, source] = barType.slice(instrumentId.length + 1).split("-");
  return [`${number} ${unit?.toLowerCase()}`, price === "LAST" ? "" : price?.toLowerCase(), source === "EXTERNAL" ? "" : source?.toLowerCase()]
    .filter(Boolean)
    .join(" ");
}

/** Whether bars are shorter than a day. */
export const isIntraday = (barType: string): boolean => /-(MILLISECOND|SECOND|MINUTE|HOUR)-/.test(barType);

const formats = new Map<string, Intl.DateTimeFormat>();

/** The day of an instant in a zone: 2020-01-31. */
export function day(at: number, zone: string): string {
  if (!Number.isFinite(at)) return "";
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
    formats.set(zone, format);
  }
  // A close at midnight belongs to the day before.
  return format.format(at - 1);
}

/** What is wrong with stored data, splits and dividends, watchlists and figures, as text. */
import type { DataWarning, Fundamental, QualityFinding, SeriesQuality, SymbolEntry, Watchlist } from "#contracts";
import { count } from "../format.ts";
import { type Screen, table, wrapLines } from "../output.ts";

type Look = Pick<Screen, "paint" | "unicode" | "width" | "shrink">;

const STRIP = 24;
const SHOWN = 12;

/** Every series with what is there of it, then what was found. */
export function checkText(series: readonly SeriesQuality[], screen: Look): string {
  const columns = [
    { title: "Series" },
    { title: "Calendar", keep: 2 },
    { title: "Bars", align: "right" as const, keep: 3 },
    { title: "Missing", align: "right" as const },
    { title: "Covered", keep: 4 },
    { title: "Found" },
  ];
  const rows = series.map((one) => [
    one.barType.replace(/-LAST-EXTERNAL$/, ""),
    `${one.calendar}${one.assumed ? "?" : ""}`,
    count(one.bars),
    one.missing > 0 ? count(one.missing) : "",
    stripOf(one.strip, screen.unicode),
    one.severity === null ? "nothing" : `${count(one.findingCount)}, ${one.severity}`,
  ]);
  const found = series.filter(({ findings }) => findings.length > 0).map((one) => findingsText(one, screen));
  const assumed = series.some((one) => one.assumed)
    ? [screen.paint("dim", "? the venue has no calendar of its own; that of its country's largest exchange was taken")]
    : [];
  return [table(columns, rows, screen), ...assumed, ...found].join("\n\n");
}

function findingsText({ barType, findings, findingCount }: SeriesQuality, screen: Look): string {
  const lines = findings.slice(0, SHOWN).map((finding) => findingText(finding, screen));
  const more = findingCount > lines.length ? [screen.paint("dim", `  and ${count(findingCount - lines.length)} more; --json has them`)] : [];
  return wrapLines([screen.paint("bold", barType), ...lines, ...more], screen.width).join("\n");
}

const COLOURS = { severe: "red", warning: "yellow", info: "dim" } as const;
const WORDS = { severe: "severe", warning: "warning", info: "note" } as const;

const findingText = ({ severity, message }: QualityFinding, screen: Look): string => `  ${screen.paint(COLOURS[severity], WORDS[severity])} ${message}`;

/** One warning before a run, with what can be done. */
export function warningText({ barType, finding, fix }: DataWarning, screen: Look): string {
  const remedy =
    fix?.kind === "adjust"
      ? " Use --adjustment splits."
      : fix?.kind === "addSplit"
        ? ` Use \`tino data actions ${fix.instrumentId} --split ${fix.exDay}=${fix.value}\`.`
        : "";
  return `${screen.paint(COLOURS[finding.severity], WORDS[finding.severity])} ${barType}: ${finding.message}${remedy}`;
}

function stripOf(strip: readonly number[], unicode: boolean): string {
  const signs = unicode ? ["·", "░", "▓", "█"] : [".", "-", "=", "#"];
  const cells = Math.min(STRIP, strip.length);
  return Array.from({ length: cells }, (_, cell) => {
    const part = strip.slice(Math.floor((cell * strip.length) / cells), Math.max(Math.floor(((cell + 1) * strip.length) / cells), 1));
    const least = Math.min(...part);
    return signs[least >= 0.999 ? 3 : least >= 0.5 ? 2 : least > 0 ? 1 : 0];
  }).join("");
}

export function actionsText(entries: readonly SymbolEntry[], screen: Look): string {
  const rows = entries.flatMap(({ instrument, actions }) =>
    actions.map(({ exDay, kind, value }) => [instrument.id, exDay, kind, kind === "split" ? `${value} for 1` : `${value} ${instrument.currency}`]),
  );
  if (rows.length === 0) return "No splits or dividends.";
  return table([{ title: "Instrument" }, { title: "Ex-day" }, { title: "Kind" }, { title: "Value", align: "right" as const }], rows, screen);
}

export const watchlistsText = (lists: readonly Watchlist[], screen: Look): string =>
  table(
    [{ title: "Watchlist" }, { title: "Instruments", shrinks: true }],
    lists.map(({ name, symbols }) => [`@${name}`, symbols.join(", ")]),
    screen,
  );

export const fundamentalsText = (rows: readonly Fundamental[], screen: Look): string =>
  table(
    [{ title: "Figure" }, { title: "Period to" }, { title: "Known on" }, { title: "Value", align: "right" as const }],
    rows.map(({ field, periodEnd, knownOn, value }) => [field, periodEnd, knownOn, value.toLocaleString("en-US", { maximumFractionDigits: 6 })]),
    screen,
  );

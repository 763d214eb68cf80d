/** What is stored, and is it good: every instrument with its series, one of them in detail, and the way in for more. */
import { type DragEvent, useCallback, useMemo, useRef, useState } from "react";
import type { PageState, SeriesQuality, SymbolEntry } from "#contracts";
import { useAct, useCall, useTell, useTransport } from "../../engine.tsx";
import { percent, plain } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { type Column, DataTable } from "../../parts/DataTable.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ImportSample } from "../../parts/ImportSample.tsx";
import { Menu, MenuItem } from "../../parts/Menu.tsx";
import { Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { CoverageStrip } from "./CoverageStrip.tsx";
import { Detail } from "./Detail.tsx";
import { Download } from "./Download.tsx";
import { ImportWizard } from "./ImportWizard.tsx";
import { day, stepOf } from "./words.ts";
import "./data.css";

/** One line of the table: an instrument with the finest of its series, which stands for it. */
interface Line {
  readonly entry: SymbolEntry;
  readonly reports: readonly SeriesQuality[];
}

type Wanted = { readonly paths: readonly string[]; readonly files: readonly File[] };

export function Data({ state, amend }: { state: PageState; amend: (state: PageState) => void }) {
  const transport = useTransport();
  const act = useAct();
  const tell = useTell();
  const picker = useRef<HTMLInputElement>(null);
  const list = useCall("listSymbols", {});
  const quality = useCall("getQuality", { query: {} }, { enabled: (list.data?.symbols.length ?? 0) > 0 });
  const watchlists = useCall("listWatchlists", {});
  const [words, setWords] = useState("");
  const [named, setNamed] = useState<string | null>(null);
  const [flagged, setFlagged] = useState(false);
  const [over, setOver] = useState(false);
  const [dropped, setDropped] = useState<readonly File[] | null>(null);
  const [downloading, setDownloading] = useState(false);
  const wanted: Wanted | null = dropped ? { paths: [], files: dropped } : state.files && state.files.length > 0 ? { paths: state.files, files: [] } : null;

  const reports = useMemo(() => new Map((quality.data?.series ?? []).map((one) => [one.barType, one])), [quality.data]);
  const lines = useMemo<Line[]>(
    () => (list.data?.symbols ?? []).map((entry) => ({ entry, reports: entry.coverage.flatMap(({ barType }) => reports.get(barType) ?? []) })),
    [list.data, reports],
  );
  const members = watchlists.data?.watchlists.find(({ name }) => name === named)?.symbols;
  const shown = useMemo(() => {
    const each = words.toLowerCase().split(/\s+/).filter(Boolean);
    return lines.filter(
      ({ entry, reports: found }) =>
        each.every((word) => textOf(entry).includes(word)) && (!members || members.includes(entry.instrument.id)) && (!flagged || found.some(isFlagged)),
    );
  }, [lines, words, members, flagged]);
  const selected = lines.find(({ entry }) => entry.instrument.id === state.symbol) ?? null;
  const select = useCallback((symbol: string | undefined) => amend({ page: "data", run: null, path: null, name: null, ...(symbol && { symbol }) }), [amend]);
  const choose = () => (transport.host === "editor" ? act({ type: "importData" }) : picker.current?.click());
  const take = (files: FileList | null) => files && files.length > 0 && setDropped([...files]);
  const endImport = () => {
    setDropped(null);
    select(state.symbol);
  };
  const drop = {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => event.currentTarget === event.target && setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer.files);
    },
  };
  const detailed = selected !== null;
  const columns = useMemo(() => {
    const all = columnsOf(quality.error !== null);
    return detailed ? all.filter(({ id }) => BESIDE_DETAIL.has(id)) : all;
  }, [quality.error, detailed]);

  if (list.error) return <Failure error={list.error.body} retry={() => void list.refetch()} />;
  if (list.isPending) return <Skeleton label="Loading data" lines={12} />;
  const sampled = (sample: "usStocks" | "sp500") => transport.call("importSample", { query: { sample } }).catch(tell);
  const flaggedCount = lines.filter(({ reports: found }) => found.some(isFlagged)).length;
  return (
    <main className="data" data-over={over || undefined} {...drop}>
      <input ref={picker} type="file" multiple hidden accept=".csv,.txt,.tsv,.parquet,.gz,.zip" onChange={(event) => take(event.target.files)} />
      {wanted ? (
        <ImportWizard key={wanted.paths.join("\n")} paths={wanted.paths} files={wanted.files} onEnd={endImport} />
      ) : downloading ? (
        <Download onEnd={() => setDownloading(false)} />
      ) : lines.length === 0 ? (
        <Empty
          icon="database"
          title="No data yet"
          actions={
            <>
              <ImportSample />
              <Button icon="cloud-upload" onClick={choose}>
                Import files
              </Button>
              <Button icon="cloud-download" onClick={() => setDownloading(true)}>
                Download
              </Button>
            </>
          }
        >
          Drop CSV or Parquet files of bars here. The sample holds daily prices of US stocks, so that everything works at once.
        </Empty>
      ) : (
        <>
          <div className="filter" role="toolbar" aria-label="Data">
            <input
              type="search"
              aria-label="Search data"
              placeholder="Search symbol, name, venue or step"
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
            {watchlists.data && watchlists.data.watchlists.length > 0 ? (
              <select aria-label="Watchlist" value={named ?? ""} onChange={(event) => setNamed(event.target.value || null)}>
                <option value="">All instruments</option>
                {watchlists.data.watchlists.map(({ name }) => (
                  <option key={name} value={name}>
                    @{name}
                  </option>
                ))}
              </select>
            ) : null}
            {flaggedCount > 0 ? (
              <span className="segmented">
                <button type="button" aria-pressed={!flagged} onClick={() => setFlagged(false)}>
                  All {plain(lines.length, 0)}
                </button>
                <button type="button" aria-pressed={flagged} onClick={() => setFlagged(true)}>
                  With warnings {plain(flaggedCount, 0)}
                </button>
              </span>
            ) : null}
            <span className="muted data-count">
              {plain(shown.length, 0)} {shown.length === 1 ? "instrument" : "instruments"}
              {quality.isFetching ? " · looking for faults" : ""}
            </span>
            <Menu icon="beaker" label="Samples">
              <MenuItem icon="graph" onClick={() => void sampled("usStocks")}>
                Five US stocks as traded, 2000–2013
              </MenuItem>
              <MenuItem icon="graph-line" onClick={() => void sampled("sp500")}>
                Closes of 20 S&amp;P 500 stocks, 1990–2022
              </MenuItem>
            </Menu>
            <Button icon="cloud-download" onClick={() => setDownloading(true)}>
              Download
            </Button>
            <Button look="primary" icon="cloud-upload" onClick={choose}>
              Import
            </Button>
          </div>
          <div className="data-body" data-detail={selected !== null || undefined}>
            <DataTable
              label="Stored data"
              columns={columns}
              rows={shown}
              keyOf={({ entry }) => entry.instrument.id}
              selected={selected?.entry.instrument.id ?? null}
              sorted={{ id: "symbol", descending: false }}
              onSelect={({ entry }) => select(entry.instrument.id)}
            />
            {selected ? (
              <Detail
                key={selected.entry.instrument.id}
                entry={selected.entry}
                reports={selected.reports}
                watchlists={watchlists.data?.watchlists ?? []}
                onClose={() => select(undefined)}
                onImport={choose}
              />
            ) : null}
          </div>
        </>
      )}
      {over ? (
        <div className="data-drop">
          <Icon name="cloud-upload" /> Drop to look at the files; nothing is stored yet
        </div>
      ) : null}
    </main>
  );
}

/** Columns that stay when one instrument is shown beside the table. */
const BESIDE_DETAIL = new Set(["symbol", "name", "covered", "quality"]);
const isFlagged = ({ severity }: SeriesQuality): boolean => severity === "warning" || severity === "severe";
const textOf = ({ instrument, coverage }: SymbolEntry): string => `${instrument.id} ${instrument.name ?? ""} ${coverage.map(stepOf).join(" ")}`.toLowerCase();
const barsOf = ({ coverage }: SymbolEntry): number => coverage.reduce((sum, { bars }) => sum + bars, 0);

function columnsOf(unknown: boolean): Column<Line>[] {
  const first = ({ entry }: Line) => Math.min(...entry.coverage.map(({ from }) => from));
  const last = ({ entry }: Line) => Math.max(...entry.coverage.map(({ to }) => to));
  const at = (value: number) => (Number.isFinite(value) ? value : null);
  const missing = (line: Line) =>
    line.reports.reduce((sum, report) => sum + report.missing, 0) /
    Math.max(
      1,
      line.reports.reduce((sum, report) => sum + report.expected, 0),
    );
  return [
    { id: "symbol", heading: "Instrument", width: 128, value: ({ entry }) => entry.instrument.id },
    {
      id: "name",
      heading: "Name",
      value: ({ entry }) => entry.instrument.name ?? "",
      cell: ({ entry }) => <span title={entry.instrument.name ?? ""}>{entry.instrument.name ?? ""}</span>,
    },
    { id: "steps", heading: "Bars of", width: 120, value: ({ entry }) => entry.coverage.map(stepOf).join(", ") },
    { id: "bars", heading: "Count", width: 84, figure: true, value: ({ entry }) => barsOf(entry), cell: ({ entry }) => plain(barsOf(entry), 0) },
    { id: "from", heading: "From", width: 92, value: (line) => at(first(line)), cell: (line) => day(first(line), line.entry.instrument.timeZone) },
    { id: "to", heading: "To", width: 92, value: (line) => at(last(line)), cell: (line) => day(last(line), line.entry.instrument.timeZone) },
    {
      id: "covered",
      heading: "Covered",
      title: "Bars that are there, of those that the exchange's calendar expects",
      width: 132,
      value: (line) => (line.reports.length > 0 ? 1 - missing(line) : null),
      cell: (line) => (unknown ? <span className="muted">not known</span> : <CoverageStrip quality={line.reports[0]} />),
    },
    {
      id: "quality",
      heading: "Quality",
      width: 116,
      value: ({ reports }) => (reports.some(({ severity }) => severity === "severe") ? 2 : reports.some(isFlagged) ? 1 : 0),
      cell: ({ reports }) => <Flag reports={reports} />,
    },
  ];
}

/** The worst of what was found, in a word. */
function Flag({ reports }: { reports: readonly SeriesQuality[] }) {
  if (reports.length === 0) return null;
  const found = reports.flatMap(({ findings }) => findings).filter(({ severity }) => severity !== "info");
  if (found.length === 0) {
    const missing = reports.reduce((sum, report) => sum + report.missing, 0);
    const expected = reports.reduce((sum, report) => sum + report.expected, 0);
    return <span className="muted">{missing > 0 ? `${percent(1 - missing / expected, 1)} there` : "No faults"}</span>;
  }
  const severe = found.filter(({ severity }) => severity === "severe").length;
  return (
    <span className="flag" data-severity={severe > 0 ? "severe" : "warning"} title={found.map(({ message }) => message).join("\n")}>
      <Icon name={severe > 0 ? "error" : "warning"} /> {found.length === 1 ? "1 finding" : `${plain(found.length, 0)} findings`}
    </span>
  );
}

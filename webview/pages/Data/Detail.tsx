/** One instrument: its bars, what was found in them, its splits and dividends, its figures, and what can be done with it. */
import { useId, useMemo, useState } from "react";
import type { Adjustment, BarStep, CorporateAction, ErrorBody, SeriesQuality, SymbolEntry, Watchlist } from "#contracts";
import { Columns } from "../../chart/columns.ts";
import { PriceChart, type PriceMark } from "../../chart/PriceChart.tsx";
import { asTinoError, useCall, useTell, useTransport } from "../../engine.tsx";
import { plain } from "../../format.ts";
import { Button, ToolButton } from "../../parts/Button.tsx";
import { type Column, DataTable } from "../../parts/DataTable.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Menu, MenuItem, MenuSwitch } from "../../parts/Menu.tsx";
import { Banner, Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { CoverageStrip } from "./CoverageStrip.tsx";
import { day, isIntraday, stepOf } from "./words.ts";

/** More candles than a screen has pixels are of no use. */
const POINTS = 4_000;
const YEAR_MS = 365.25 * 86_400_000;
const RANGES = [
  ["All", null],
  ["10Y", 10],
  ["5Y", 5],
  ["1Y", 1],
  ["3M", 0.25],
  ["1W", 7 / 365.25],
] as const;
const STEPS: readonly { readonly step: BarStep; readonly label: string; readonly ms: number }[] = [
  { step: "5-MINUTE", label: "5 minutes", ms: 300_000 },
  { step: "1-HOUR", label: "1 hour", ms: 3_600_000 },
  { step: "1-DAY", label: "1 day", ms: 86_400_000 },
  { step: "1-WEEK", label: "1 week", ms: 604_800_000 },
  { step: "1-MONTH", label: "1 month", ms: 2_592_000_000 },
];
const UNITS: Record<string, number> = { SECOND: 1_000, MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000, WEEK: 604_800_000, MONTH: 2_592_000_000 };

interface Props {
  readonly entry: SymbolEntry;
  readonly reports: readonly SeriesQuality[];
  readonly watchlists: readonly Watchlist[];
  readonly onClose: () => void;
  readonly onImport: () => void;
}

type Tab = "bars" | "quality" | "actions" | "figures";

export function Detail({ entry, reports, watchlists, onClose, onImport }: Props) {
  const transport = useTransport();
  const tell = useTell();
  const id = useId();
  const { instrument, coverage, actions } = entry;
  const [tab, setTab] = useState<Tab>("bars");
  const [barType, setBarType] = useState(coverage[0]?.barType ?? "");
  const [busy, setBusy] = useState(false);
  const series = coverage.find((one) => one.barType === barType) ?? coverage[0];
  const report = reports.find((one) => one.barType === series?.barType);
  const found = reports.reduce((sum, { findingCount }) => sum + findingCount, 0);
  const tabs: readonly [Tab, string][] = [
    ["bars", "Bars"],
    ["quality", `Quality${found > 0 ? ` ${plain(found, 0)}` : ""}`],
    ["actions", `Splits and dividends${actions.length > 0 ? ` ${plain(actions.length, 0)}` : ""}`],
    ["figures", "Fundamentals"],
  ];
  const put = (list: Watchlist, symbols: readonly string[]) =>
    transport.call("putWatchlist", { path: { name: list.name }, body: { symbols: [...symbols] } }).catch(tell);
  const coarser = series
    ? STEPS.filter(({ ms, step }) => ms > lengthOf(series.barType) && !coverage.some(({ barType: other }) => other.includes(`-${step}-`)))
    : [];
  const resample = (step: BarStep) => {
    setBusy(true);
    transport
      .call("resampleData", { body: { barType: series!.barType, step } })
      .then(({ coverage: made }) => setBarType(made.barType), tell)
      .finally(() => setBusy(false));
  };
  return (
    <section className="data-detail" aria-label={instrument.id}>
      <header className="data-head">
        <h2>{instrument.id}</h2>
        <span className="muted">
          {[instrument.name, instrument.assetClass, instrument.currency, `${instrument.pricePrecision} decimals`, instrument.timeZone]
            .filter(Boolean)
            .join(" · ")}
        </span>
        <span className="frame-space" />
        {watchlists.length > 0 ? (
          <Menu icon="list-unordered" label="Watchlists">
            {watchlists.map((list) => (
              <MenuSwitch
                key={list.name}
                checked={list.symbols.includes(instrument.id)}
                onChange={(checked) => void put(list, checked ? [...list.symbols, instrument.id] : list.symbols.filter((symbol) => symbol !== instrument.id))}
              >
                @{list.name}
              </MenuSwitch>
            ))}
          </Menu>
        ) : (
          <ToolButton
            icon="star-empty"
            label="Begin a watchlist “favourites” with this instrument"
            onClick={() => void put({ name: "favourites", symbols: [] }, [instrument.id])}
          />
        )}
        {series && coarser.length > 0 ? (
          <Menu icon="fold" label={busy ? "Resampling" : "Resample"} disabled={busy}>
            {coarser.map(({ step, label }) => (
              <MenuItem key={step} icon="fold" onClick={() => resample(step)}>
                Store bars of {label}
              </MenuItem>
            ))}
          </Menu>
        ) : null}
        {series && transport.host === "editor" ? (
          <ToolButton
            icon="trash"
            label={`Remove ${series.barType}`}
            onClick={() => void transport.call("removeData", { body: { barTypes: [series.barType] } }).catch(tell)}
          />
        ) : null}
        <ToolButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div className="tab-list" role="tablist" aria-label={instrument.id}>
        {tabs.map(([name, label]) => (
          <button
            key={name}
            id={`${id}-${name}`}
            type="button"
            role="tab"
            aria-selected={tab === name}
            aria-controls={`${id}-panel`}
            onClick={() => setTab(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <div className="data-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tab}`}>
        {tab === "bars" ? (
          series ? (
            <Bars entry={entry} barType={series.barType} report={report} onBarType={setBarType} />
          ) : (
            <Empty
              icon="graph"
              title="No bars are stored of it"
              actions={
                <Button icon="cloud-upload" onClick={onImport}>
                  Import files
                </Button>
              }
            />
          )
        ) : tab === "quality" ? (
          <Quality entry={entry} reports={reports} onImport={onImport} />
        ) : tab === "actions" ? (
          <Actions entry={entry} />
        ) : (
          <Figures symbol={instrument.id} />
        )}
      </div>
    </section>
  );
}

function lengthOf(barType: string): number {
  const [, number, unit] = /-(\d+)-([A-Z]+)-[A-Z]+-[A-Z]+$/.exec(barType) ?? [];
  return Number(number ?? 1) * (UNITS[unit ?? ""] ?? Number.POSITIVE_INFINITY);
}

function Bars({
  entry,
  barType,
  report,
  onBarType,
}: {
  entry: SymbolEntry;
  barType: string;
  report: SeriesQuality | undefined;
  onBarType: (barType: string) => void;
}) {
  const { instrument, coverage, actions } = entry;
  const series = coverage.find((one) => one.barType === barType)!;
  const [adjustment, setAdjustment] = useState<Adjustment>("none");
  const [step, setStep] = useState<BarStep | null>(null);
  const [years, setYears] = useState<number | null>(null);
  const from = years === null ? null : Math.max(series.from, Math.round(series.to - years * YEAR_MS));
  const bars = useCall("getBars", { query: { barType, from, points: POINTS, adjustment, step } });
  const columns = useMemo(() => (bars.data ? new Columns(bars.data) : null), [bars.data]);
  const marks = useMemo<PriceMark[]>(() => {
    const found = (report?.findings ?? [])
      .filter(({ kind, severity }) => kind === "spike" || kind === "split" || (kind === "gap" && severity !== "info") || kind === "jump")
      .map(({ from: at, kind, severity }) => ({ at, text: kind === "jump" ? "" : kind, tone: severity }));
    const splits = actions
      .filter(({ kind }) => kind === "split")
      .map(({ exDay, value }) => ({ at: Date.parse(`${exDay}T00:00:00Z`), text: `${value}:1`, tone: "info" as const }));
    return [...found, ...splits];
  }, [report, actions]);
  const span = series.to - series.from;
  const merged = columns && report ? Math.round(((from === null ? 1 : (series.to - from) / span) * series.bars) / Math.max(1, columns.rows)) : 1;
  return (
    <>
      <div className="filter" role="toolbar" aria-label="Bars">
        <select aria-label="Series" value={barType} onChange={(event) => onBarType(event.target.value)}>
          {coverage.map((one) => (
            <option key={one.barType} value={one.barType}>
              {stepOf(one)}
            </option>
          ))}
        </select>
        <select aria-label="Resampled to" value={step ?? ""} onChange={(event) => setStep(event.target.value || null)}>
          <option value="">As stored</option>
          {STEPS.filter(({ ms }) => ms > lengthOf(barType)).map(({ step: one, label }) => (
            <option key={one} value={one}>
              Shown as {label}
            </option>
          ))}
        </select>
        <select aria-label="Prices" value={adjustment} onChange={(event) => setAdjustment(event.target.value as Adjustment)}>
          <option value="none">As traded</option>
          <option value="splits">Adjusted for splits</option>
          <option value="splitsAndDividends">Adjusted for splits and dividends</option>
        </select>
        <span className="segmented">
          {RANGES.filter(([, wanted]) => wanted === null || wanted * YEAR_MS < span).map(([label, wanted]) => (
            <button key={label} type="button" aria-pressed={years === wanted} onClick={() => setYears(wanted)}>
              {label}
            </button>
          ))}
        </span>
        <span className="muted data-count">
          {plain(series.bars, 0)} bars, {day(series.from, instrument.timeZone)} – {day(series.to, instrument.timeZone)} · {instrument.timeZone}
          {step === null && merged > 1 ? ` · a candle merges ${plain(merged, 0)}` : ""}
        </span>
      </div>
      {bars.error ? (
        <Failure error={bars.error.body} retry={() => void bars.refetch()} />
      ) : columns ? (
        columns.rows > 0 ? (
          <PriceChart
            bars={columns}
            zone={instrument.timeZone}
            intraday={isIntraday(barType)}
            digits={Math.min(instrument.pricePrecision, (columns.number("close").at(-1) ?? 0) >= 10 ? 2 : 6)}
            marks={marks}
            label={`Prices of ${instrument.id}`}
          />
        ) : (
          <Empty icon="graph" title="No bars in this range" />
        )
      ) : (
        <Skeleton label="Loading bars" lines={8} />
      )}
      <p className="muted data-source" title={series.hash}>
        {series.source}
      </p>
    </>
  );
}

const SEVERITY_WORDS = { severe: "Severe", warning: "Warning", info: "Note" } as const;

function Quality({ entry, reports, onImport }: { entry: SymbolEntry; reports: readonly SeriesQuality[]; onImport: () => void }) {
  const transport = useTransport();
  const tell = useTell();
  if (reports.length === 0) return <Skeleton label="Looking for faults" lines={5} />;
  const change = (body: { put?: CorporateAction[]; remove?: { exDay: string; kind: "split" | "dividend" }[] }) =>
    void transport.call("changeActions", { body: { instrumentId: entry.instrument.id, ...body } }).catch(tell);
  return (
    <div className="data-scroll">
      {reports.map((report) => (
        <section key={report.barType} className="data-report">
          <h3>
            {stepOf({ barType: report.barType, instrumentId: entry.instrument.id })}
            <span className="muted">
              {plain(report.bars, 0)} bars; {report.calendar}
              {report.assumed ? " (assumed, the venue has no calendar)" : ""} expects {plain(report.expected, 0)}, {plain(report.missing, 0)} missing
            </span>
          </h3>
          <CoverageStrip quality={report} wide />
          {report.findings.length === 0 ? (
            <p className="muted">
              <Icon name="check" /> No gaps, spikes, unexplained splits, frozen prices or damaged rows.
            </p>
          ) : (
            <ul className="findings">
              {report.findings.map((finding, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a report never changes.
                <li key={index} data-severity={finding.severity}>
                  <Icon name={finding.severity === "severe" ? "error" : finding.severity === "warning" ? "warning" : "info"} />
                  <span className="unseen">{SEVERITY_WORDS[finding.severity]}: </span>
                  <span>{finding.message}</span>
                  {finding.kind === "split" && finding.exDay && finding.splitRatio ? (
                    <Button look="link" onClick={() => change({ put: [{ exDay: finding.exDay!, kind: "split", value: finding.splitRatio! }] })}>
                      Add the split
                    </Button>
                  ) : finding.kind === "actionWithoutMove" && finding.exDay ? (
                    <Button look="link" onClick={() => change({ remove: [{ exDay: finding.exDay!, kind: "split" }] })}>
                      Remove the split
                    </Button>
                  ) : finding.kind === "gap" && finding.severity !== "info" ? (
                    <Button look="link" onClick={onImport}>
                      Import what is missing
                    </Button>
                  ) : null}
                </li>
              ))}
            </ul>
          )}
          {report.findingCount > report.findings.length ? (
            <p className="muted">{plain(report.findingCount - report.findings.length, 0)} more of the same kinds.</p>
          ) : null}
        </section>
      ))}
    </div>
  );
}

const ACTION_COLUMNS: Column<CorporateAction>[] = [
  { id: "day", heading: "Ex-day", width: 110, value: ({ exDay }) => exDay },
  { id: "kind", heading: "Kind", width: 110, value: ({ kind }) => kind },
  {
    id: "value",
    heading: "Value",
    figure: true,
    width: 160,
    value: ({ value }) => value,
    cell: ({ kind, value }) => (kind === "split" ? `${plain(value)} for 1` : plain(value)),
  },
];

function Actions({ entry }: { entry: SymbolEntry }) {
  const transport = useTransport();
  const { instrument, actions } = entry;
  const [kind, setKind] = useState<"split" | "dividend">("split");
  const [exDay, setDay] = useState("");
  const [value, setValue] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [error, setError] = useState<ErrorBody | null>(null);
  const send = async (body: { put?: CorporateAction[]; remove?: { exDay: string; kind: "split" | "dividend" }[] }) => {
    setError(null);
    try {
      await transport.call("changeActions", { body: { instrumentId: instrument.id, ...body } });
      setChosen(null);
    } catch (cause) {
      setError(asTinoError(cause).body);
    }
  };
  const key = (action: CorporateAction) => `${action.exDay} ${action.kind}`;
  const selected = actions.find((action) => key(action) === chosen);
  const complete = /^\d{4}-\d\d-\d\d$/.test(exDay) && Number(value) > 0;
  return (
    <div className="tab-with-filter">
      <form
        className="filter"
        onSubmit={(event) => {
          event.preventDefault();
          if (complete) void send({ put: [{ exDay, kind, value: Number(value) }] });
        }}
      >
        <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.target.value as "split" | "dividend")}>
          <option value="split">Split</option>
          <option value="dividend">Dividend</option>
        </select>
        <input aria-label="Ex-day" placeholder="2020-08-31" size={11} value={exDay} onChange={(event) => setDay(event.target.value.trim())} />
        <input
          aria-label="Value"
          placeholder={kind === "split" ? "New shares for one" : `${instrument.currency} a share`}
          size={16}
          inputMode="decimal"
          value={value}
          onChange={(event) => setValue(event.target.value.trim())}
        />
        <Button icon="add" type="submit" disabled={!complete}>
          Set
        </Button>
        <Button icon="trash" disabled={!selected} onClick={() => selected && void send({ remove: [{ exDay: selected.exDay, kind: selected.kind }] })}>
          Remove
        </Button>
        <span className="muted data-count">Prices are stored as traded; a run and a chart apply these as they are told.</span>
      </form>
      {error ? (
        <Banner tone="error" icon="error">
          {error.message} {error.hint}
        </Banner>
      ) : null}
      {actions.length === 0 ? (
        <Empty icon="split-horizontal" title="No splits or dividends">
          Set them here, or import a file with <code>tino data actions {instrument.id} --import actions.csv</code>.
        </Empty>
      ) : (
        <DataTable
          label="Splits and dividends"
          columns={ACTION_COLUMNS}
          rows={actions}
          keyOf={key}
          selected={chosen}
          onSelect={(action) => setChosen(key(action))}
          sorted={{ id: "day", descending: true }}
        />
      )}
    </div>
  );
}

function Figures({ symbol }: { symbol: string }) {
  const [asOf, setAsOf] = useState("");
  const known = /^\d{4}-\d\d-\d\d$/.test(asOf) ? asOf : null;
  const figures = useCall("getFundamentals", { query: { symbol, asOf: known } });
  if (figures.error) return <Failure error={figures.error.body} retry={() => void figures.refetch()} />;
  if (!figures.data) return <Skeleton label="Loading fundamentals" lines={5} />;
  if (figures.data.rows.length === 0 && known === null)
    return (
      <Empty icon="book" title="No fundamentals">
        <code>tino data fundamentals {symbol} --import figures.csv</code> takes a table of periods, days on which they were known, and figures.
      </Empty>
    );
  return (
    <div className="tab-with-filter">
      <div className="filter">
        <label>
          Known on <input aria-label="Known on" placeholder="any day" size={11} value={asOf} onChange={(event) => setAsOf(event.target.value.trim())} />
        </label>
        <span className="muted data-count">{known === null ? "Every version of every figure" : `As somebody knew it on ${known}`}</span>
      </div>
      <DataTable
        label="Fundamentals"
        columns={FIGURE_COLUMNS}
        rows={figures.data.rows}
        keyOf={(row) => `${row.field} ${row.periodEnd} ${row.knownOn}`}
        sorted={{ id: "period", descending: true }}
      />
    </div>
  );
}

interface Figure {
  readonly field: string;
  readonly periodEnd: string;
  readonly knownOn: string;
  readonly value: number;
}

const FIGURE_COLUMNS: Column<Figure>[] = [
  { id: "field", heading: "Figure", value: ({ field }) => field },
  { id: "period", heading: "Period to", width: 110, value: ({ periodEnd }) => periodEnd },
  { id: "known", heading: "Known on", width: 110, value: ({ knownOn }) => knownOn },
  { id: "value", heading: "Value", figure: true, width: 160, value: ({ value }) => value, cell: ({ value }) => plain(value) },
];

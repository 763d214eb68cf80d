/** The right side of the page: the answer in one line, the chart, and under it everything the numbers rest on. */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type ErrorBody, marksOf, type Run } from "#contracts";
import type { Columns } from "../../chart/columns.ts";
import { type ChartFocus, RunChart } from "../../chart/RunChart.tsx";
import { useAct, useTransport } from "../../engine.tsx";
import { plain } from "../../format.ts";
import { ToolButton } from "../../parts/Button.tsx";
import { csvFile } from "../../parts/csv.ts";
import { Banner, Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { LogTab } from "./LogTab.tsx";
import { Headline, MetricsTab } from "./MetricsTab.tsx";
import { OrdersTab } from "./OrdersTab.tsx";
import { type TableState, useRunTable } from "./runTables.ts";
import { Sash } from "./Sash.tsx";
import { StrategiesTab } from "./StrategiesTab.tsx";
import { TearsheetTab } from "./TearsheetTab.tsx";
import { TradesTab } from "./TradesTab.tsx";
import { ValidationTab } from "./ValidationTab.tsx";

type Tab = "metrics" | "strategies" | "tearsheet" | "validation" | "trades" | "orders" | "log" | "assumptions";
const TAB = "backtest.tab";

interface Drawn {
  readonly run: Run;
  readonly trades: Columns;
  readonly fills: Columns;
}

export function Results({ run, old }: { run: Run; old: boolean }) {
  const transport = useTransport();
  const act = useAct();
  const tabsId = useId();
  const result = run.result;
  const recalled = transport.recall(TAB) as Tab | undefined;
  const [chosen, setTab] = useState<Tab>(recalled ?? "metrics");
  // What was looked at last may have no place in a run of one strategy.
  const tab = chosen === "strategies" && (result?.strategies.length ?? 0) < 2 ? "metrics" : chosen;
  const [focus, setFocus] = useState<ChartFocus | null>(null);
  const [trade, setTrade] = useState<number | null>(null);
  const body = useRef<HTMLDivElement>(null);
  const trades = useRunTable(run, "trades");
  const fills = useRunTable(run, "fills");
  const orders = useRunTable(run, "orders", tab === "orders");
  const log = useRunTable(run, "log", tab === "log");

  // A chart that is shown already stays until all of the next run is there: nothing flickers between two runs.
  const drawn = useRef<Drawn | null>(null);
  if (trades.table && fills.table) drawn.current = { run, trades: trades.table, fills: fills.table };
  const chart = drawn.current;

  // biome-ignore lint/correctness/useExhaustiveDependencies: what was chosen belongs to the run it was chosen in.
  useEffect(() => {
    setTrade(null);
    setFocus(null);
  }, [run.id]);

  if (!result) return null;
  const rows = (kind: string) => result.series.find((info) => info.kind === kind)?.rows ?? 0;
  const tabs: readonly [Tab, string][] = [
    ["metrics", "Metrics"],
    ...(result.strategies.length > 1 ? [["strategies", `Strategies ${result.strategies.length}`] as [Tab, string]] : []),
    ["tearsheet", "Tearsheet"],
    ["validation", "Validation"],
    ["trades", `Trades ${plain(rows("trades"), 0)}`],
    ["orders", `Orders ${plain(rows("orders"), 0)}`],
    ["log", `Log ${plain(rows("log"), 0)}`],
    ["assumptions", "Assumptions"],
  ];
  const choose = (next: Tab) => {
    setTab(next);
    transport.remember(TAB, next);
  };
  const onTabKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex(([name]) => name === tab) + step + tabs.length) % tabs.length]![0];
    choose(next);
    document.getElementById(`${tabsId}-${next}`)?.focus();
  };
  const chooseTrade = (row: number) => {
    setTrade(row);
    setFocus({ kind: "trade", row });
  };
  const toTime = (at: number) => {
    if (!Number.isNaN(at)) setFocus({ kind: "time", at });
  };
  const openSource = (path: string, line: number) => {
    if (transport.host === "editor") act({ type: "openSource", path, line });
  };
  const exported = {
    trades: trades.table,
    orders: orders.table,
    log: log.table,
    metrics: null,
    strategies: null,
    tearsheet: null,
    validation: null,
    assumptions: null,
  }[tab];

  return (
    <div className={`results${old ? " is-old" : ""}`} ref={body}>
      <Headline run={run} />
      {result.warnings.map((warning) => (
        <Banner key={warning} tone="warning" icon="warning">
          {warning}
        </Banner>
      ))}
      {run.reproduction ? <Repeated reproduction={run.reproduction} /> : null}
      {result.outcome.noTrades === null ? null : <NoTrades run={run} onOrders={() => choose("orders")} />}
      {chart ? (
        <RunChart
          run={chart.run}
          trades={chart.trades}
          fills={chart.fills}
          focus={focus}
          onTrade={(row) => {
            chooseTrade(row);
            choose("trades");
          }}
        />
      ) : (
        <div className="chart">
          <Waiting states={[trades, fills]} label="Loading trades" />
        </div>
      )}
      <Sash container={body} />
      <div className="tabs">
        <div className="tab-list" role="tablist" aria-label="Result" onKeyDown={onTabKey}>
          {tabs.map(([name, label]) => (
            <button
              key={name}
              id={`${tabsId}-${name}`}
              type="button"
              role="tab"
              aria-selected={tab === name}
              aria-controls={`${tabsId}-panel`}
              tabIndex={tab === name ? 0 : -1}
              onClick={() => choose(name)}
            >
              {label}
            </button>
          ))}
          {exported ? (
            <ToolButton
              icon="export"
              label={`Export ${tab} as CSV`}
              onClick={() => act({ type: "saveFile", name: `${run.name}-${run.id}-${tab}.csv`, bytes: tableFile(exported) })}
            />
          ) : null}
        </div>
        <div className="tab-panel" role="tabpanel" id={`${tabsId}-panel`} aria-labelledby={`${tabsId}-${tab}`}>
          {tab === "metrics" ? <MetricsTab run={run} /> : null}
          {tab === "strategies" ? <StrategiesTab run={run} /> : null}
          {tab === "tearsheet" ? <TearsheetTab run={run} onTime={toTime} onTrade={chooseTrade} /> : null}
          {tab === "validation" ? <ValidationTab key={run.id} run={run} /> : null}
          {tab === "trades" ? (
            <With state={trades} label="Loading trades">
              {(table) => <TradesTab run={run} table={table} selected={trade} onSelect={chooseTrade} onOpenSource={openSource} />}
            </With>
          ) : null}
          {tab === "orders" ? (
            <With state={orders} label="Loading orders">
              {(table) => <OrdersTab key={run.id} run={run} table={table} onTime={toTime} />}
            </With>
          ) : null}
          {tab === "log" ? (
            <With state={log} label="Loading the log">
              {(table) => <LogTab key={run.id} run={run} table={table} onTime={toTime} />}
            </With>
          ) : null}
          {tab === "assumptions" ? <Assumptions run={run} /> : null}
        </div>
      </div>
    </div>
  );
}

function With({ state, label, children }: { state: TableState; label: string; children: (table: Columns) => ReactNode }) {
  if (!state.table) return <Waiting states={[state]} label={label} />;
  if (state.table.rows === 0) return <Empty icon="list-flat" title="Nothing here in this run" />;
  return children(state.table);
}

function Waiting({ states, label }: { states: readonly TableState[]; label: string }) {
  const failed = states.find(({ error }) => error);
  const again = () => {
    for (const state of states) if (state.error) state.retry();
  };
  return failed?.error ? <Failure error={failed.error.body} retry={again} /> : <Skeleton label={label} lines={6} />;
}

/** What came of repeating another run. */
function Repeated({ reproduction: { of, equal, rows, difference, changed } }: { reproduction: NonNullable<Run["reproduction"]> }) {
  const place =
    difference && [difference.table, difference.column, difference.row === null ? "" : `row ${plain(difference.row, 0)}`].filter(Boolean).join(", ");
  return (
    <Banner tone={equal ? "info" : "warning"} icon={equal ? "verified" : "warning"}>
      {equal
        ? `Repeats ${of}: ${plain(rows, 0)} rows and every figure are equal, byte for byte.`
        : `Repeats ${of}, and differs first in ${place}: ${difference?.stored} then, ${difference?.repeated} now.`}
      {changed.length > 0 ? ` Not as it was then: ${changed.join("; ")}.` : ""}
    </Banner>
  );
}

/** A run that traded nothing says why: that is its result. */
function NoTrades({ run, onOrders }: { run: Run; onOrders: () => void }) {
  const { outcome } = run.result!;
  return (
    <section className="no-trades" aria-label="Why nothing was traded">
      <h2>{outcome.noTrades}</h2>
      {outcome.orders > 0 ? (
        <p>
          {plain(outcome.orders, 0)} orders: {plain(outcome.accepted, 0)} accepted, {plain(outcome.filled, 0)} filled, {plain(outcome.denied, 0)} denied,{" "}
          {plain(outcome.rejected, 0)} rejected, {plain(outcome.cancelled, 0)} cancelled, {plain(outcome.open, 0)} still open.{" "}
          <button type="button" className="link" onClick={onOrders}>
            Show orders
          </button>
        </p>
      ) : null}
      {outcome.reasons.length > 0 ? (
        <ul>
          {outcome.reasons.map(({ kind, reason, count, example }) => (
            <li key={`${kind} ${reason}`} title={example}>
              {plain(count, 0)} × {kind}: {reason}
            </li>
          ))}
        </ul>
      ) : null}
      <dl>
        {outcome.seen.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Assumptions({ run }: { run: Run }) {
  const { assumptions, versions } = run.result!;
  const all = [
    ...assumptions.map(({ label, value }) => [label, value] as const),
    ...Object.entries(versions),
    ["Run", run.id] as const,
    [
      "Code",
      [run.code?.hash ?? run.codeHash ?? "–", ...(run.code?.commit ? [`commit ${run.code.commit}`] : []), ...(run.code?.dirty ? ["with changes"] : [])].join(
        ", ",
      ),
    ] as const,
    ["Spec", run.specHash ?? "–"] as const,
    ...marksOf(run).map(({ word, means }) => [`${word.charAt(0).toUpperCase()}${word.slice(1)}`, means] as const),
  ];
  return (
    <dl className="facts">
      {all.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A run that ended without a result. */
export function Ended({ error, again }: { error: ErrorBody | null; again: () => void }) {
  if (error) return <Failure error={error} retry={again} />;
  return (
    <Empty icon="circle-slash" title="The run was cancelled">
      Nothing was stored.
    </Empty>
  );
}

/** A whole table, instants in UTC as ISO 8601. */
function tableFile(table: Columns): Uint8Array<ArrayBuffer> {
  const { names } = table;
  const kinds = names.map((name) => table.kind(name));
  const instant = (at: number) => (Number.isNaN(at) ? null : new Date(at).toISOString());
  const cell = (name: string, kind: (typeof kinds)[number], row: number) =>
    kind === "text" ? table.textAt(name, row) : kind === "instant" ? instant(table.numberAt(name, row)) : table.numberAt(name, row);
  return csvFile(
    names,
    table.indices().map((row) => names.map((name, index) => cell(name, kinds[index]!, row))),
  );
}

/** What was run, and what came of it: every run there is, newest first, while they happen. */
import { useCallback, useMemo, useState } from "react";
import { type PageState, type RunSummary, TinoError } from "#contracts";
import { useCall, useLive, useTell, useTransport } from "../../engine.tsx";
import { ago, fileName, number, percent, plain } from "../../format.ts";
import { Button, ToolButton } from "../../parts/Button.tsx";
import { type Column, DataTable } from "../../parts/DataTable.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { LabelBar, Tags } from "../../parts/labels.tsx";
import { Marks } from "../../parts/Marks.tsx";
import { isActive, STATUS_WORDS } from "../../parts/runStatus.ts";
import { Signed } from "../../parts/Signed.tsx";
import { Sparkline } from "../../parts/Sparkline.tsx";
import { Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { useNow } from "../../parts/useNow.ts";
import "./runs.css";

const MOST = 1_000;

export function Runs({ open }: { open: (state: PageState) => void }) {
  const transport = useTransport();
  const tell = useTell();
  const fetched = useCall("listRuns", { query: { limit: MOST } });
  const live = useLive((state) => state.runs);
  const now = useNow();
  const [words, setWords] = useState("");
  const [status, setStatus] = useState<string | null>(null);
  const [tag, setTag] = useState<string | null>(null);
  const [selected, setSelected] = useState<string | null>(null);
  /** Runs that are marked for something to be done with all of them. */
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const mark = useCallback(
    (id: string) =>
      setMarked((now) => {
        const next = new Set(now);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );

  const all = useMemo(() => {
    const runs = new Map((fetched.data?.runs ?? []).map((run) => [run.id, run]));
    for (const run of live.values()) runs.set(run.id, run);
    return [...runs.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  }, [fetched.data, live]);
  const shown = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return all.filter(
      (run) => (status === null || run.status === status) && (tag === null || run.tags.includes(tag)) && wanted.every((word) => textOf(run).includes(word)),
    );
  }, [all, words, status, tag]);
  const tags = useMemo(() => [...new Set(all.flatMap((run) => run.tags))].sort((a, b) => a.localeCompare(b, "en")), [all]);
  const statuses = useMemo(() => {
    const counts = new Map<RunSummary["status"], number>();
    for (const run of all) counts.set(run.status, (counts.get(run.status) ?? 0) + 1);
    return [...counts];
  }, [all]);

  const columns = useMemo<Column<RunSummary>[]>(() => {
    const figure = (
      id: string,
      heading: string,
      width: number,
      value: (run: RunSummary) => number | null | undefined,
      text: (value: number | null) => string,
    ): Column<RunSummary> => ({
      id,
      heading,
      width,
      figure: true,
      value: (run) => value(run) ?? null,
      cell: (run) => text(value(run) ?? null),
    });
    return [
      {
        id: "mark",
        heading: "",
        title: "Mark runs to compare, label or delete them",
        width: 34,
        sortable: false,
        value: () => null,
        cell: (run) => (
          <input
            type="checkbox"
            aria-label={`Mark the run of ${run.name} on ${run.symbols.join(", ")}`}
            checked={marked.has(run.id)}
            onClick={(event) => event.stopPropagation()}
            onDoubleClick={(event) => event.stopPropagation()}
            onChange={() => mark(run.id)}
          />
        ),
      },
      {
        id: "created",
        heading: "When",
        width: 104,
        // What is pinned stands above everything else, in its own order.
        value: (run) => run.createdAt + (run.pinned ? PINNED_FIRST : 0),
        cell: (run) => <span title={new Date(run.createdAt).toLocaleString("en-GB")}>{ago(run.createdAt, now)}</span>,
      },
      {
        id: "name",
        heading: "Strategy",
        width: 148,
        value: (run) => run.name,
        cell: (run) => (
          <span title={run.path}>
            {run.pinned ? <Icon name="pinned" /> : null} {run.name}
          </span>
        ),
      },
      {
        id: "symbols",
        heading: "Symbols",
        width: 104,
        value: (run) => run.symbols.join(", "),
        cell: (run) => <span title={run.symbols.join(", ")}>{run.symbols.join(", ")}</span>,
      },
      {
        id: "range",
        heading: "Range",
        width: 176,
        value: (run) => run.from ?? "",
        cell: (run) => (run.from === null && run.to === null ? "All data" : `${run.from ?? "start"} – ${run.to ?? "end"}`),
      },
      { id: "parameters", heading: "Parameters", value: (run) => parametersOf(run), cell: (run) => <span title={parametersOf(run)}>{parametersOf(run)}</span> },
      {
        id: "labels",
        heading: "Tags and note",
        width: 150,
        value: (run) => run.tags.join(", ") || run.note || null,
        cell: (run) => (
          <span title={[run.tags.join(", "), run.note].filter(Boolean).join("\n") || undefined}>
            <Tags tags={run.tags} /> <span className="muted">{run.note}</span>
          </span>
        ),
      },
      {
        id: "equity",
        heading: "Equity",
        width: 104,
        sortable: false,
        value: () => null,
        cell: (run) => (isActive(run) ? <RunProgressCell run={run} /> : <Sparkline points={run.sparkline} />),
      },
      {
        ...figure(
          "return",
          "Return",
          92,
          (run) => run.metrics?.totalReturn,
          () => "",
        ),
        title: "Final equity over starting balance, minus one",
        cell: (run) => <Signed value={run.metrics?.totalReturn ?? Number.NaN} text={percent(run.metrics?.totalReturn, 1, true)} />,
      },
      figure(
        "sharpe",
        "Sharpe",
        76,
        (run) => run.metrics?.sharpe,
        (value) => number(value),
      ),
      figure(
        "drawdown",
        "Drawdown",
        96,
        (run) => run.metrics?.maxDrawdown,
        (value) => percent(value),
      ),
      figure(
        "trades",
        "Trades",
        76,
        (run) => run.metrics?.trades,
        (value) => plain(value, 0),
      ),
      {
        id: "status",
        heading: "Status",
        width: 132,
        value: (run) => run.status,
        cell: (run) => (
          <span className="run-status" data-status={run.status} title={run.error?.message ?? run.noTrades ?? undefined}>
            {run.status === "finished" && run.noTrades ? "No trades" : STATUS_WORDS[run.status]}
            <Marks run={run} />
            {isActive(run) ? (
              <ToolButton
                icon="debug-stop"
                label="Cancel this run"
                onClick={(event) => {
                  event.stopPropagation();
                  transport.call("cancelRun", { path: { id: run.id } }).catch((error: unknown) => {
                    // It may have ended while the button was on its way down.
                    if (!TinoError.is(error, "run_already_ended")) tell(error);
                  });
                }}
              />
            ) : null}
          </span>
        ),
      },
    ];
  }, [now, transport, tell, marked, mark]);

  if (fetched.error && all.length === 0) return <Failure error={fetched.error.body} retry={() => void fetched.refetch()} />;
  if (fetched.isPending && all.length === 0) return <Skeleton label="Loading runs" lines={12} />;
  const toBacktest = () => open({ page: "backtest", run: null, path: null, name: null });
  if (all.length === 0) {
    return (
      <Empty
        icon="history"
        title="Nothing has been run yet"
        actions={
          <Button look="primary" icon="play" onClick={toBacktest}>
            Run a backtest
          </Button>
        }
      >
        Every run is kept here with its figures, from the editor, the terminal and the browser alike.
      </Empty>
    );
  }
  const openRun = (run: RunSummary) => open({ page: "backtest", run: run.id, path: run.path, name: run.name });
  const ofMarks = all.filter(({ id }) => marked.has(id));
  const chosen = ofMarks.length > 0 ? ofMarks : all.filter(({ id }) => id === selected);
  // The oldest first: it is what the later ones are held against.
  const compare = () => open({ page: "compare", run: null, path: null, name: null, runs: chosen.map(({ id }) => id).reverse() });
  return (
    <main className="runs">
      <div className="filter" role="toolbar" aria-label="Filter runs">
        <input
          type="search"
          aria-label="Filter runs"
          placeholder="Filter by strategy, symbol, parameter, tag or note"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <span className="segmented">
          <button type="button" aria-pressed={status === null} onClick={() => setStatus(null)}>
            All {plain(all.length)}
          </button>
          {statuses.map(([name, count]) => (
            <button key={name} type="button" aria-pressed={status === name} onClick={() => setStatus(name)}>
              {STATUS_WORDS[name]} {plain(count)}
            </button>
          ))}
        </span>
        {tags.length > 0 ? (
          <select aria-label="Tag" value={tag ?? ""} onChange={(event) => setTag(event.target.value || null)}>
            <option value="">All tags</option>
            {tags.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        ) : null}
        <span className="muted runs-count">
          {plain(shown.length)} shown{fetched.data?.more ? `, the newest ${plain(MOST)} of more` : ""}
        </span>
        <Button icon="go-to-file" disabled={selected === null} onClick={() => all.filter(({ id }) => id === selected).forEach(openRun)}>
          Open
        </Button>
      </div>
      <DataTable
        label="Runs"
        columns={columns}
        rows={shown}
        keyOf={runKey}
        selected={selected}
        sorted={NEWEST}
        onSelect={(run) => setSelected(run.id)}
        onOpen={openRun}
        toneOf={(run) => (run.status === "finished" ? null : "muted")}
      />
      {chosen.length > 0 ? (
        <LabelBar
          runs={chosen}
          compare={compare}
          done={() => {
            setMarked(new Set());
            setSelected(null);
          }}
        />
      ) : null}
    </main>
  );
}

/** More milliseconds than any run is old. */
const PINNED_FIRST = 8.64e15;
const NEWEST = { id: "created", descending: true } as const;
const runKey = (run: RunSummary): string => run.id;

function parametersOf(run: RunSummary): string {
  const data = new Set([...run.symbols, ...run.barTypes]);
  return Object.entries(run.parameters)
    .filter(([, value]) => !(typeof value === "string" && data.has(value)) && !Array.isArray(value))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");
}

const textOf = (run: RunSummary): string =>
  `${run.name} ${fileName(run.path)} ${run.symbols.join(" ")} ${parametersOf(run)} ${run.status} ${run.tags.join(" ")} ${run.note}`.toLowerCase();

function RunProgressCell({ run }: { run: RunSummary }) {
  const progress = run.progress;
  const share = progress && progress.barsTotal > 0 ? progress.barsDone / progress.barsTotal : 0;
  return (
    <span
      className="cell-progress"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      title={`${plain(progress?.barsDone ?? 0, 0)} of ${plain(progress?.barsTotal ?? 0, 0)} bars`}
    >
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}

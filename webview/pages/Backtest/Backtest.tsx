/** What would this strategy have done? */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { ErrorBody, PageState, Run, RunSummary, Strategy, SymbolList, TinoError } from "#contracts";
import { periodOf } from "../../chart/runShape.ts";
import { asTinoError, useCall, useConnection, useLive, useLiveRun, useTransport } from "../../engine.tsx";
import { ago, duration } from "../../format.ts";
import { Button, ToolButton } from "../../parts/Button.tsx";
import { ExportMenu } from "../../parts/ExportMenu.tsx";
import { ImportSample } from "../../parts/ImportSample.tsx";
import { PinButton } from "../../parts/labels.tsx";
import { Marks } from "../../parts/Marks.tsx";
import { isActive } from "../../parts/runStatus.ts";
import { Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { useNow } from "../../parts/useNow.ts";
import { History } from "./History.tsx";
import { Progress } from "./Progress.tsx";
import { Ended, Results } from "./Results.tsx";
import { check, type Draft, draftOf, emptyDraft, requestOf } from "./request.ts";
import { Setup, strategyKey } from "./Setup.tsx";
import "./backtest.css";

interface Props {
  readonly state: PageState;
  readonly go: (state: PageState) => void;
  /** Say more about what is shown already. */
  readonly amend: (state: PageState) => void;
}

const HISTORY = 30;
const NOT_CHOSEN = { path: "", name: null } as const;

export function Backtest({ state, go, amend }: Props) {
  const transport = useTransport();
  const connection = useConnection();
  const symbols = useCall("listSymbols", {});
  const strategies = useCall("listStrategies", {}, { staleTime: 0 });
  const shown = useShownRun(state, amend);
  const wanted = wantedStrategy(state, shown.summary);
  const { strategy, error: strategyError } = useStrategy(wanted, strategies.data?.strategies);
  const runs = useStrategyRuns(wanted);
  const form = useDraft(strategy, shown, symbols.data);
  const [starting, setStarting] = useState(false);
  const [refusal, setRefusal] = useState<ErrorBody | null>(null);
  const [cancelling, setCancelling] = useState<string | null>(null);
  const [folded, setFolded] = useState(() => isNarrow() && state.run !== null);

  const active = shown.summary !== null && isActive(shown.summary);
  const errors = useMemo(() => {
    const found = strategy && form.draft ? check(form.draft, strategy) : new Map<string, ErrorBody>();
    if (refusal?.field && !found.has(fieldOf(refusal.field))) found.set(fieldOf(refusal.field), refusal);
    return found;
  }, [strategy, form.draft, refusal]);

  const run = async (cache = true) => {
    if (!strategy || !form.draft || starting || active) return;
    if (check(form.draft, strategy).size > 0) return;
    setStarting(true);
    setRefusal(null);
    try {
      const started = await transport.call("startBacktest", { body: { ...requestOf(form.draft, strategy), cache } });
      form.set(form.draft, started.id);
      shown.remember(started);
      setFolded(isNarrow());
      go({ page: "backtest", run: started.id, path: strategy.path, name: strategy.name });
    } catch (error) {
      setRefusal(asTinoError(error).body);
    } finally {
      setStarting(false);
    }
  };
  const cancel = async (id: string) => {
    setCancelling(id);
    try {
      await transport.call("cancelRun", { path: { id } });
    } catch (error) {
      const { body } = asTinoError(error);
      // It may have ended while the button was on its way down.
      if (body.code !== "run_already_ended") setRefusal(body);
    } finally {
      setCancelling(null);
    }
  };

  const reproduce = async (id: string) => {
    try {
      const started = await transport.call("reproduceRun", { path: { id } });
      shown.remember(started);
      go({ page: "backtest", run: started.id, path: started.path, name: started.name });
    } catch (error) {
      setRefusal(asTinoError(error).body);
    }
  };

  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void latest.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  if (symbols.data && symbols.data.symbols.length === 0 && !shown.summary) {
    return (
      <Empty icon="database" title="No market data yet" actions={<ImportSample />}>
        A backtest needs bars to run on. The sample holds daily prices of five US stocks, 2000 to 2013, with their splits and dividends.
      </Empty>
    );
  }
  const failed = symbols.error ?? strategies.error;
  if (failed && !strategies.data && !shown.summary)
    return <Failure error={failed.body} retry={() => void Promise.all([symbols.refetch(), strategies.refetch()])} />;

  const wrong = [...errors.keys()].length > 0;
  const offline = connection === "lost" || connection === "expired";
  const action = (
    <>
      {active && shown.summary ? (
        <Button icon="debug-stop" look="primary" disabled={cancelling !== null} onClick={() => void cancel(shown.summary!.id)}>
          Cancel
        </Button>
      ) : (
        <Button
          icon={starting ? "loading" : "play"}
          spin={starting}
          look="primary"
          disabled={!strategy || !form.draft || starting || wrong || offline}
          onClick={() => void run()}
          title="Ctrl+Enter"
        >
          Run backtest
        </Button>
      )}
      <kbd>{navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl"}+Enter</kbd>
    </>
  );
  return (
    <div className="backtest" data-folded={folded}>
      <aside className="backtest-form" aria-label="Set-up">
        <button type="button" className="fold" aria-expanded={!folded} onClick={() => setFolded(!folded)}>
          <span className={`codicon codicon-chevron-${folded ? "right" : "down"}`} aria-hidden="true" />
          <span>{folded && strategy ? `${strategy.name} · ${form.draft?.symbols.join(", ") ?? ""}` : "Set-up"}</span>
        </button>
        {strategies.isPending || symbols.isPending ? (
          <Skeleton label="Loading strategies" lines={9} />
        ) : (
          <Setup
            strategies={strategies.data}
            strategy={strategy}
            problem={strategyError?.body ?? null}
            symbols={symbols.data?.symbols ?? []}
            draft={form.draft}
            errors={errors}
            onStrategy={(chosen) => {
              setRefusal(null);
              go({ page: "backtest", run: null, path: chosen.path, name: chosen.name });
            }}
            onDraft={(draft) => {
              setRefusal(null);
              form.set(draft);
            }}
            action={action}
          />
        )}
        {wanted ? (
          <History
            runs={runs}
            strategy={strategy}
            shown={shown.summary?.id ?? null}
            onOpen={(chosen) => {
              setRefusal(null);
              setFolded(isNarrow());
              go({ page: "backtest", run: chosen.id, path: chosen.path, name: chosen.name });
            }}
          />
        ) : null}
      </aside>
      <main className="backtest-main">
        {refusal && !refusal.field ? <Failure error={refusal} retry={() => void run()} /> : null}
        {starting || active ? <Progress run={starting ? null : shown.summary} cancelling={cancelling !== null} /> : null}
        <Outcome
          shown={shown}
          strategy={strategy}
          strategies={strategies.data?.strategies}
          busy={starting || active}
          again={(cache) => void run(cache)}
          reproduce={(id) => void reproduce(id)}
          onStrategy={(chosen) => go({ page: "backtest", run: null, path: chosen.path, name: chosen.name })}
        />
      </main>
    </div>
  );
}

/** `parameters.fast` and `fast` are the same field. */
const fieldOf = (field: string): string => field.replace(/^parameters\./, "");

interface OutcomeProps {
  readonly shown: Shown;
  readonly strategy: Strategy | undefined;
  readonly strategies: readonly Strategy[] | undefined;
  readonly busy: boolean;
  /** Run what the form says; without the cache even if it was run before. */
  readonly again: (cache?: boolean) => void;
  readonly reproduce: (id: string) => void;
  readonly onStrategy: (strategy: Strategy) => void;
}

function Outcome({ shown, strategy, strategies, busy, again, reproduce, onStrategy }: OutcomeProps) {
  const now = useNow();
  const { summary, full, previous, error, retry } = shown;
  if (error) return <Failure error={error.body} retry={retry} />;
  if (summary === null) {
    if (busy || !shown.settled) return <Skeleton label={busy ? "Starting" : "Loading"} lines={10} />;
    if (strategy) {
      return (
        <Empty icon="graph-line" title={`${strategy.name} has not been run yet`}>
          Choose symbol and parameters, then run it. The result appears here and is kept.
        </Empty>
      );
    }
    return strategies?.length === 0 ? (
      <Empty icon="file-code" title="No strategy found">
        A strategy is a Python class derived from nautilus_trader.trading.Strategy. Open a folder with one in the editor and trust it, or run{" "}
        <code>tino backtest file.py</code> in a terminal.
      </Empty>
    ) : (
      <Choose strategies={strategies ?? []} onStrategy={onStrategy} />
    );
  }
  if (summary.status === "failed" || summary.status === "cancelled" || summary.status === "interrupted") {
    return <Ended error={summary.status === "cancelled" ? null : summary.error} again={() => again()} />;
  }
  const result = full?.result ? full : previous;
  if (!result?.result) return <Skeleton label={busy ? "Running" : "Loading the result"} lines={10} />;
  const old = result.id !== summary.id;
  return (
    <>
      <header className="run-head">
        <h2>
          {result.name} <span className="muted">on</span> {result.symbols.join(", ")}
        </h2>
        <span className="muted">
          {periodOf(result)} · {ago(result.createdAt, now)} · took {duration(result.result.elapsedMs)}
        </span>
        {old ? <span className="badge">Previous run</span> : <Marks run={summary} />}
        {!old && summary.cachedFrom ? (
          <button type="button" className="link" disabled={busy} onClick={() => again(false)}>
            Run it anyway
          </button>
        ) : null}
        <span className="run-head-tools">
          {old ? null : (
            <ToolButton icon="verified" label="Reproduce: repeat with the code it ran, and compare" disabled={busy} onClick={() => reproduce(result.id)} />
          )}
          <PinButton run={result} />
          <ExportMenu run={result} />
        </span>
      </header>
      <Results run={result} old={old} />
    </>
  );
}

/** A first visit: what there is to run. */
function Choose({ strategies, onStrategy }: { strategies: readonly Strategy[]; onStrategy: (strategy: Strategy) => void }) {
  return (
    <div className="empty">
      <h2>Choose a strategy</h2>
      <p>It is run over stored bars; fills, equity and every figure appear here.</p>
      <ul className="choose">
        {strategies.map((strategy) => (
          <li key={strategyKey(strategy)}>
            <button type="button" onClick={() => onStrategy(strategy)}>
              <strong>{strategy.name}</strong>
              {strategy.description ? <span>{strategy.description}</span> : null}
              <span className="muted">{strategy.path}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Shown {
  readonly summary: RunSummary | null;
  /** With its result, once fetched. */
  readonly full: Run | null;
  /** The last result of the same strategy, shown until the new one is there. */
  readonly previous: Run | null;
  /** It is known what to show: a run with what it was asked, or that there is none. */
  readonly settled: boolean;
  readonly error: TinoError | null;
  readonly retry: () => void;
  /** The engine's answer to a start: known before any event tells of it. */
  readonly remember: (run: RunSummary) => void;
}

/** The run the page is about: the one in its address, else the newest of the strategy. */
function useShownRun(state: PageState, amend: (state: PageState) => void): Shown {
  const queries = useQueryClient();
  const [started, setStarted] = useState<RunSummary | null>(null);
  const newest = useCall("listRuns", { query: { limit: 1, path: state.path, name: state.name } }, { enabled: state.run === null && state.path !== null });
  const id = state.run ?? newest.data?.runs[0]?.id ?? null;
  const live = useLiveRun(id);
  const { data, error, refetch } = useCall("getRun", { path: { id: id ?? "" } }, { enabled: id !== null });
  const previous = useRef<Run | null>(null);
  const full = data?.id === id ? (data ?? null) : null;
  useEffect(() => {
    if (full?.result) previous.current = full;
  }, [full]);
  const summary = live ?? full ?? (started?.id === id ? started : null);
  useEffect(() => {
    // An address may name a run alone; the strategy it belongs to completes it.
    if (summary && state.run !== null && state.path === null) amend({ ...state, path: summary.path, name: summary.name });
  }, [summary, state, amend]);
  const kept = previous.current;
  return {
    summary,
    full,
    previous: summary && kept && kept.path === summary.path && kept.name === summary.name ? kept : null,
    settled: id === null ? state.path === null || !newest.isPending : full !== null || error !== null,
    error: full ? null : error,
    retry: () => void refetch(),
    remember: (run) => {
      setStarted(run);
      void queries.invalidateQueries({ queryKey: ["listRuns"] });
    },
  };
}

/** Which strategy the page is about: by its address, else by the run that it shows. */
function wantedStrategy(state: PageState, run: RunSummary | null): { readonly path: string; readonly name: string | null } | null {
  if (state.path !== null) return { path: state.path, name: state.name };
  return run && { path: run.path, name: run.name };
}

/** That strategy as its file stands now. */
function useStrategy(
  wanted: ReturnType<typeof wantedStrategy>,
  known: readonly Strategy[] | undefined,
): { strategy: Strategy | undefined; error: TinoError | null } {
  const listed = wanted ? known?.find(({ path, name }) => path === wanted.path && (wanted.name === null || name === wanted.name)) : undefined;
  // The editor may ask for a file that the search does not reach, or whose class was just renamed.
  const asked = useCall(
    "getStrategySchema",
    { query: wanted ?? NOT_CHOSEN },
    { enabled: wanted !== null && known !== undefined && listed === undefined, staleTime: 0 },
  );
  const strategy = listed ?? asked.data;
  return { strategy, error: strategy ? null : asked.error };
}

/** Runs of a strategy, newest first: those fetched, with what was heard of them since. */
function useStrategyRuns(wanted: ReturnType<typeof wantedStrategy>): RunSummary[] {
  const { path, name } = wanted ?? NOT_CHOSEN;
  const fetched = useCall("listRuns", { query: { limit: HISTORY, path, name } }, { enabled: wanted !== null });
  const live = useLive((state) => state.runs);
  return useMemo(() => {
    const all = new Map((fetched.data?.runs ?? []).map((run) => [run.id, run]));
    for (const run of live.values()) if (run.path === path && (name === null || run.name === name)) all.set(run.id, run);
    return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, HISTORY);
  }, [path, name, fetched.data, live]);
}

interface Typed {
  /** The run that was shown while it was typed; another run brings its own values. */
  readonly run: string | null;
  readonly draft: Draft;
}

/** The form: what was typed, else what the shown run was asked, else the defaults. */
function useDraft(strategy: Strategy | undefined, shown: Shown, symbols: SymbolList | undefined) {
  const transport = useTransport();
  const key = strategy ? `draft ${strategyKey(strategy)}` : null;
  const id = shown.summary?.id ?? null;
  const { full, settled } = shown;
  const [typed, setTyped] = useState<(Typed & { readonly key: string }) | null>(null);
  const draft = useMemo(() => {
    if (!strategy || !key || !symbols) return null;
    const kept = typed?.key === key ? typed : (transport.recall(key) as Typed | undefined);
    if (kept && kept.run === id) return kept.draft;
    if (!settled) return null;
    return full && full.path === strategy.path && full.name === strategy.name ? draftOf(full, strategy) : emptyDraft(symbols.symbols);
  }, [strategy, key, symbols, typed, id, full, settled, transport]);
  return {
    draft,
    set: (next: Draft, run: string | null = id) => {
      if (key === null) return;
      setTyped({ key, run, draft: next });
      transport.remember(key, { run, draft: next } satisfies Typed);
    },
  };
}

/** The form lies above the result and not beside it (see backtest.css). */
const isNarrow = (): boolean => matchMedia("(max-width: 860px)").matches;

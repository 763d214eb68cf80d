/** What would this strategy have done? */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import type { ErrorBody, PageState, Run, RunSummary, Strategy, SymbolList, TinoError } from "#contracts";
import { asTinoError, useCall, useConnection, useLive, useLiveRun, useTransport } from "../../engine.tsx";
import { ago, duration } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { ImportSample } from "../../parts/ImportSample.tsx";
import { Banner, Empty, Failure, Skeleton } from "../../parts/states.tsx";
import { History, useNow } from "./History.tsx";
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

const ACTIVE = new Set(["queued", "running"]);
const HISTORY = 30;
const NOT_CHOSEN = { path: "", name: null } as const;

export function Backtest({ state, go, amend }: Props) {
  const transport = useTransport();
  const connection = useConnection();
  const symbols = useCall("listSymbols", {});
  const strategies = useCall("listStrategies", {}, { staleTime: 0 });
  const shown = useShownRun(state, amend);
  const { strategy, error: strategyError } = useStrategy(state, shown.summary, strategies.data?.strategies);
  const runs = useStrategyRuns(strategy);
  const form = useDraft(strategy, shown.full, runs.find((run) => run.status === "finished") ?? runs[0], symbols.data);
  const [starting, setStarting] = useState(false);
  const [refusal, setRefusal] = useState<ErrorBody | null>(null);
  const [cancelling, setCancelling] = useState<string | null>(null);
  const [folded, setFolded] = useState(false);

  const active = shown.summary !== null && ACTIVE.has(shown.summary.status);
  const errors = useMemo(() => {
    const found = strategy && form.draft ? check(form.draft, strategy) : new Map<string, ErrorBody>();
    if (refusal?.field && !found.has(fieldOf(refusal.field))) found.set(fieldOf(refusal.field), refusal);
    return found;
  }, [strategy, form.draft, refusal]);

  const run = async () => {
    if (!strategy || !form.draft || starting || active) return;
    if (check(form.draft, strategy).size > 0) return;
    setStarting(true);
    setRefusal(null);
    try {
      const started = await transport.call("startBacktest", { body: requestOf(form.draft, strategy) });
      form.keep();
      shown.remember(started);
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
  if (failed && !strategies.data && !shown.summary) return <Failure error={failed.body} retry={() => void Promise.all([symbols.refetch(), strategies.refetch()])} />;

  const wrong = [...errors.keys()].length > 0;
  const offline = connection === "lost" || connection === "expired";
  const action = (
    <>
      {active && shown.summary ? (
        <Button icon="debug-stop" look="primary" disabled={cancelling !== null} onClick={() => void cancel(shown.summary!.id)}>
          Cancel
        </Button>
      ) : (
        <Button icon={starting ? "loading" : "play"} spin={starting} look="primary" disabled={!strategy || !form.draft || starting || wrong || offline} onClick={() => void run()} title="Ctrl+Enter">
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
          {folded && strategy ? `${strategy.name} · ${form.draft?.symbols.join(", ") ?? ""}` : "Set-up"}
        </button>
        {strategies.isPending || symbols.isPending ? (
          <Skeleton label="Loading strategies" lines={9} />
        ) : (
          <Setup
            strategies={strategies.data}
            strategy={strategy}
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
        {strategy ? <History runs={runs} strategy={strategy} shown={shown.summary?.id ?? null} onOpen={(chosen) => {
          form.forget();
          setRefusal(null);
          go({ page: "backtest", run: chosen.id, path: chosen.path, name: chosen.name });
        }} /> : null}
      </aside>
      <main className="backtest-main">
        {strategyError && !strategy ? <Failure error={strategyError.body} /> : null}
        {refusal && !refusal.field ? <Failure error={refusal} retry={() => void run()} /> : null}
        {starting || active ? <Progress run={starting ? null : shown.summary} cancelling={cancelling !== null} onCancel={active && shown.summary ? () => void cancel(shown.summary!.id) : null} /> : null}
        <Outcome shown={shown} strategy={strategy} noStrategies={strategies.data?.strategies.length === 0} busy={starting || active} again={() => void run()} />
      </main>
    </div>
  );
}

/** `parameters.fast` and `fast` are the same field. */
const fieldOf = (field: string): string => field.replace(/^parameters\./, "");

interface OutcomeProps {
  readonly shown: Shown;
  readonly strategy: Strategy | undefined;
  readonly noStrategies: boolean;
  readonly busy: boolean;
  readonly again: () => void;
}

function Outcome({ shown, strategy, noStrategies, busy, again }: OutcomeProps) {
  const now = useNow();
  const { summary, full, previous, error, retry } = shown;
  if (error) return <Failure error={error.body} retry={retry} />;
  if (summary === null) {
    if (noStrategies) {
      return (
        <Empty icon="file-code" title="No strategy found">
          A strategy is a Python class derived from nautilus_trader.trading.Strategy, in a folder that is trusted in the editor or open in a terminal.
        </Empty>
      );
    }
    if (busy) return <Skeleton label="Starting" lines={10} />;
    return strategy ? (
      <Empty icon="graph-line" title={`${strategy.name} has not been run yet`}>
        Choose symbol and parameters, then run it. The result appears here and is kept.
      </Empty>
    ) : (
      <Empty icon="graph-line" title="Choose a strategy" actions={<Button icon="list-selection" look="primary" onClick={() => document.querySelector<HTMLInputElement>(".setup input[role=combobox]")?.click()}>Choose a strategy</Button>}>
        It is run over stored bars; fills, equity and every figure appear here.
      </Empty>
    );
  }
  if (summary.status === "failed" || summary.status === "cancelled" || summary.status === "interrupted") {
    return <Ended error={summary.status === "cancelled" ? null : summary.error} again={again} />;
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
          {result.from ?? "start"} – {result.to ?? "end"} of the data · {ago(result.createdAt, now)} · took {duration(result.result.elapsedMs)}
        </span>
        {old ? <span className="badge">Previous run</span> : null}
      </header>
      <Results run={result} old={old} />
    </>
  );
}

interface Shown {
  readonly summary: RunSummary | null;
  /** With its result, once fetched. */
  readonly full: Run | null;
  /** The last result of the same strategy, shown until the new one is there. */
  readonly previous: Run | null;
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
    error: full ? null : error,
    retry: () => void refetch(),
    remember: (run) => {
      setStarted(run);
      void queries.invalidateQueries({ queryKey: ["listRuns"] });
    },
  };
}

/** The strategy the page is about, as its file stands now. */
function useStrategy(state: PageState, run: RunSummary | null, known: readonly Strategy[] | undefined): { strategy: Strategy | undefined; error: TinoError | null } {
  const wanted = state.path !== null ? { path: state.path, name: state.name } : run ? { path: run.path, name: run.name } : null;
  const listed = wanted ? known?.find(({ path, name }) => path === wanted.path && (wanted.name === null || name === wanted.name)) : undefined;
  // The editor may ask for a file that the search does not reach, or whose class was just renamed.
  const asked = useCall("getStrategySchema", { query: wanted ?? NOT_CHOSEN }, { enabled: wanted !== null && known !== undefined && listed === undefined, staleTime: 0 });
  return { strategy: listed ?? asked.data, error: asked.error };
}

/** Runs of a strategy, newest first: those fetched, with what was heard of them since. */
function useStrategyRuns(strategy: Strategy | undefined): RunSummary[] {
  const fetched = useCall("listRuns", { query: { limit: HISTORY, path: strategy?.path ?? null, name: strategy?.name ?? null } }, { enabled: strategy !== undefined });
  const live = useLive((state) => state.runs);
  return useMemo(() => {
    if (!strategy) return [];
    const all = new Map((fetched.data?.runs ?? []).map((run) => [run.id, run]));
    for (const run of live.values()) if (run.path === strategy.path && run.name === strategy.name) all.set(run.id, run);
    return [...all.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, HISTORY);
  }, [strategy, fetched.data, live]);
}

/** The form: what was typed, else the shown run's values, else those of the last run, else the defaults. */
function useDraft(strategy: Strategy | undefined, run: Run | null, last: RunSummary | undefined, symbols: SymbolList | undefined) {
  const transport = useTransport();
  const key = strategy ? `draft ${strategyKey(strategy)}` : null;
  const [typed, setTyped] = useState<{ key: string; draft: Draft } | null>(null);
  const draft = useMemo(() => {
    if (!strategy || !key || !symbols) return null;
    if (typed?.key === key) return typed.draft;
    const recalled = transport.recall(key) as Draft | null | undefined;
    if (recalled) return recalled;
    const base = run && run.path === strategy.path && run.name === strategy.name ? run : last;
    return base ? draftOf(base, strategy) : emptyDraft(symbols.symbols);
  }, [strategy, key, symbols, typed, run, last, transport]);
  const put = (next: Draft | null) => {
    if (key === null) return;
    setTyped(next && { key, draft: next });
    transport.remember(key, next);
  };
  return {
    draft,
    set: (next: Draft) => put(next),
    /** The form is what was run: keep showing it until that run is there to read from. */
    keep: () => draft && put(draft),
    forget: () => put(null),
  };
}

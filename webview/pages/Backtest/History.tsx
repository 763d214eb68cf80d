/** Earlier runs of the same strategy, small: when, what was changed, what came of it. */
import { useEffect, useState } from "react";
import type { RunSummary, Strategy } from "#contracts";
import { ago, number, percent } from "../../format.ts";
import { Sparkline } from "../../parts/Sparkline.tsx";
import { changesOf } from "./request.ts";

interface Props {
  readonly runs: readonly RunSummary[];
  /** For what its defaults are; unknown when its file cannot be read now. */
  readonly strategy: Strategy | undefined;
  readonly shown: string | null;
  readonly onOpen: (run: RunSummary) => void;
}

/** The time, told again every half minute. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export const STATUS_WORDS = {
  queued: "Queued",
  running: "Running",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
} as const;

export function History({ runs, strategy, shown, onOpen }: Props) {
  const now = useNow();
  if (runs.length === 0) return null;
  return (
    <section className="history" aria-label="Earlier runs">
      <h3>Earlier runs</h3>
      <ul>
        {runs.map((run) => {
          const changes = changesOf(run, strategy);
          const value = run.metrics?.totalReturn ?? null;
          return (
            <li key={run.id}>
              <button
                type="button"
                aria-current={run.id === shown}
                onClick={() => onOpen(run)}
                title={`${new Date(run.createdAt).toLocaleString("en-GB")} · ${changes || "defaults"}`}
              >
                <span className="history-what">
                  <span>{changes || "Defaults"}</span>
                  <span className="muted">
                    {run.symbols.join(", ")} · {ago(run.createdAt, now)}
                  </span>
                </span>
                <Sparkline points={run.sparkline} width={48} />
                <span className="history-result">
                  {run.status === "finished" ? (
                    <>
                      <span data-tone={value === null ? undefined : value >= 0 ? "gain" : "loss"}>{percent(value, 1, true)}</span>
                      <span className="muted">Sharpe {number(run.metrics?.sharpe)}</span>
                    </>
                  ) : (
                    <span className="muted">{STATUS_WORDS[run.status]}</span>
                  )}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Earlier runs of the same strategy, small: when, what was changed, what came of it. */
import { marksOf, type RunSummary, type Strategy } from "#contracts";
import { ago, number, percent } from "../../format.ts";
import { STATUS_WORDS } from "../../parts/runStatus.ts";
import { Signed } from "../../parts/Signed.tsx";
import { Sparkline } from "../../parts/Sparkline.tsx";
import { useNow } from "../../parts/useNow.ts";
import { changesOf } from "./request.ts";

interface Props {
  readonly runs: readonly RunSummary[];
  /** For what its defaults are; unknown when its file cannot be read now. */
  readonly strategy: Strategy | undefined;
  readonly shown: string | null;
  readonly onOpen: (run: RunSummary) => void;
}

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
                  <span className="muted">{[ago(run.createdAt, now), run.symbols.join(", "), ...marksOf(run).map(({ word }) => word)].join(" · ")}</span>
                </span>
                <Sparkline points={run.sparkline} width={48} />
                <span className="history-result">
                  {run.status === "finished" ? (
                    <>
                      <Signed value={value ?? 0} text={percent(value, 1, true)} />
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

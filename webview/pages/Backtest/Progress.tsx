/** A run under way: how far, how fast, how long still. */
import type { RunSummary } from "#contracts";
import { duration, plain } from "../../format.ts";

const PHASES = { queued: "Waiting for a free worker", preparing: "Loading strategy and data", running: "Running", writing: "Writing the result" } as const;

interface Props {
  /** Null: asked for, not yet accepted. */
  readonly run: RunSummary | null;
  readonly cancelling: boolean;
}

export function Progress({ run, cancelling }: Props) {
  const progress = run?.progress;
  const phase = cancelling ? "Cancelling" : run === null ? "Starting" : PHASES[progress?.phase ?? (run.status === "queued" ? "queued" : "preparing")];
  const share = progress && progress.barsTotal > 0 ? progress.barsDone / progress.barsTotal : null;
  const known = share !== null && progress?.phase === "running";
  return (
    <div className="progress">
      <div
        className="progress-track"
        role="progressbar"
        aria-label="Backtest"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={known ? Math.floor(share * 100) : undefined}
        data-busy={!known}
      >
        <div style={known ? { width: `${share * 100}%` } : undefined} />
      </div>
      <div className="progress-words">
        <span>{phase}</span>
        {known && progress ? (
          <>
            <span>
              {plain(progress.barsDone, 0)} of {plain(progress.barsTotal, 0)} bars
            </span>
            {progress.barsPerSecond === null ? null : <span>{plain(progress.barsPerSecond, 0)} bars/s</span>}
            {progress.remainingMs === null ? null : <span>{duration(progress.remainingMs)} left</span>}
          </>
        ) : null}
      </div>
      {/* Told in tens: a screen reader that reads every bar reads nothing. */}
      <span className="unseen" aria-live="polite">
        {known ? `${Math.floor(share * 10) * 10} percent` : phase}
      </span>
    </div>
  );
}

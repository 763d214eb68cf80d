/**
 * Equity of several runs on one axis of time, as growth of what each began with. Each run is asked for the level of detail that there are
 * pixels for, never for all of it; a stretch that is chosen by dragging is asked for again, and so comes finer.
 */
import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { RunSummary } from "#contracts";
import { Columns } from "../../chart/columns.ts";
import { asTinoError, useTransport } from "../../engine.tsx";
import { percent } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";
import { LinePlot } from "../../plots/Plot.tsx";

/** About two for each pixel of a wide screen: the lowest and the highest of its stretch. */
const POINTS = 2_500;

export interface NamedRun {
  readonly run: RunSummary;
  readonly letter: string;
  readonly color: string;
  readonly start: number | null;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export function Curves({ runs }: { runs: readonly NamedRun[] }) {
  const transport = useTransport();
  const [range, setRange] = useState<Range | null>(null);
  const [log, setLog] = useState(false);
  const drawn = useMemo(() => runs.filter(({ run, start }) => run.status === "finished" && start !== null && start > 0), [runs]);
  const asked = useQueries({
    queries: drawn.map(({ run }) => {
      const path = { id: run.id, series: "equity" };
      const query = { points: POINTS, ...(range && { from: Math.floor(range.from), to: Math.ceil(range.to) }) };
      return {
        queryKey: ["getSeries", { path, query }],
        queryFn: ({ signal }: { signal: AbortSignal }) => transport.call("getSeries", { path, query }, signal),
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 60_000,
        refetchOnWindowFocus: false,
        // What was drawn stays until the finer detail is there.
        placeholderData: (before: Uint8Array<ArrayBuffer> | undefined) => before,
      };
    }),
    combine: (results) => ({
      data: results.map(({ data }) => data),
      error: results.find(({ error }) => error)?.error ?? null,
      retry: () => results.forEach(({ refetch }) => void refetch()),
    }),
  });
  const { data } = asked;
  const lines = useMemo(() => {
    const tables = data.map((bytes) => (bytes ? new Columns(bytes) : null));
    const of = (column: "equity" | "drawdown") =>
      drawn.flatMap(({ letter, color, run, start }, index) => {
        const table = tables[index];
        if (!table) return [];
        const values = table.number(column);
        return [
          {
            label: `${letter} ${run.name}`,
            color,
            times: table.number("ts"),
            values: column === "equity" ? values.map((value) => value / start! - (log ? 0 : 1)) : values,
          },
        ];
      });
    return { growth: of("equity"), drawdown: of("drawdown") };
  }, [data, drawn, log]);
  if (asked.error) return <Failure error={asTinoError(asked.error).body} retry={asked.retry} />;
  if (drawn.length === 0) return null;
  if (lines.growth.length < drawn.length) return <Skeleton label="Loading curves" lines={6} />;
  const span = lines.growth.map(({ times }) => times[times.length - 1]! - times[0]!);
  const fine = (range ? range.to - range.from : Math.max(...span)) < 40 * 86_400_000;
  const timeText = (at: number) =>
    new Date(at)
      .toISOString()
      .slice(0, fine ? 16 : 10)
      .replace("T", " ");
  const plotted = { timeText, range: range ?? undefined, onRange: setRange };
  return (
    <section className="compare-curves" aria-label="Curves">
      <h3>
        Growth <small>of what each run began with; drag to look closer, double-click to see all; times in UTC</small>
        <span className="frame-space" />
        <button type="button" className="tool has-text" aria-pressed={log} title="Logarithmic scale" onClick={() => setLog(!log)}>
          Log
        </button>
        {range ? (
          <Button icon="screen-full" onClick={() => setRange(null)}>
            Show all
          </Button>
        ) : null}
      </h3>
      <LinePlot
        label="Growth of each run"
        lines={lines.growth}
        height={300}
        text={(value) => growthText(log ? value - 1 : value)}
        base={log ? 1 : 0}
        log={log}
        {...plotted}
      />
      <h3>
        Drawdown <small>below the highest equity so far</small>
      </h3>
      <LinePlot label="Drawdown of each run" lines={lines.drawdown} height={120} text={(value) => percent(value, 0)} base={0} {...plotted} />
    </section>
  );
}

const growthText = (growth: number): string => percent(growth, Math.abs(growth) < 0.1 ? 1 : 0, true);

/** The row tables of a finished run, fetched when a tab needs them and kept: a result never changes. */
import { useMemo } from "react";
import type { Run, SeriesKind, TinoError } from "#contracts";
import { Columns } from "../../chart/columns.ts";
import { asTinoError, useCall } from "../../engine.tsx";

export interface TableState {
  readonly table: Columns | null;
  readonly error: TinoError | null;
  readonly retry: () => void;
}

const KEEP_MS = 60_000;

/** One of a run's tables of rows. */
export function useRunTable(run: Run | null, kind: SeriesKind, enabled = true): TableState {
  const info = run?.result?.series.find((series) => series.kind === kind);
  const { data, error, refetch } = useCall(
    "getSeries",
    { path: { id: run?.id ?? "", series: info?.id ?? kind } },
    { enabled: enabled && info !== undefined, staleTime: Number.POSITIVE_INFINITY, gcTime: KEEP_MS, refetchOnWindowFocus: false },
  );
  const read = useMemo(() => {
    if (!data) return { table: null, error: null };
    try {
      return { table: new Columns(data), error: null };
    } catch (cause) {
      return { table: null, error: asTinoError(cause) };
    }
  }, [data]);
  return { table: read.table, error: error ?? read.error, retry: () => void refetch() };
}

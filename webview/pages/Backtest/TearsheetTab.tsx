/** The tearsheet of the shown run, and ways to take it along. */
import type { Run } from "#contracts";
import { useCall } from "../../engine.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";
import { TearsheetView } from "../../tearsheet/TearsheetView.tsx";

interface Props {
  readonly run: Run;
  readonly onTime: (at: number) => void;
  readonly onTrade: (row: number) => void;
}

export function TearsheetTab({ run, onTime, onTrade }: Props) {
  // A result never changes.
  const { data, error, refetch } = useCall("getTearsheet", { path: { id: run.id } }, { staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false });
  if (error) return <Failure error={error.body} retry={() => void refetch()} />;
  if (!data) return <Skeleton label="Taking the run apart" lines={8} />;
  return <TearsheetView run={run} sheet={data} onTime={onTime} onTrade={onTrade} />;
}

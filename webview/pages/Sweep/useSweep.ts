/** One sweep with its points, as they come: fetched once, then kept up to date by events. */
import { useEffect, useState } from "react";
import type { Sweep, SweepPoint } from "#contracts";
import { asTinoError, useTell, useTransport } from "../../engine.tsx";

const PAGE = 2_000;

export interface Followed {
  readonly sweep: Sweep | null;
  readonly points: readonly SweepPoint[];
  /** It is not there, or could not be fetched. */
  readonly failed: ReturnType<typeof asTinoError> | null;
}

export function useSweep(id: string | null): Followed {
  const transport = useTransport();
  const tell = useTell();
  const [state, setState] = useState<Followed>({ sweep: null, points: [], failed: null });
  useEffect(() => {
    setState({ sweep: null, points: [], failed: null });
    if (id === null) return;
    const abort = new AbortController();
    const known = new Map<number, SweepPoint>();
    const show = (change: (sweep: Sweep | null) => Sweep | null) =>
      setState((now) => ({ sweep: change(now.sweep), points: [...known.values()], failed: null }));
    const fetchAll = async () => {
      try {
        const sweep = await transport.call("getSweep", { path: { id } }, abort.signal);
        show(() => sweep);
        for (let after = -1, more = true; more; ) {
          const page = await transport.call("listSweepPoints", { path: { id }, query: { after, limit: PAGE } }, abort.signal);
          for (const point of page.points) known.set(point.number, point);
          after = page.points.at(-1)?.number ?? after;
          more = page.more;
          show((now) => now);
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        const failed = asTinoError(error);
        // What is shown already stays.
        setState((now) => (now.sweep ? now : { ...now, failed }));
        if (known.size > 0) tell(failed);
      }
    };
    const stop = transport.onServerMessage((message) => {
      if (message.kind === "snapshot") void fetchAll();
      if (message.kind !== "event") return;
      const { event } = message;
      if (event.type === "sweep.changed" && event.sweep.id === id) show(() => event.sweep);
      if (event.type === "sweep.progressed" && event.id === id) {
        for (const point of event.points) known.set(point.number, point);
        const { progress, best, plateau, stable, elapsedMs } = event;
        show((sweep) => sweep && { ...sweep, progress, best: best as Sweep["best"], plateau, stable, elapsedMs });
      }
    });
    void fetchAll();
    return () => {
      abort.abort();
      stop();
    };
  }, [id, transport, tell]);
  return state;
}

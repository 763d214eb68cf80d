/** Starting a job of the engine and staying with it to its end, whatever becomes of the connection in between. */
import { type ErrorBody, type Event, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";

interface Job {
  readonly id: string;
  readonly status: "queued" | "running" | "finished" | "failed" | "cancelled";
  readonly error: ErrorBody | null;
}

/** How one kind of job is started, asked after, cancelled and heard of. */
export interface JobCalls<J extends Job> {
  start(): Promise<J>;
  get(id: string): Promise<J>;
  cancel(id: string): Promise<unknown>;
  /** The job that an event tells of, if it does. */
  of(event: Event): J | null;
  /** What is wrong when the engine knows the job no more, or is gone. */
  interrupted(reason: string): TinoError;
  readonly notFound: TinoError["code"];
  readonly alreadyEnded: TinoError["code"];
}

/**
 * Start a job and wait for its end. Aborting the signal cancels it.
 * @throws what the job failed with
 */
export async function followJob<J extends Job>(link: EngineLink, calls: JobCalls<J>, signal: AbortSignal, onProgress: (job: J) => void): Promise<J> {
  let end: (job: J) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<J>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  ended.catch(() => undefined);
  let id: string | null = null;
  const newest = new Map<string, J>();
  const take = (job: J) => {
    newest.set(job.id, job);
    if (job.id !== id) return;
    if (job.status === "queued" || job.status === "running") onProgress(job);
    else end(job);
  };
  const silence = link.listen({
    onEvent: (event) => {
      const job = calls.of(event);
      if (job) take(job);
    },
    // Another engine does not know of it; the same one after a gap tells how it stands.
    onSnapshot: () => {
      if (id !== null) calls.get(id).then(take, (error) => fail(TinoError.is(error, calls.notFound) ? calls.interrupted("the engine ended") : error));
    },
    onState: (state) => {
      if (state.kind === "failed") fail(state.error);
      if (state.kind === "stopped") fail(calls.interrupted("the engine was stopped"));
    },
  });
  const cancel = () => void calls.cancel(id ?? "").catch((error) => !TinoError.is(error, calls.alreadyEnded) && fail(error));
  try {
    const started = await calls.start();
    id = started.id;
    take(newest.get(id) ?? started);
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const job = await ended;
    if (job.error) throw new TinoError(job.error);
    return job;
  } finally {
    signal.removeEventListener("abort", cancel);
    silence();
  }
}

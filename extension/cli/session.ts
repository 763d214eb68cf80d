/** A terminal's stay with the engine: come, do something, leave; the last one out ends it. */
import { EngineLink } from "../client/engineLink.ts";
import type { Context } from "./context.ts";
import { StatusLine } from "./ui/statusLine.ts";

export interface StayOptions {
  /** Folder whose code may be run for this terminal: naming a strategy in it is the act of trust, or to open the dashboard there. */
  readonly workspace?: string | undefined;
  /** Fixed port for an engine that is started now. */
  readonly port?: number | null;
}

export function openLink({ place, cwd }: Context, { workspace, port = null }: StayOptions = {}): EngineLink {
  return new EngineLink({ place, kind: "cli", workspace: workspace ?? cwd, trustedFolders: workspace ? [workspace] : [], start: { port } });
}

/** Connect, with the phase in words while that takes its time; work; leave, whatever happens. */
export async function withEngine<T>(context: Context, options: StayOptions, work: (link: EngineLink) => Promise<T>): Promise<T> {
  const link = openLink(context, options);
  try {
    await connect(context, link, options.port ?? null);
    return await work(link);
  } finally {
    await link.leave();
  }
}

/** @throws as `ensureEngine`, or the signal's reason */
async function connect(context: Context, link: EngineLink, port: number | null = null): Promise<void> {
  const { screen, signal } = context;
  const line = new StatusLine(screen);
  const silence = link.listen({
    onState: (state) => {
      if (state.kind === "starting") line.spin(state.phase === "looking for the engine" ? "Looking for the engine" : `Starting the engine: ${state.phase}`);
    },
  });
  try {
    const { connection } = await orAborted(link.connect(), signal);
    if (port !== null && connection.port !== port) screen.note(`The engine already runs on port ${connection.port}; --port is for one that is started.`);
  } finally {
    silence();
    line.clear();
  }
}

/** The promise, or the signal's reason as soon as it is aborted. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Resolves when the user or the system wants us to go. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Repeating a run with the code and spec it had. */
import { type Run, type RunSummary, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import type { Context } from "../context.ts";
import { workspaceOf } from "../workspace.ts";
import { followRun, type RunListener } from "./backtest.ts";

const ATTEMPTS = 40;
const PAUSE_MS = 50;

/**
 * Start the repetition and wait for its end. Naming the run is the act of trust that naming its file would be.
 * @returns the repetition, whose `reproduction` says what came of it
 * @throws what the engine says about the run, or what the repetition failed with
 */
export async function reproduceRun(link: EngineLink, id: string, { cwd, place, signal }: Context, listener: RunListener): Promise<Run> {
  const { path } = await link.call("getRun", { path: { id } });
  link.trust([...new Set([...link.trustedFolders, workspaceOf(path, cwd)])]);
  const start = async (): Promise<RunSummary> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await link.call("reproduceRun", { path: { id } });
      } catch (error) {
        // Trust is declared on the stream of events, which the request may overtake.
        if (!TinoError.is(error, "workspace_untrusted") || attempt === ATTEMPTS) throw error;
        await place.clock.sleep(PAUSE_MS, signal);
      }
    }
  };
  return followRun(link, start, signal, listener);
}

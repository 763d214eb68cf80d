/** The runs there are, and one of them. */
import { type CallArgs, RunId, type RunList, type RunSummary, TinoError } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";

export interface RunsOptions {
  readonly limit: number;
  /** Class name. */
  readonly strategy: string | null;
  readonly tag: string | null;
  /** Only those that are pinned. */
  readonly pinned: boolean;
}

/** Newest first, those that are pinned before all others. */
export async function listRuns(link: EngineLink, { limit, strategy, tag, pinned }: RunsOptions): Promise<RunList> {
  const list = (only: true | null) => link.call("listRuns", { query: { limit, name: strategy, tag, pinned: only } });
  const kept = await list(true);
  if (pinned) return kept;
  const { runs, more } = await list(null);
  const others = runs.filter((run) => !run.pinned);
  return { runs: [...kept.runs, ...others].slice(0, limit), more: more || kept.runs.length + others.length > limit };
}

/** How far back a shortened id is looked for. */
const SEARCHED = 1000;

/**
 * Find the run that a user means: a whole id, any part of one that is unique, or `last`.
 * @throws run_not_found, usage when several are meant
 */
export async function findRunId(link: EngineLink, reference: string): Promise<string> {
  if (RunId.safeParse(reference).success) return reference;
  const query: CallArgs<"listRuns">["query"] = { limit: reference === "last" ? 1 : SEARCHED };
  const { runs } = await link.call("listRuns", { query });
  const found = reference === "last" ? runs : runs.filter((run) => run.id.includes(reference));
  const [first, second] = found;
  if (!first) throw TinoError.of("run_not_found", { id: reference });
  if (second) throw TinoError.of("usage", { reason: `${reference} may be ${found.slice(0, 3).map(idOf).join(" or ")}; give more of the id.`, verb: "show" });
  return first.id;
}

const idOf = (run: RunSummary): string => run.id;

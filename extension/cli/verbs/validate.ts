/** Validations: from what was typed to a result. */
import { type CallArgs, type Dimension, MetricName, TinoError, type Validation, type ValidationProgress, type ValidationSummary } from "#contracts";
import type { EngineLink } from "../../client/engineLink.ts";
import { followJob } from "./job.ts";

export type ValidationRequestInput = NonNullable<CallArgs<"startValidation">["body"]>["request"];

/** `--param` of a search: what is fixed, as typed, and what is searched. */
export interface Searched {
  readonly fixed: string[];
  readonly dimensions: Partial<Dimension>[];
}

const RANGE = /^(-?[\d.]+):(-?[\d.]+)(?::([\d.]+))?$/;

/** `fast=5:50:5` is a range, `slow=20,50,100` are values, `size=3` is fixed. */
export function readSearched(texts: readonly string[], verb: string): Searched {
  const fixed: string[] = [];
  const dimensions: Partial<Dimension>[] = [];
  for (const text of texts) {
    const at = text.indexOf("=");
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    const range = RANGE.exec(value);
    if (at > 0 && range) dimensions.push({ name, from: Number(range[1]), to: Number(range[2]), ...(range[3] !== undefined && { step: Number(range[3]) }) });
    else if (at > 0 && value.includes(",")) dimensions.push({ name, values: value.split(",").map(plainValue) });
    else fixed.push(text);
  }
  if (dimensions.length === 0)
    throw TinoError.of("usage", { reason: "What competes? Give a range or values: --param fast=5:50:5 --param slow=20,50,100.", verb });
  return { fixed, dimensions };
}

/** A number or a truth value where the text is one. */
function plainValue(text: string): string | number | boolean {
  const trimmed = text.trim();
  if (trimmed === "true" || trimmed === "false") return trimmed === "true";
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

/** @throws usage */
export function readObjective(text: string, verb: string): { metric: MetricName; direction: "maximize" | "minimize" | null } {
  const [name = "", direction = null] = text.split(":");
  const metric = MetricName.safeParse(name);
  if (!metric.success || (direction !== null && direction !== "maximize" && direction !== "minimize"))
    throw TinoError.of("usage", {
      reason: `${text} is no objective. It is a metric, such as sharpe or maxDrawdown, with :maximize or :minimize after it if need be.`,
      verb,
    });
  return { metric: metric.data, direction };
}

type Ended = Omit<ValidationSummary, "status"> & { status: "running" | "finished" | "failed" | "cancelled" };

/**
 * Start it and wait for its end. Aborting the signal cancels it.
 * @throws what it failed with
 */
export async function validate(
  link: EngineLink,
  request: ValidationRequestInput,
  signal: AbortSignal,
  onProgress: (progress: ValidationProgress) => void,
): Promise<Validation> {
  let id: string | null = null;
  const silence = link.listen({
    onEvent: (event) => {
      if (event.type === "validation.progressed" && event.id === id) onProgress(event.progress);
    },
  });
  // An engine that ended under way left an error, as a failure does.
  const plain = (summary: ValidationSummary): Ended => ({ ...summary, status: summary.status === "interrupted" ? "failed" : summary.status });
  try {
    const ended = await followJob<Ended>(
      link,
      {
        start: async () => {
          const started = await link.call("startValidation", { body: { request } });
          id = started.id;
          return plain(started);
        },
        get: async (which) => plain(await link.call("getValidation", { path: { id: which } })),
        cancel: (which) => link.call("cancelValidation", { path: { id: which } }),
        of: (event) => (event.type === "validation.changed" ? plain(event.validation) : null),
        interrupted: () => TinoError.of("validation_interrupted"),
        notFound: "validation_not_found",
        alreadyEnded: "validation_already_ended",
      },
      signal,
      ({ progress }) => progress && onProgress(progress),
    );
    return await link.call("getValidation", { path: { id: ended.id } });
  } finally {
    silence();
  }
}

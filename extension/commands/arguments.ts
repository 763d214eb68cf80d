/**
 * What commands are given: a lens sends plain objects, a tree its own node, the explorer an address, the palette nothing. Pure,
 * so every shape is tested without an editor.
 */

/** A strategy's file and class; the class is null where only the file is known. */
export interface StrategyReference {
  readonly path: string;
  readonly name: string | null;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** From a lens (`{path, name}`), a tree node (`{strategy}` or `{run}`), or the explorer (an address with `fsPath`); null otherwise. */
export function readStrategyReference(argument: unknown): StrategyReference | null {
  if (!isRecord(argument)) return null;
  for (const part of ["strategy", "run"]) if (isRecord(argument[part])) return readStrategyReference(argument[part]);
  if (typeof argument.path === "string" && !("scheme" in argument)) {
    return { path: argument.path, name: typeof argument.name === "string" ? argument.name : null };
  }
  if (typeof argument.fsPath === "string" && argument.scheme === "file") return { path: argument.fsPath, name: null };
  return null;
}

/** All runs of what a menu gives: the node it was opened on and the nodes that are selected. */
export function readRunIds(args: readonly unknown[]): string[] {
  const ids = args.flatMap((argument) => (Array.isArray(argument) ? argument : [argument])).map(readRunId);
  return [...new Set(ids.filter((id) => id !== null))];
}

/** From a lens (`{id}`), a tree node (`{run}`) or another extension (the identifier itself); null otherwise. */
export function readRunId(argument: unknown): string | null {
  if (typeof argument === "string") return argument;
  if (!isRecord(argument)) return null;
  if (isRecord(argument.run)) return readRunId(argument.run);
  return typeof argument.id === "string" ? argument.id : null;
}

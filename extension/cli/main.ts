#!/usr/bin/env node
/**
 * `tino`: from what was typed to an exit code.
 *
 * This file and what it imports at once is all that `tino status` loads: everything else comes by `import()` when it is needed,
 * because a command that answers in a blink is used, and one that does not is not.
 */
import { EXIT, TinoError } from "#contracts/catalogue";
import { locateInstallation } from "../supervisor/locate.ts";
import { buildContext, type Context } from "./context.ts";
import { asTinoError, screenOf } from "./output.ts";

const FROM = import.meta.dirname;

/** The reason of the abort signal: the user or the system wants us to go, or nobody reads what we say any more. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(reason: string, exitCode: number) {
    super(reason);
    this.exitCode = exitCode;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const signal = untilInterrupted();
  let context: Context | null = null;
  const build = (json: boolean): Context => {
    context = buildContext(FROM, json, signal);
    return context;
  };
  try {
    if (argv[0] === "status" && argv.slice(1).every((word) => word === "--json")) {
      const { runStatus } = await import("./statusCommand.ts");
      return await runStatus(build(argv.length > 1));
    }
    const { run } = await import("./commands.ts");
    return await run(argv, locateInstallation(FROM).version, build);
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    return report(error, context, argv);
  }
}

async function report(thrown: unknown, context: Context | null, argv: readonly string[]): Promise<number> {
  const { place = null, screen = screenOf(argv.includes("--json")) } = context ?? {};
  const error = asTinoError(thrown, place?.paths.clientLog ?? "");
  if (error.code === "internal")
    place?.log("error", "cli", "failed", { exception: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) });
  const isStart = TinoError.is(error, "engine_start_failed") || TinoError.is(error, "engine_start_timeout") || TinoError.is(error, "engine_crash_loop");
  const tail = isStart && place ? (await import("./ui/logText.ts")).tailLines(place.paths, screen.paint) : [];
  screen.fail(error, tail);
  return error.exitCode;
}

/**
 * The first signal asks verbs to end in order, the second ends the process. A reader that has seen enough, such as `head`, closes the
 * pipe, which is no failure; a terminal that went away does so too, and then there is still an engine to leave in order.
 */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT.cancelled);
      controller.abort(new Interrupted(name, EXIT.cancelled));
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => controller.abort(new Interrupted("nobody reads", error.code === "EPIPE" ? EXIT.ok : EXIT.cancelled)));
  }
  return controller.signal;
}

process.exitCode = await main(process.argv.slice(2));

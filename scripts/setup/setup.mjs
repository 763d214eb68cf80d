/**
 * From a fresh clone to a working checkout, with nothing but Node and any Python 3 that has pip.
 *
 * Set-up is a list of steps: npm packages → Python packages → build, and for the editor's tests the workbench. Each step can say cheaply
 * whether it is due, by comparing a stamp that lies **inside what it made** with the fingerprint of what it is made from. So deleting
 * `node_modules`, `engine/.venv` or `dist` is all it takes to have it made again, and a checkout in order costs a few file reads.
 *
 * What makes a half-finished set-up harmless: a stamp is written last, by rename; an environment is marked unfinished before it is touched and
 * rebuilt from nothing when the mark is still there; what is fetched lands under another name first. Hence the answer to every
 * failure is the same: run the command again.
 *
 * Two set-ups at once take turns (`turn.mjs`). After waiting, a step asks again whether it is due, so the second one finds nothing to do.
 *
 * It writes only inside the checkout, except for the caches of npm and uv and the Pythons that uv keeps for all projects. It needs no package
 * of its own, for it runs before there are any.
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { stopChildren } from "./command.mjs";
import { environment } from "./environment.mjs";
import { EXIT_SETUP, SetupFailure } from "./failure.mjs";
import { nodePackages } from "./nodePackages.mjs";
import { Progress } from "./progress.mjs";
import { takeTurn } from "./turn.mjs";
import { workbench } from "./workbench.mjs";

/**
 * @typedef {object} Step
 * @property {string} name What people read while it runs and when it fails.
 * @property {() => boolean} due Whether there is work; cheap, and never throws.
 * @property {(progress: Progress) => Promise<void>} run Does the work; throws SetupFailure.
 */

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

const USAGE = `node scripts/ensure.mjs [--dev] [--editor] [--no-build]
  --dev       also what tests and checks need
  --editor    also the workbench that the editor's tests drive
  --no-build  leave dist as it is`;

/**
 * @param {{ dev: boolean, editor: boolean, build: boolean }} wanted
 * @returns {Step[]}
 */
export function steps(wanted) {
  return [
    nodePackages(root),
    environment(root, "product"),
    ...(wanted.dev ? [environment(root, "development")] : []),
    ...(wanted.build ? [build(root)] : []),
    ...(wanted.editor ? [workbench(root)] : []),
  ];
}

/** @param {string[]} args */
export async function main(args) {
  let options;
  try {
    const flags = {
      dev: { type: /** @type {const} */ ("boolean") },
      editor: { type: /** @type {const} */ ("boolean") },
      "no-build": { type: /** @type {const} */ ("boolean") },
    };
    options = parseArgs({ args, options: flags }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  await ensure(steps({ dev: options.dev ?? false, editor: options.editor ?? false, build: !options["no-build"] }));
}

/**
 * Do every step that is due, one set-up at a time. Sets the exit code instead of throwing.
 * @param {Step[]} all
 */
async function ensure(all) {
  if (!all.some((step) => step.due())) return;
  const progress = new Progress();
  /** @type {() => void} */
  let release = () => {};
  let interrupted = false;
  const stop = async (/** @type {NodeJS.Signals} */ signal) => {
    interrupted = true;
    // The turn is given back only when nothing of ours writes any more.
    await stopChildren();
    progress.clear();
    release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    release = await takeTurn(join(root, ".setup"), (pid) => progress.start(`waiting for another set-up, process ${pid}`));
    for (const step of all) {
      if (!step.due()) continue;
      progress.start(step.name);
      try {
        await step.run(progress);
      } catch (error) {
        throw asFailure(error).at(step.name);
      }
      progress.done();
    }
  } catch (error) {
    // A step that failed because we were told to stop has nothing to say; `stop` ends the process.
    if (interrupted) return;
    progress.clear();
    console.error(asFailure(error).at("taking turns").text());
    process.exitCode = EXIT_SETUP;
  } finally {
    if (!interrupted) release();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/**
 * What the system refuses (no permission, no space) is the user's business; anything else is a fault of ours and keeps its stack.
 * @param {unknown} error
 */
function asFailure(error) {
  if (error instanceof SetupFailure) return error;
  const { code, message, stack } = /** @type {NodeJS.ErrnoException} */ (error);
  return code
    ? new SetupFailure(message, "Check that the checkout can be written to and that there is space, then run the command again.")
    : new SetupFailure(`a fault in the set-up itself (${message})`, "Please report it with what is below.", stack);
}

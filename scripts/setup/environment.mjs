/**
 * The Python environments: `engine/.venv` holds what the product needs, `engine/.venv-dev` that and what tests and checks need. Both see the
 * package `tino_engine` in place.
 *
 * An environment is marked before it is touched and stamped when it is complete; the mark still there means that nobody knows what is in it, and
 * it is made from nothing. An environment without a mark is brought up to date in place, which leaves what runs from it alone.
 *
 * uv writes no bytecode. `warm.py` has it written for what the engine and its children load, so that the first start is as quick as later ones.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { failureOf, SetupFailure } from "./failure.mjs";
import { ensurePython, PYTHON } from "./python.mjs";
import { fingerprint, readStamp, writeStamp } from "./stamps.mjs";
import { ensureUv } from "./uv.mjs";

const KINDS = {
  product: { name: "Python packages", folder: ".venv", lock: "engine/requirements.lock" },
  development: { name: "Python packages for development", folder: ".venv-dev", lock: "engine/dev-requirements.lock" },
};
const UNFINISHED = "unfinished";

/**
 * @param {string} root
 * @param {keyof typeof KINDS} kind
 * @returns {import("./setup.mjs").Step}
 */
export function environment(root, kind) {
  const { name, folder, lock } = KINDS[kind];
  const venv = join(root, "engine", folder);
  const windows = process.platform === "win32";
  const python = windows ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
  const packages = windows ? join(venv, "Lib", "site-packages") : join(venv, "lib", `python${PYTHON}`, "site-packages");
  const stamp = join(venv, ".tino-setup");
  // With its place: the programs in an environment hold its path and do not survive being moved.
  const wanted = () => `${fingerprint(root, [lock, "scripts/setup/warm.py"], [PYTHON, process.platform, process.arch])} ${venv}`;
  return {
    name,
    due: () => readStamp(stamp) !== wanted() || !existsSync(python),
    run: async (progress) => {
      const { uv, env } = await ensureUv(root, progress);
      const known = readStamp(stamp) ?? "";
      const place = known.slice(known.indexOf(" ") + 1);
      if (known === UNFINISHED || (known.includes(" ") && place !== venv) || !(await runs(python))) {
        const base = await ensurePython({ uv, env }, progress);
        progress.now("creating");
        await must(run(uv, ["venv", "--quiet", "--clear", "--no-project", "--python", base, venv], { cwd: root, env }));
      }
      writeStamp(stamp, UNFINISHED);
      progress.now("installing");
      const install = ["pip", "sync", "--require-hashes", "--python", python, join(root, lock)];
      const onLine = (/** @type {string} */ line) => /^(Downloading|Building) /.test(line) && progress.now(line.toLowerCase());
      await must(run(uv, install, { cwd: root, env, onLine }));
      writeFileSync(join(packages, "tino.pth"), `${join(root, "engine")}\n`);
      if (kind === "product") {
        progress.now("compiling");
        const warm = await run(python, ["-I", join(root, "scripts", "setup", "warm.py")], { cwd: root });
        if (warm.status !== 0)
          throw new SetupFailure(
            "the engine's packages are installed and do not load",
            "Run the command again; what is below may tell more.",
            warm.output.slice(-2000),
          );
      }
      writeStamp(stamp, wanted());
    },
  };
}

/**
 * Whether this environment is one, of the right Python.
 * @param {string} python
 */
async function runs(python) {
  if (!existsSync(python)) return false;
  const { status, stdout } = await run(python, ["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix != sys.base_prefix)"]);
  return status === 0 && stdout.trim() === `${PYTHON} True`;
}

/** @param {ReturnType<typeof run>} command */
async function must(command) {
  const done = await command;
  if (done.status !== 0) throw failureOf("uv", done.output);
}

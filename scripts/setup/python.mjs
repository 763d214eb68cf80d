/**
 * A Python 3.13 to build the environments from: the one that TINO_PYTHON names, else one of pyenv's, else one on PATH, else one that uv keeps,
 * else one that uv fetches (a mirror is set by UV_PYTHON_INSTALL_MIRROR or UV_PYTHON_DOWNLOADS_JSON_URL).
 *
 * Every candidate is run before it is believed: pyenv's shims are on PATH for versions that are not active, and `uv python find` trips over them.
 */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isExecutable, onPath, run } from "./command.mjs";
import { failureOf, SetupFailure } from "./failure.mjs";

export const PYTHON = "3.13";

const INSTALL_PYTHON = `Install Python ${PYTHON}, or set TINO_PYTHON to one; behind a mirror, set UV_PYTHON_INSTALL_MIRROR. Then run the command again.`;
// The build without the lock has wheels for few packages; PyPy has none of ours.
const PROBE =
  "import sys, sysconfig; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sysconfig.get_config_var('Py_GIL_DISABLED') or 0, sys.maxsize > 2**32)";
const SUITABLE = `cpython ${PYTHON} 0 True`;

/**
 * @param {import("./uv.mjs").Uv} uv
 * @param {import("./progress.mjs").Progress} progress
 * @returns {Promise<string>} Path of an interpreter that was just run.
 */
export async function ensurePython({ uv, env }, progress) {
  const named = process.env.TINO_PYTHON;
  if (named) {
    if (await isSuitable(named)) return named;
    throw new SetupFailure(`TINO_PYTHON (${named}) is not a Python ${PYTHON}`, `Set it to a Python ${PYTHON}, or unset it to have one found.`);
  }
  for (const path of [...ofPyenv(), ...onPath(`python${PYTHON}`), ...onPath("python3"), ...onPath("python")]) if (await isSuitable(path)) return path;

  const find = async () => (await run(uv, ["python", "find", "--managed-python", "--no-project", PYTHON], { env })).stdout.trim();
  const kept = await find();
  if (kept && (await isSuitable(kept))) return kept;

  progress.now(`fetching Python ${PYTHON}`);
  const fetched = await run(uv, ["python", "install", "--managed-python", "--no-bin", ...(process.platform === "win32" ? ["--no-registry"] : []), PYTHON], {
    env,
  });
  const path = fetched.status === 0 ? await find() : "";
  if (path && (await isSuitable(path))) return path;
  const { reason, details } = failureOf("uv", fetched.output);
  throw new SetupFailure(`there is no Python ${PYTHON} here, and fetching one did not work (${reason})`, INSTALL_PYTHON, details);
}

/** @param {string} path */
async function isSuitable(path) {
  const { status, stdout } = await run(path, ["-I", "-c", PROBE]);
  return status === 0 && stdout.trim() === SUITABLE;
}

/** Newest first. */
function ofPyenv() {
  const folder = join(process.env.PYENV_ROOT || join(homedir(), ".pyenv"), "versions");
  /** @type {string[]} */
  let versions;
  try {
    versions = readdirSync(folder);
  } catch {
    return [];
  }
  return versions
    .filter((version) => version.startsWith(`${PYTHON}.`))
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
    .map((version) => join(folder, version, "bin", "python"))
    .filter(isExecutable);
}

/**
 * uv, which makes the Python environments: the one on PATH when it is new enough, else the pinned one from the Python package index by pip,
 * with its sha256 from `uv-requirements.txt`. pip's `--target` keeps it inside the checkout and works with a Python that its
 * distribution manages.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { onPath, run } from "./command.mjs";
import { failureOf, SetupFailure } from "./failure.mjs";

/** Oldest uv that knows every option used here. */
const OLDEST = "0.8.0";
const INSTALL_UV = "Install uv, or a Python 3 with pip (Debian: `apt-get install python3-pip`), then run the command again.";

/** @typedef {{ uv: string, env: NodeJS.ProcessEnv }} Uv */

/**
 * @param {string} root
 * @param {import("./progress.mjs").Progress} progress
 * @returns {Promise<Uv>} Full path of uv and the environment to run it in.
 */
export async function ensureUv(root, progress) {
  for (const path of onPath("uv")) if (await isNewEnough(path)) return { uv: path, env: environmentOfUv() };
  const requirements = join(root, "scripts", "uv-requirements.txt");
  const version = /^uv==(\S+)/m.exec(readFileSync(requirements, "utf8"))?.[1] ?? "";
  const folder = join(root, ".setup", `uv-${version}`);
  if (!existsSync(folder)) await install(root, folder, requirements, progress);
  return { uv: programIn(folder), env: environmentOfUv() };
}

/** @param {string} path */
async function isNewEnough(path) {
  const { status, stdout } = await run(path, ["--version"]);
  const found = /^uv (\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
  if (status !== 0 || !found) return false;
  const oldest = OLDEST.split(".").map(Number);
  const different = found.findIndex((part, index) => part !== oldest[index]);
  return different < 0 || /** @type {number} */ (found[different]) > /** @type {number} */ (oldest[different]);
}

/**
 * uv brings its own list of certificate authorities; where the machine was told of another one, it has to use the machine's.
 * @returns {NodeJS.ProcessEnv}
 */
function environmentOfUv() {
  const told = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"].some((name) => process.env[name]);
  return { ...(told ? { UV_SYSTEM_CERTS: "1", UV_NATIVE_TLS: "1" } : {}), ...process.env, UV_NO_PROGRESS: "1", NO_COLOR: "1" };
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {string} requirements
 * @param {import("./progress.mjs").Progress} progress
 */
async function install(root, folder, requirements, progress) {
  const python = await findPip();
  if (!python) throw new SetupFailure("there is neither uv nor a Python with pip", INSTALL_UV);
  progress.now("fetching uv");
  const partial = join(root, ".setup", "uv.partial");
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const [program, ...args] = /** @type {[string, ...string[]]} */ (python);
  const options = [
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
    "--target",
    partial,
    "--require-hashes",
    "--no-deps",
    "--only-binary=:all:",
    "-r",
    requirements,
  ];
  // A user's own pip settings may ask for things that cannot go together with --target.
  const env = { ...process.env, PIP_USER: "0", PIP_REQUIRE_VIRTUALENV: "0" };
  const done = await run(program, [...args, "-m", "pip", "install", ...options], { cwd: root, env });
  if (done.status !== 0) throw failureOf("pip", done.output);
  const uv = programIn(partial);
  const { status, output } = await run(uv, ["--version"]);
  if (status !== 0) throw new SetupFailure("uv was fetched and does not run here", INSTALL_UV, output);
  renameSync(partial, folder);
}

/** A command line that is a Python 3 with pip; what is on PATH may be a shim that only complains, so it is run. */
async function findPip() {
  const candidates = ["python3", "python"].flatMap((name) => onPath(name).map((path) => [path]));
  if (process.platform === "win32") candidates.push(...onPath("py").map((path) => [path, "-3"]));
  for (const candidate of candidates) {
    const [program, ...args] = /** @type {[string, ...string[]]} */ (candidate);
    const { status } = await run(program, [...args, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 8))"]);
    if (status === 0) return candidate;
  }
  return null;
}

/**
 * Where pip put the program; a folder without one gives a path that does not run.
 * @param {string} folder
 */
function programIn(folder) {
  const [first, second] = ["bin/uv", "Scripts/uv.exe"].map((path) => join(folder, path));
  return existsSync(String(second)) ? String(second) : String(first);
}

/**
 * npm packages, as the lock names them.
 *
 * `npm ci` first removes `node_modules` and with it the stamp, so an interrupted one is seen as not done. Packages that somebody installed
 * with `npm install` and that agree with the lock are taken as they are: npm keeps its own list of what it put there.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { onPath, run } from "./command.mjs";
import { failureOf, SetupFailure } from "./failure.mjs";
import { fingerprint, readStamp, writeStamp } from "./stamps.mjs";

const STAMP = "node_modules/.tino-setup";

/**
 * @param {string} root
 * @returns {import("./setup.mjs").Step}
 */
export function nodePackages(root) {
  const stamp = join(root, STAMP);
  const wanted = () => fingerprint(root, ["package-lock.json"], [process.platform, process.arch]);
  return {
    name: "npm packages",
    due: () => readStamp(stamp) !== wanted(),
    run: async () => {
      if (!agrees(root)) {
        await npm(root, "ci", "--include=dev");
      }
      writeStamp(stamp, wanted());
    },
  };
}

/**
 * Run npm in a folder: the npm that runs us, else the one beside this Node, else one on PATH. Throws SetupFailure.
 * Scripts of packages are not run: nothing here needs one, and each would be code that nobody asked for.
 * @param {string} folder
 * @param {string[]} command
 */
export async function npm(folder, ...command) {
  const beside = [
    join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js"),
    join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js"),
  ];
  const script = [process.env.npm_execpath ?? "", ...beside].find((path) => path.endsWith("npm-cli.js") && existsSync(path));
  const program = script ? process.execPath : onPath("npm")[0];
  if (!program) throw new SetupFailure("there is no npm", "Install Node.js with npm, then run the command again.");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const done = await run(program, [...(script ? [script] : []), ...command, ...options], {
    cwd: folder,
    env: { ...process.env, npm_config_engine_strict: "false" },
  });
  if (done.status !== 0) throw failureOf("npm", done.output);
}

/**
 * Whether what npm says it installed is what the lock asks for. Optional packages may be missing: they are another platform's.
 * @param {string} root
 */
function agrees(root) {
  /** @type {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }>} */
  let wanted;
  /** @type {typeof wanted} */
  let installed;
  try {
    wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    installed = JSON.parse(readFileSync(join(root, "node_modules/.package-lock.json"), "utf8")).packages;
  } catch {
    return false;
  }
  const { "": _root, ...packages } = wanted;
  return (
    Object.keys(installed).every((path) => path in packages) &&
    Object.entries(packages).every(([path, entry]) => {
      const found = installed[path];
      if (!found) return entry.optional === true || entry.devOptional === true;
      return found.version === entry.version && found.integrity === entry.integrity;
    })
  );
}

/**
 * The workbench that the editor's tests drive: VS Code's own server as code-server builds it, and the Node 24 that it needs, both from npm and
 * both by the lock in `scripts/workbench`; a Chromium has to be on the machine.
 *
 * Scripts of packages are not run: code-server's would compile ten native modules for three minutes, and the tests need none of them.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { onPath, run } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { npm } from "./nodePackages.mjs";
import { filesBelow, fingerprint, readStamp, writeStamp } from "./stamps.mjs";

/**
 * Where the parts of the workbench are; a path that is null is not there.
 * @param {string} root Of the checkout.
 */
export function workbenchPaths(root) {
  const folder = join(root, ".setup", "workbench");
  const chromium = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].flatMap(onPath)[0] ?? null;
  return { folder, ...pathsIn(folder), chromium };
}

/** @param {string} folder */
function pathsIn(folder) {
  const vscode = join(folder, "node_modules", "code-server", "lib", "vscode");
  return {
    node: join(folder, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node"),
    vscode,
    server: join(vscode, "out", "server-main.js"),
  };
}

/**
 * @param {string} root
 * @returns {import("./setup.mjs").Step}
 */
export function workbench(root) {
  const locks = ["scripts/workbench/package.json", "scripts/workbench/package-lock.json"];
  const { folder, chromium } = workbenchPaths(root);
  const stamp = join(folder, ".tino-setup");
  const wanted = () => fingerprint(root, locks, [process.platform, process.arch]);
  return {
    name: "the editor's workbench",
    due: () => readStamp(stamp) !== wanted() || !chromium,
    run: async (progress) => {
      if (!chromium)
        throw new SetupFailure("there is no Chromium", "Install it (Debian: `apt-get install chromium fonts-dejavu-core`), then run the command again.");
      const partial = `${folder}.partial`;
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(partial, { recursive: true });
      for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(root, "scripts", "workbench", name), join(partial, name));
      const paths = pathsIn(partial);
      progress.now("fetching");
      await npm(partial, "ci");
      if (!existsSync(paths.node)) throw new SetupFailure(`there is no workbench for ${process.platform} ${process.arch}`, "Use `npm run test:electron` here.");
      progress.now("fetching its packages");
      // Its shrinkwrap names versions and hashes, and lacks a few optional packages of other platforms: `npm ci` would refuse it for those.
      await npm(paths.vscode, "install", "--omit=dev");
      prune(partial);
      const check = await run(paths.node, [paths.server, "--version"], { cwd: partial });
      if (check.status !== 0)
        throw new SetupFailure("the workbench was fetched and does not run", "Run the command again; what is below may tell more.", check.output.slice(-2000));
      rmSync(folder, { recursive: true, force: true });
      renameSync(partial, folder);
      writeStamp(stamp, wanted());
    },
  };
}

/**
 * What no test of ours touches, a fifth of it: an assistant, its sandbox, search binaries of other platforms, source maps, headers.
 * @param {string} folder
 */
function prune(folder) {
  const { node, vscode } = pathsIn(folder);
  const remove = (/** @type {string} */ folder, /** @type {(name: string) => boolean} */ which) => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder).filter(which)) rmSync(join(folder, name), { recursive: true });
  };
  const packages = join(vscode, "node_modules");
  remove(join(packages, "@github"), (name) => name.startsWith("copilot"));
  remove(join(packages, "@microsoft"), (name) => name === "mxc-sdk");
  remove(join(packages, "@vscode", "ripgrep-universal", "bin"), (name) => name !== `${process.platform}-${process.arch}`);
  remove(join(vscode, "extensions"), (name) => name === "copilot");
  remove(join(dirname(node), ".."), (name) => name === "include");
  for (const path of filesBelow(folder, ["node_modules"], (path) => path.endsWith(".map"))) rmSync(join(folder, path));
}

/**
 * `npm run package [-- --target linux-x64]`: the extension as one .vsix for a platform, this one when none is named.
 *
 * Everything is bundled, so no npm package goes in; `.vscodeignore` says what does.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { target: { type: "string" }, out: { type: "string" } } });
const target = values.target ?? `${process.platform}-${process.arch}`;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const out = values.out ?? `tino-${target}-${version}.vsix`;

/** @param {string[]} args */
function node(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

// Chunks of earlier builds, kept for terminals that still run, are not to be shipped.
rmSync(join(root, "dist"), { recursive: true, force: true });
node(join(root, "scripts", "ensure.mjs"));
const readme = ["--readme-path", "extension/README.md"];
node(
  join(root, "node_modules", "@vscode", "vsce", "vsce"),
  "package",
  "--no-dependencies",
  "--allow-missing-repository",
  ...readme,
  "--target",
  target,
  "--out",
  out,
);

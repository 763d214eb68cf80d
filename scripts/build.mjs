/**
 * Builds what runs outside the source tree, into `dist`:
 *
 *   extension.cjs   the extension; the editor brings `vscode`
 *   cli/main.js     the terminal program; parts that a verb does not need stay in chunks of their own and are not loaded
 *   webview/        the pages, by vite
 *   bin/            launchers of the terminal program for the editor's terminals, as they are
 *
 * `--watch` builds again on every change, `--analyze` says what the bytes are made of.
 */
import { chmodSync, cpSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { analyzeMetafile, build, context } from "esbuild";
import { build as buildPages } from "vite";
import { extensionProgram, terminalProgram } from "./programs.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const watch = process.argv.includes("--watch");
const dist = join(root, "dist");
const DAY_MS = 86_400_000;

const asked = /** @satisfies {import("esbuild").BuildOptions} */ ({ minify: !watch, sourcemap: true, metafile: true, logLevel: watch ? "info" : "warning" });
/** @type {import("esbuild").BuildOptions[]} */
const programs = [
  { ...extensionProgram, ...asked },
  { ...terminalProgram, ...asked },
];

const pages = { root: join(root, "webview"), configFile: join(root, "webview", "vite.config.ts"), logLevel: /** @type {const} */ ("warn") };

cpSync(join(root, "extension", "bin"), join(dist, "bin"), { recursive: true });
if (watch) {
  for (const program of programs) await (await context(program)).watch();
  await buildPages({ ...pages, logLevel: "info", build: { watch: {} } });
} else {
  // All are built, whatever one of them does, so that every error is seen at once; esbuild has then said its own.
  const outcomes = await Promise.allSettled([...programs.map((program) => build(program)), buildPages(pages)]);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  for (const { reason } of failed) if (!Array.isArray(reason.errors) || reason.plugin) console.error(reason.message);
  if (failed.length > 0) process.exit(1);
  chmodSync(join(dist, "cli", "main.js"), 0o755);
  const metafiles = outcomes.flatMap((outcome) =>
    outcome.status === "fulfilled" && outcome.value && "metafile" in outcome.value && outcome.value.metafile ? [outcome.value.metafile] : [],
  );
  const outputs = metafiles.flatMap(({ outputs }) => Object.keys(outputs));
  removeOldChunks(outputs);
  report(outputs);
  if (process.argv.includes("--analyze")) for (const metafile of metafiles) console.log(await analyzeMetafile(metafile));
}

/**
 * A terminal that is open for hours still loads the chunks it was built with, so those of earlier builds stay for a day. esbuild does not
 * write what has not changed, so the time of the last build that had a file is set here.
 * @param {string[]} outputs
 */
function removeOldChunks(outputs) {
  const now = new Date();
  const current = new Set(outputs.map((path) => join(root, path)));
  for (const path of current) utimesSync(path, now, now);
  for (const name of readdirSync(join(dist, "cli"))) {
    const path = join(dist, "cli", name);
    if (!current.has(path) && Date.now() - statSync(path).mtimeMs > DAY_MS) rmSync(path);
  }
}

/**
 * What was built and how large it is; maps are for developers and not counted.
 * @param {string[]} outputs
 */
function report(outputs) {
  const ofPages = /** @type {string[]} */ (readdirSync(join(dist, "webview"), { recursive: true })).map((name) => join("dist", "webview", name));
  const sizes = [...outputs, ...ofPages]
    .map((path) => ({ path, stat: statSync(join(root, path)) }))
    .filter(({ path, stat }) => stat.isFile() && !path.endsWith(".map"))
    .sort((a, b) => b.stat.size - a.stat.size);
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(0).padStart(7)} KiB`;
  for (const { path, stat } of sizes.slice(0, 8)) console.log(`${kib(stat.size)}  ${path}`);
  console.log(`${kib(sizes.reduce((sum, { stat }) => sum + stat.size, 0))}  in ${sizes.length} files`);
}

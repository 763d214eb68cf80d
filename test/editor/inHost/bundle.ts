/** The suite as the one file that an extension host loads. */
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../rig.ts";

/** @returns its path */
export async function bundleSuite(folder: string): Promise<string> {
  const outfile = join(folder, "suite.cjs");
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["test/editor/inHost/index.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["vscode"],
    sourcemap: "inline",
    logLevel: "warning",
    define: { "import.meta.url": "__filename", "import.meta.dirname": "__dirname" },
  });
  return outfile;
}

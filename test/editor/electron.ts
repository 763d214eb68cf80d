/**
 * `npm run test:electron`: the suite of `inHost/` in the desktop editor, which is downloaded (`TINO_VSCODE` names one that is
 * there). Exit code 0: every test passed and the suite came to its end.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runTests } from "@vscode/test-electron";
import { Rig, ROOT } from "../rig.ts";
import { bundleSuite } from "./inHost/bundle.ts";
import type { Report } from "./inHost/suite.ts";

const rig = new Rig({ engine: "real", env: { TINO_WINDOW_GRACE_MS: "2000" } });
try {
  const folder = dirname(rig.home);
  const workspace = join(folder, "examples");
  const reportPath = join(folder, "inHost.json");
  cpSync(join(ROOT, "examples"), workspace, { recursive: true });
  mkdirSync(join(folder, "user"));
  const executable = process.env.TINO_VSCODE;
  await runTests({
    ...(executable ? { vscodeExecutablePath: executable } : { version: "stable" }),
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: await bundleSuite(folder),
    launchArgs: [
      workspace,
      "--disable-workspace-trust",
      "--disable-extensions",
      "--user-data-dir",
      join(folder, "user"),
      "--skip-welcome",
      "--disable-telemetry",
    ],
    extensionTestsEnv: { ...rig.env, TINO_TEST_REPORT: reportPath },
  }).catch((error: unknown) => console.error(error instanceof Error ? error.message : error));
  const report: Report | null = existsSync(reportPath) ? JSON.parse(readFileSync(reportPath, "utf8")) : null;
  const failed = report?.results.filter(({ ok }) => !ok) ?? [];
  for (const { name, error } of failed) console.error(`\n✗ ${name}\n${error}`);
  if (!report?.done) console.error("The extension host ended before the suite did.");
  console.log(`${(report?.results.length ?? 0) - failed.length} passed, ${failed.length + (report?.done ? 0 : 1)} failed`);
  process.exitCode = report?.done && failed.length === 0 ? 0 : 1;
} finally {
  await rig.close();
}

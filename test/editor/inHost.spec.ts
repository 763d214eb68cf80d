/** The suite inside the extension host of the browser's workbench; each of its tests counts as one here. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { bundleSuite } from "./inHost/bundle.ts";
import type { Report } from "./inHost/suite.ts";
import { Workbench } from "./workbench.ts";

/** Longest time for the whole suite. */
const PATIENCE_MS = 240_000;

async function runSuite(): Promise<{ report: Report | null; exit: unknown; close: () => Promise<void> }> {
  const reportPath = "inHost.json";
  const workbench = await Workbench.start({ install: "development", report: reportPath });
  try {
    const suite = await bundleSuite(workbench.path("."));
    const exit = await workbench.runTests(suite, PATIENCE_MS);
    const path = workbench.path(reportPath);
    const report: Report | null = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
    return { report, exit, close: () => workbench.close() };
  } catch (error) {
    await workbench.close();
    throw error;
  }
}

// Run while tests are collected, so that each test of the suite is one of the report.
const { report, exit, close } = await runSuite();

describe("inside the extension host", () => {
  afterAll(close);

  it("the suite ran to its end", () => {
    // An extension host that dies is reported as exit 0; only the report tells that the last test was run.
    expect(report?.done).toBe(true);
    expect(report?.results.length).toBeGreaterThan(0);
    expect(exit).toBe(report?.results.every(({ ok }) => ok) ? 0 : 1);
  });

  for (const { name, error } of report?.results ?? []) {
    it(name, () => {
      if (error) throw new Error(error);
    });
  }
});

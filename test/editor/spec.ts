/** What every spec file does: one editor for all its tests, and a screenshot of each window after each of them. */
import { basename } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { Workbench, type WorkbenchOptions } from "./workbench.ts";

/** An editor that is there from the first test of the file on, and gone without a trace after the last. */
export function editorFor(options: WorkbenchOptions = {}): () => Workbench {
  let workbench: Workbench | undefined;
  beforeAll(async () => {
    workbench = await Workbench.start(options);
  });
  afterEach(async ({ task }) => {
    const name = `${basename(task.file.name, ".spec.ts")} ${task.name}`;
    let number = 0;
    for (const window of workbench?.windows ?? []) {
      number += 1;
      await window.screenshot(number === 1 ? name : `${name} window ${number}`);
      // What the editor's console says belongs to a failure.
      if (task.result?.state === "fail") console.error(window.console.filter((line) => /tino(?!-rig)|pageerror/i.test(line)).join("\n"));
    }
  });
  afterAll(async () => {
    await workbench?.close();
  });
  return () => {
    expect(workbench).toBeDefined();
    return workbench as Workbench;
  };
}

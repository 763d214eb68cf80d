/** In a folder that is not trusted nothing runs; once it is, everything comes up without a reload. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { until } from "../rig.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const editor = editorFor({ trust: true });
let window: EditorWindow;

function expectNothingRan(): void {
  expect(editor().enginePid()).toBeNull();
  expect(editor().engineProcesses()).toEqual([]);
  expect(existsSync(editor().rig.paths.run)).toBe(false);
}

describe("an untrusted folder", () => {
  it("shows that tino is restricted, and no lens", async () => {
    window = await editor().open();
    await window.openFile("ema_cross.py");
    await window.status("tino PAPER · restricted");
    // The outline is there once the file was looked at by everybody who wanted to.
    await window.page.locator(".view-line", { hasText: "class EmaCross(Strategy)" }).waitFor();
    expect(await window.lens("Backtest").count()).toBe(0);
    expectNothingRan();
  });

  it("says why in its views", async () => {
    await window.sideBar();
    await window.page.locator(".sidebar").getByText("tino runs nothing in a folder that you have not trusted").waitFor();
    expectNothingRan();
  });

  it.each([
    "tino: Run backtest",
    "tino: Open runs",
    "tino: Open backtest panel",
    "tino: Import sample data",
    "tino: Start engine",
    "tino: Open dashboard in browser",
  ])("%s says why and offers to manage trust", async (command) => {
    await window.command(command);
    const word = window.notification("is not inside a trusted folder");
    await word.waitFor();
    await word.getByRole("button", { name: "Manage trust" }).waitFor();
    await window.screenshot(`trust ${command}`);
    await window.command("Notifications: Clear All Notifications");
    await word.waitFor({ state: "detached" });
    expectNothingRan();
  });

  it("offers trust in the menu of the status bar", async () => {
    await window.statusItem.click();
    await window.row("Manage workspace trust").waitFor();
    expect(await window.row("Start engine").count()).toBe(0);
    await window.row("Manage workspace trust").click();
    await window.page.locator(".workspace-trust-editor").waitFor();
    expectNothingRan();
  });
});

describe("trust granted", () => {
  it("brings the engine and the lens up without a reload", async () => {
    const host = await window.extensionHost();
    await window.page
      .locator(".workspace-trust-editor")
      .getByRole("button", { name: /^Trust$/ })
      .click();
    await window.status(/tino PAPER$/);
    await window.page.keyboard.press("Escape");
    await window.lens(/Backtest/).waitFor();
    await window.treeRow("EmaCross").waitFor();
    expect(editor().enginePid()).not.toBeNull();
    await until(
      async () => (await window.extensionHost()) === host,
      () => "the same extension host",
    );
  });
});

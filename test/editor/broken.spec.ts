/** An engine that cannot be started: told once, in words, with a way on. */

import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

const editor = editorFor({ env: { TINO_ENGINE_DIR: join(tmpdir(), "tino-no-engine-here") } });
let window: EditorWindow;

describe("a missing engine", () => {
  it("is told once, although several parts wanted it", async () => {
    window = await editor().open();
    await window.sideBar();
    await window.openFile("ema_cross.py");
    await window.status("tino PAPER · error");
    await window.notification("The engine is not set up").waitFor();
    expect(await window.page.locator(".notifications-toasts .notification-list-item").count()).toBe(1);
    await window.page.locator(".sidebar").getByText("The engine could not be started").waitFor();
  });

  it("can be tried again", async () => {
    await window.notification("The engine is not set up").getByRole("button", { name: "Try again" }).click();
    await window.notification("The engine is not set up").waitFor();
    await window.status("tino PAPER · error");
  });

  it("has its story in the log", async () => {
    await window.notification("The engine is not set up").getByRole("button", { name: "Show log" }).click();
    // This workbench has no native logger, so the channel opens empty; the file has the same lines.
    await window.page.locator(".panel .output-view-container, .panel .output-view").first().waitFor();
    const lines = readFileSync(join(editor().rig.paths.logs, "vscode.log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ level: "error", component: "extension", event: "failure", code: "engine_not_installed" }));
  });

  it("is said in a panel, too", async () => {
    await window.command("tino: Open backtest panel");
    await window.panel.getByText("The engine is not set up").first().waitFor();
  });
});

/** An engine that cannot be started: told once, in words, with a way on. */

import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../rig.ts";
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

describe("the doctor", () => {
  /** A line of the document in front; the editor draws spaces that do not break. */
  const text = (words: string) => window.page.locator(".editor-group-container .view-line", { hasText: new RegExp(words.replaceAll(" ", "\\s")) }).first();

  it("says what is wrong and puts right what is safe to", async () => {
    const { home } = editor().rig;
    chmodSync(home, 0o755);
    await window.command("tino: Run doctor");
    await window.tab("tino doctor").waitFor();
    await text("✗ Python: The engine is not set up").waitFor();
    await text("others may use it .mode 755.").waitFor();
    await window.screenshot("doctor with problems");
    await window.row("Put right").click();
    await text("^Done: makes .* yours alone").waitFor();
    expect(statSync(home).mode & 0o777).toBe(0o700);
  });

  it("saves diagnostics as they stand after the user looked through them", async () => {
    const path = join(dirname(editor().rig.home), "report.json");
    await window.command("tino: Save diagnostics");
    await text('"about": .').waitFor();
    await window.screenshot("diagnostics shown");
    await window.row("Save…").click();
    await window.choosePath(path, "OK");
    await until(
      () => existsSync(path),
      () => "the saved diagnostics",
    );
    const saved = JSON.parse(readFileSync(path, "utf8"));
    expect(saved.doctor.find(({ name }: { name: string }) => name === "python").verdict).toBe("problem");
    expect(saved.logs["vscode.log"]).toContainEqual(expect.objectContaining({ event: "failure", code: "engine_not_installed" }));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await window.tab("Untitled").waitFor({ state: "detached" });
  });
});

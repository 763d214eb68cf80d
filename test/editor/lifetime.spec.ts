/** Windows and engine come and go, and are killed. The tests are one story and run in order. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { until } from "../rig.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";

// Long enough for an extension host that was killed to be back, short enough to be waited for at the end.
const editor = editorFor({ env: { TINO_WINDOW_GRACE_MS: "12000" } });
let first: EditorWindow;
let second: EditorWindow;

async function openStrategy(): Promise<EditorWindow> {
  const window = await editor().open();
  await window.openFile("ema_cross.py");
  await window.status(/tino PAPER$/);
  return window;
}

describe("an extension host that is killed", () => {
  it("comes back to the same engine", async () => {
    first = await openStrategy();
    const engine = editor().enginePid();
    const host = await first.extensionHost();
    process.kill(host, "SIGKILL");
    await until(
      async () => {
        const hosts = editor().extensionHosts();
        return hosts.length === 1 && hosts[0] !== host;
      },
      () => "another extension host",
    );
    await first.status(/tino PAPER$/);
    expect(editor().enginePid()).toBe(engine);
    // The engine has removed the lock file of the dead one.
    await until(
      () => editor().rig.locks().join() === `cli-${editor().extensionHosts()[0]}.lock`,
      () => `one lock file, not ${editor().rig.locks()}`,
    );
    await first.lens(/Backtest/).waitFor();
  });
});

describe("an engine that is killed", () => {
  it("is replaced without a word", async () => {
    const engine = editor().enginePid() as number;
    process.kill(engine, "SIGKILL");
    await until(
      () => ![null, engine].includes(editor().enginePid()),
      () => "another engine",
    );
    await first.status(/tino PAPER$/);
    expect(await first.notifications()).toEqual([]);
    // The language host is the new engine's; the lens is there again, or still.
    await first.page.keyboard.press("ControlOrMeta+End");
    await first.page.keyboard.press("ControlOrMeta+Home");
    await first.lens(/Backtest/).waitFor();
  });
});

describe("the engine is stopped by hand", () => {
  it("not while others use it, unless that is confirmed", async () => {
    second = await openStrategy();
    const engine = editor().enginePid();
    await first.command("tino: Stop engine");
    await first.dialog.getByText(/The engine is in use: window \d+/).waitFor();
    await first.screenshot("lifetime stop dialog");
    await first.dialog.getByRole("button", { name: "Cancel" }).click();
    await first.dialog.waitFor({ state: "detached" });
    expect(editor().enginePid()).toBe(engine);
  });

  it("then every window is offline and stays so", async () => {
    const engine = editor().enginePid() as number;
    await first.command("tino: Stop engine");
    await first.dialog.getByRole("button", { name: "Stop anyway" }).click();
    await first.status("tino PAPER · offline");
    await second.status("tino PAPER · offline");
    await until(
      () => editor().engineProcesses().length === 0,
      () => "no process of the engine",
    );
    expect(readFileSync(editor().rig.paths.engineLog, "utf8")).toMatch(new RegExp(`"pid": ${engine}`));
    await first.sideBar();
    await first.page.locator(".sidebar").getByText("No engine is in use").waitFor();
    expect(editor().enginePid()).toBeNull();
  });

  it("one window starts it again, the other joins", async () => {
    await first.page.locator(".sidebar").getByRole("button", { name: "Start engine" }).click();
    await first.status(/tino PAPER$/);
    await second.status(/tino PAPER$/);
    expect(editor().rig.locks()).toHaveLength(2);
  });
});

describe("the last window", () => {
  it("takes the engine along, after its grace", async () => {
    const engine = editor().enginePid() as number;
    await editor().closeWindow(second);
    await editor().closeWindow(first);
    await until(
      () => editor().rig.locks().length === 0,
      () => "no lock file",
    );
    // It is still there: somebody may reload.
    expect(editor().enginePid()).toBe(engine);
    await until(
      () => editor().enginePid() === null && editor().engineProcesses().length === 0,
      () => "the engine to be gone",
    );
  });
});

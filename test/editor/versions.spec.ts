/** An engine of another version: nothing is forced, and the user is told what can be done. */
import { describe, expect, it } from "vitest";
import { editorFor } from "./spec.ts";

const editor = editorFor({ fake: "protocol=2" });

describe("a newer engine", () => {
  it("is left alone; the window offers to be reloaded", async () => {
    const window = await editor().open();
    await window.openFile("ema_cross.py");
    await window.status("tino PAPER · error");
    const word = window.notification("The running engine speaks protocol 2");
    await word.getByRole("button", { name: "Reload window" }).waitFor();
    expect(editor().enginePid()).not.toBeNull();
    await window.screenshot("versions newer engine");
  });
});

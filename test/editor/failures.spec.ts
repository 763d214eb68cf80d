/** What users see when their strategy goes wrong: in Problems, in the panel, in the tree. */
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../rig.ts";
import { BacktestPanel } from "./pages/backtestPanel.ts";
import type { EditorWindow } from "./pages/window.ts";
import { editorFor } from "./spec.ts";
import { LATE, LOOPS, markedLine, RAISES, TYPO, WAITS } from "./strategies.ts";

const editor = editorFor();
let window: EditorWindow;
let panel: BacktestPanel;

beforeAll(async () => {
  const folder = editor().workspace("failures", {
    "strategies/raises.py": RAISES,
    "strategies/late.py": LATE,
    "strategies/loops.py": LOOPS,
    "strategies/waits.py": WAITS,
    "strategies/typo.py": TYPO,
  });
  window = await editor().open({ folder });
  panel = new BacktestPanel(window);
  await window.openFile("waits.py");
  await window.status(/tino PAPER$/);
  const engine = await editor().engine();
  await engine.call("importSample");
  engine.close();
});

async function runFrom(file: string): Promise<void> {
  await window.openFile(file);
  await window.lens("Backtest").click();
}

describe("a strategy that raises", () => {
  it("is marked in Problems, with the frames that led there", async () => {
    await runFrom("raises.py");
    await panel.failure.getByText("raised", { exact: false }).first().waitFor();
    const problems = await window.problems();
    const mark = problems.filter({ hasText: /Raises\.on_bar raised/ }).first();
    await mark.waitFor();
    expect(await mark.textContent()).toContain(`[Ln ${markedLine(RAISES)}, Col 9]`);
    await until(
      async () => (await problems.filter({ hasText: /in size:/ }).count()) === 1 && (await problems.filter({ hasText: /in on_bar:/ }).count()) === 1,
      () => "both frames below the problem",
    );
  });

  it("leads from the panel to the line", async () => {
    await panel.failure
      .getByRole("button", { name: /raises\.py:/ })
      .last()
      .click();
    await window.page.locator(".statusbar-item", { hasText: `Ln ${markedLine(RAISES)},` }).waitFor();
  });

  it("does not interrupt: the panel tells it, so no notification does", async () => {
    expect(await window.notification(/Raises/).count()).toBe(0);
  });

  it("loses its mark when the file is edited", async () => {
    await window.replaceIn("raises.py", "/ 0  # here", "/ 1  # here");
    const problems = await window.problems();
    await problems
      .filter({ hasText: /raised/ })
      .first()
      .waitFor({ state: "detached" });
  });

  it("tells of a failure that nobody looks at, and shows it on demand", async () => {
    await runFrom("late.py");
    await window.status(/1 run$/);
    await window.closeTab("Late · Backtest");
    const word = window.notification(/Late\.on_bar raised/);
    await word.waitFor();
    await window.screenshot("failures notification");
    await word.getByRole("button", { name: "Open" }).click();
    await panel.failure.getByText("too late").first().waitFor();
  });
});

describe("a typing error in an instrument", () => {
  it("is underlined, and one click corrects it", async () => {
    await window.openFile("typo.py");
    const problems = await window.problems();
    const mark = problems.filter({ hasText: "APPL.XNAS" }).first();
    await mark.waitFor();
    await window.screenshot("failures typo");
    await mark.click();
    await window.page.keyboard.press("Enter");
    await window.quickFix(/AAPL\.XNAS/);
    await mark.waitFor({ state: "detached" });
    await window.page.locator(".view-line", { hasText: 'from_str("AAPL.XNAS")' }).waitFor();
  });
});

describe("an endless loop", () => {
  it("is cancelled from the panel", async () => {
    await runFrom("loops.py");
    await window.status(/1 run$/);
    await panel.cancelButton.click();
    await window.status(/tino PAPER$/);
    await window.sideBar();
    await window.treeRow(/AAPL\.XNAScancelled/).waitFor();
  });

  it("is cancelled from the tree", async () => {
    await runFrom("loops.py");
    await window.status(/1 run$/);
    const row = window.treeRow(/AAPL\.XNAS(preparing|0|queued)/);
    await row.hover();
    await row.getByRole("button", { name: "Cancel run" }).click();
    await window.status(/tino PAPER$/);
  });
});

describe("a strategy that trades nothing", () => {
  it("says so, and why", async () => {
    await runFrom("waits.py");
    await panel.frame.getByRole("region", { name: "Why nothing was traded" }).waitFor();
    await window.treeRow(/no trades/).waitFor();
  });
});

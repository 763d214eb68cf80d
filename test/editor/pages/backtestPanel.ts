/** Page object: the backtest page in its panel. */
import type { FrameLocator, Locator } from "playwright-core";
import { METRICS, type Metrics } from "#contracts";
import { until } from "../../rig.ts";
import type { EditorWindow } from "./window.ts";

/** A figure as the page writes it, taken apart. */
export interface Shown {
  readonly value: number;
  readonly decimals: number;
  readonly unit: string;
}

export class BacktestPanel {
  readonly #window: EditorWindow;

  constructor(window: EditorWindow) {
    this.#window = window;
  }

  get frame(): FrameLocator {
    return this.#window.panel;
  }

  /** Wait until a finished run is shown whole. */
  async result(): Promise<void> {
    await this.frame.locator(".headline .figure").first().waitFor({ timeout: 60_000 });
    await until(
      async () => (await this.frame.locator(".run-head .badge").count()) === 0 && (await this.frame.locator(".progress").count()) === 0,
      () => "the run to be the one that is shown",
    );
  }

  /** Every figure on the page by its metric; headline and tables must not differ. */
  async figures(): Promise<Map<keyof Metrics, string>> {
    const texts = await this.frame
      .locator(".figure")
      .evaluateAll((figures) =>
        figures.map((figure) => [figure.querySelector(".figure-label")?.textContent ?? "", figure.querySelector(".figure-value")?.textContent ?? ""] as const),
      );
    const byLabel = new Map(Object.entries(METRICS).map(([name, { label }]) => [label, name as keyof Metrics]));
    const found = new Map<keyof Metrics, string>();
    for (const [label, text] of texts) {
      const name = byLabel.get(label);
      if (!name) throw new Error(`There is no metric called “${label}”.`);
      const other = found.get(name);
      if (other !== undefined && readFigure(other).value !== readFigure(text).value) throw new Error(`“${label}” is ${other} here and ${text} there.`);
      found.set(name, text);
    }
    return found;
  }

  /** How many different colours the chart's canvases hold: a blank chart has one or two. */
  async chartColours(): Promise<number> {
    return this.frame.locator("section[aria-label='Chart'] canvas").evaluateAll((canvases) => {
      const colours = new Set<number>();
      for (const canvas of canvases as HTMLCanvasElement[]) {
        if (canvas.width === 0 || canvas.height === 0) continue;
        const pixels = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
        if (pixels) for (const colour of new Uint32Array(pixels.buffer)) colours.add(colour);
      }
      return colours.size;
    });
  }

  /** Choose from the menu of the chart's exports, which closes when something else in the window takes the focus. */
  async export(item: string): Promise<void> {
    const button = this.frame.getByRole("button", { name: "Export", exact: true }).first();
    await this.#window.attempts(async (timeout) => {
      if ((await button.getAttribute("aria-expanded")) !== "true") await button.click();
      await this.frame.getByRole("menuitem", { name: item }).click({ timeout });
    });
  }

  tab(name: string | RegExp): Locator {
    return this.frame.getByRole("tab", { name });
  }

  /** Rows of a table by its label. */
  rows(label: string): Locator {
    return this.frame.getByRole("grid", { name: label }).locator("tbody tr[aria-rowindex]");
  }

  get cancelButton(): Locator {
    return this.frame.getByRole("button", { name: "Cancel" }).first();
  }

  get failure(): Locator {
    return this.frame.locator(".failure").first();
  }

  /** Run shown, in words. */
  get heading(): Locator {
    return this.frame.locator(".run-head h2");
  }
}

/** `−36.9 %` → −36.9, one decimal, `%`. */
export function readFigure(text: string): Shown {
  const [, sign = "", digits = "", unit = ""] = /^([+−]?)([0-9,]+(?:\.[0-9]+)?)[\s\u202f]*(.*)$/u.exec(text.trim()) ?? [];
  if (!digits) throw new Error(`“${text}” is no figure.`);
  const number = digits.replaceAll(",", "");
  return { value: (sign === "−" ? -1 : 1) * Number(number), decimals: number.split(".")[1]?.length ?? 0, unit };
}

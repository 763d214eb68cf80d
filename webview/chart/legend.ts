/**
 * The values at the cursor, in the upper left corner of each pane.
 *
 * Written straight into the document: it changes with every move of the pointer, which is no business of React's.
 */

export interface LegendItem {
  readonly label: string;
  readonly color?: string | undefined;
}

interface Row {
  readonly element: HTMLElement;
  readonly values: readonly HTMLElement[];
}

export class Legend {
  readonly #root: HTMLElement;
  #rows: Row[] = [];

  constructor(parent: HTMLElement) {
    this.#root = document.createElement("div");
    this.#root.className = "chart-legend";
    parent.append(this.#root);
  }

  /** One row of labels for each pane, from the top. */
  setRows(panes: readonly (readonly LegendItem[])[]): void {
    this.#rows = panes.map((items) => {
      const element = document.createElement("div");
      element.className = "chart-legend-row";
      const values = items.map(({ label, color }) => {
        const item = document.createElement("span");
        item.className = "chart-legend-item";
        const name = document.createElement("span");
        name.className = "chart-legend-label";
        name.textContent = label;
        const value = document.createElement("span");
        value.className = "chart-legend-value";
        if (color) value.style.color = color;
        item.append(name, value);
        element.append(item);
        return value;
      });
      return { element, values };
    });
    this.#root.replaceChildren(...this.#rows.map(({ element }) => element));
  }

  /** Where each pane begins, in pixels, and how high it is: a legend that has no room hides. */
  place(panes: readonly { top: number; height: number }[]): void {
    this.#rows.forEach(({ element }, index) => {
      const pane = panes[index];
      element.hidden = !pane || pane.height < 18;
      if (pane) element.style.top = `${pane.top + 2}px`;
    });
  }

  /** Write the values; a tone colours a value by its sign. */
  write(pane: number, values: readonly (string | { text: string; tone: "gain" | "loss" | null })[]): void {
    this.#rows[pane]?.values.forEach((element, index) => {
      const value = values[index] ?? "";
      const text = typeof value === "string" ? value : value.text;
      if (element.textContent !== text) element.textContent = text;
      if (typeof value !== "string") element.dataset.tone = value.tone ?? "";
    });
  }

  /** The rows as text, top to bottom: for pictures and for screen readers. */
  texts(): string[] {
    return this.#rows.map(({ element }) => [...element.children].map((item) => [...item.children].map((part) => part.textContent).join(" ")).join("   "));
  }

  dispose(): void {
    this.#root.remove();
  }
}

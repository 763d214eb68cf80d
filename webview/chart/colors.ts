/** The theme's colours as the canvas needs them: resolved, and with transparency where something is shaded. */

export interface ChartColors {
  readonly background: string;
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly border: string;
  readonly accent: string;
  readonly gain: string;
  readonly loss: string;
  readonly buy: string;
  readonly sell: string;
  readonly volume: string;
  readonly label: string;
  readonly labelText: string;
  /** For lines that a strategy drew, in the order in which they come. */
  readonly lines: readonly string[];
  readonly font: string;
}

let pen: CanvasRenderingContext2D | null = null;

/** Any CSS colour as `rgba(…)`, its opacity times `opacity`. */
export function shade(color: string, opacity: number): string {
  pen ??= document.createElement("canvas").getContext("2d");
  if (!pen) return color;
  pen.fillStyle = "#000";
  pen.fillStyle = color;
  // The canvas gives an opaque colour back as #rrggbb and any other as rgba(r, g, b, a).
  const resolved = pen.fillStyle;
  const [r, g, b, a] = resolved.startsWith("#")
    ? [1, 3, 5].map((at) => Number.parseInt(resolved.slice(at, at + 2), 16))
    : (resolved.match(/[\d.]+/g) ?? []).map(Number);
  return `rgba(${r}, ${g}, ${b}, ${(a ?? 1) * opacity})`;
}

/** Read the theme as it is now. */
export function readColors(): ChartColors {
  const style = getComputedStyle(document.body);
  const of = (name: string, fallback: string) => style.getPropertyValue(`--vscode-${name}`).trim() || fallback;
  const text = of("foreground", "#cccccc");
  const chart = (name: string, fallback: string) => of(`charts-${name}`, fallback);
  const contrast = of("contrastBorder", "");
  return {
    background: of("editor-background", "#1f1f1f"),
    text: shade(text, 1),
    muted: of("descriptionForeground", text),
    grid: shade(text, contrast ? 0.25 : 0.07),
    border: contrast || of("panel-border", shade(text, 0.2)),
    accent: chart("blue", "#3794ff"),
    gain: chart("green", "#89d185"),
    loss: chart("red", "#f14c4c"),
    buy: chart("blue", "#3794ff"),
    sell: chart("orange", "#d18616"),
    volume: shade(text, 0.22),
    label: of("badge-background", "#616161"),
    labelText: of("badge-foreground", "#ffffff"),
    lines: [
      chart("yellow", "#cca700"),
      chart("purple", "#b180d7"),
      chart("blue", "#3794ff"),
      chart("orange", "#d18616"),
      chart("green", "#89d185"),
      chart("red", "#f14c4c"),
    ],
    font: style.fontFamily,
  };
}

/** Called when the editor's theme or the page's own changed. */
export function onThemeChange(handler: () => void): () => void {
  const observer = new MutationObserver(handler);
  observer.observe(document.body, { attributes: true, attributeFilter: ["class", "data-vscode-theme-id"] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "data-theme"] });
  return () => observer.disconnect();
}

/** Plots as a picture: below each other, in the colours of the theme, with a legend. */

const SCALE = 2;
const LINE = 22;
const PAD = 12;
/** What a plot gets from style sheets, which a picture does not have. */
const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "font-family", "font-size", "text-anchor"];

export async function savePlot(
  plots: readonly SVGSVGElement[],
  legend: readonly { readonly color: string; readonly label: string }[],
): Promise<Uint8Array<ArrayBuffer>> {
  const style = getComputedStyle(document.body);
  const width = Math.max(...plots.map((plot) => plot.clientWidth)) + 2 * PAD;
  const height = plots.reduce((sum, plot) => sum + plot.clientHeight, 0) + LINE + 2 * PAD;
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  const pen = canvas.getContext("2d")!;
  pen.scale(SCALE, SCALE);
  pen.fillStyle = style.backgroundColor;
  pen.fillRect(0, 0, width, height);
  pen.font = `12px ${style.fontFamily}`;
  let x = PAD;
  for (const { color, label } of legend) {
    pen.fillStyle = resolved(color);
    pen.fillRect(x, PAD + 2, 9, 9);
    pen.fillStyle = style.color;
    pen.fillText(label, x + 14, PAD + 11);
    x += 30 + pen.measureText(label).width;
  }
  let y = PAD + LINE;
  for (const plot of plots) {
    pen.drawImage(await pictureOf(plot), PAD, y, plot.clientWidth, plot.clientHeight);
    y += plot.clientHeight;
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a picture.");
  return new Uint8Array(await blob.arrayBuffer());
}

async function pictureOf(plot: SVGSVGElement): Promise<HTMLImageElement> {
  const copy = plot.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const originals = plot.querySelectorAll("*");
  const copies = [...copy.querySelectorAll("*")];
  copies.forEach((element, index) => {
    const style = getComputedStyle(originals[index]!);
    for (const name of STYLES) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute("style");
  });
  // What was pointed at is no part of the picture.
  for (const cursor of copy.querySelectorAll(".plot-cursor")) cursor.remove();
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}

/** A CSS colour with its variables filled in. */
function resolved(color: string): string {
  const probe = document.createElement("i");
  probe.style.color = color;
  document.body.append(probe);
  const { color: found } = getComputedStyle(probe);
  probe.remove();
  return found;
}

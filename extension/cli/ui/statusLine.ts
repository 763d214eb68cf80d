/**
 * One line at the bottom that says what is going on, redrawn in place on standard error. It appears only when something takes longer
 * than one notices, is gone before results are printed, and does not exist where standard error is no terminal.
 */
import { cut, type Screen } from "../output.ts";

const APPEARS_AFTER_MS = 100;
const FRAME_MS = 80;
const FRAMES = { braille: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"], plain: ["-", "\\", "|", "/"] };
const ERASE = "\r\u001b[2K";
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

export class StatusLine {
  readonly #screen: Screen;
  readonly #output: NodeJS.WriteStream;
  readonly #frames: string[];
  #text = "";
  #spinning = false;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  #drawn = false;

  constructor(screen: Screen, output: NodeJS.WriteStream = process.stderr) {
    this.#screen = screen;
    this.#output = output;
    this.#frames = screen.unicode ? FRAMES.braille : FRAMES.plain;
  }

  /** Show words with a spinner. */
  spin(text: string): void {
    this.#show(text, true);
  }

  /** Show a line as it is, such as a progress bar. */
  show(text: string): void {
    this.#show(text, false);
  }

  /** Take the line away. */
  clear(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#drawn) this.#output.write(`${ERASE}${SHOW_CURSOR}`);
    this.#drawn = false;
  }

  /** Columns there are to fill. */
  get width(): number {
    return (this.#output.columns || 80) - 1;
  }

  #show(text: string, spinning: boolean): void {
    if (!this.#screen.animated) return;
    this.#text = text;
    this.#spinning = spinning;
    if (!this.#timer) {
      this.#timer = setInterval(() => this.#draw(), FRAME_MS);
      this.#timer.unref();
      setTimeout(() => this.#draw(), APPEARS_AFTER_MS).unref();
    }
  }

  #draw(): void {
    if (!this.#timer) return;
    this.#frame = (this.#frame + 1) % this.#frames.length;
    const mark = this.#spinning ? `${this.#screen.paint("cyan", this.#frames[this.#frame] as string)} ` : "";
    this.#output.write(`${this.#drawn ? "" : HIDE_CURSOR}${ERASE}${cut(mark + this.#text, this.width)}`);
    this.#drawn = true;
  }
}

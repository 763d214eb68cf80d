/**
 * What people see of a set-up: on a terminal one line that changes and one that stays for each finished step, elsewhere one line for each step.
 * It goes to standard error, so that the output of the command that follows stays clean.
 */
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export class Progress {
  #live = process.stderr.isTTY === true && process.env.TERM !== "dumb";
  #name = "";
  #phase = "";
  #started = 0;
  #frame = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /**
   * A step begins.
   * @param {string} name
   */
  start(name) {
    this.#name = name;
    this.#phase = "";
    this.#started = Date.now();
    if (!this.#live) process.stderr.write(`set-up: ${name}\n`);
    else {
      this.#timer ??= setInterval(() => this.#draw(), 80);
      this.#draw();
    }
  }

  /**
   * What the step is at now.
   * @param {string} phase
   */
  now(phase) {
    this.#phase = phase;
    if (this.#live) this.#draw();
  }

  /** The step is finished. */
  done() {
    this.clear();
    if (this.#live) process.stderr.write(`✓ ${this.#name} ${this.#seconds()}\n`);
  }

  /** Leave the line empty for what comes next. */
  clear() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#live) process.stderr.write("\r\x1b[2K");
  }

  #draw() {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const text = `${FRAMES[this.#frame]} ${this.#name}${this.#phase ? `: ${this.#phase}` : ""} ${this.#seconds()}`;
    process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  #seconds() {
    return `${Math.round((Date.now() - this.#started) / 1000)} s`;
  }
}

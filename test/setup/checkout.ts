/**
 * A small checkout in a temporary folder: our real set-up scripts, sources of a few bytes, and a PATH on which every program is ours to script.
 *
 * A fake writes its command line to a log and then behaves as the file named after it in `behaviour/` says: nothing there means that it
 * does its work, a text that it fails with that text, and `wait` that it goes on when the file is removed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

const PRELUDE = `#!/bin/sh
PATH=/bin:/usr/bin
name=$(basename "$0")
behave() {
  echo "$1" >> "$FAKES/log"
  file="$FAKES/behaviour/$2"
  [ -f "$file" ] || return 0
  if [ "$(cat "$file")" = wait ]; then
    while [ -f "$file" ]; do sleep 0.05; done
  else
    cat "$file" >&2
    exit 1
  fi
}
`;

const FAKES: Record<string, string> = {
  uv: `
case "$*" in
  --version) echo "uv $(cat "$FAKES/uv-version") (fake)" ;;
  venv*)
    behave "uv venv" venv
    for venv; do :; done
    rm -rf "$venv"
    mkdir -p "$venv/bin" "$venv/lib/python3.13/site-packages"
    cp "$FAKES/python-of-environment" "$venv/bin/python" ;;
  "pip sync"*) behave "uv pip sync" sync ;;
  "python find"*) behave "uv python find" python-find; [ ! -f "$FAKES/fetched" ] || echo "$FAKES/fetched" ;;
  "python install"*) behave "uv python install" python-install; cp "$FAKES/suitable-python" "$FAKES/fetched" ;;
esac`,
  "suitable-python": `
case "$*" in
  *sys.implementation*) echo "cpython 3.13 0 True" ;;
  *) exit 1 ;;
esac`,
  "python-of-environment": `
case "$*" in
  *sys.prefix*) echo "3.13 True" ;;
  *warm.py) behave "warm" warm ;;
  *) exit 1 ;;
esac`,
  // A shim of pyenv for a version that is not active.
  shim: `echo "pyenv: $name: command not found" >&2; exit 127`,
  // A Python of the distribution, with pip and too old for the engine.
  "old-python": `
case "$*" in
  *sys.implementation*) echo "cpython 3.11 0 True" ;;
  *"import sys, pip"*) exit 0 ;;
  "-m pip install"*)
    behave "pip install" pip
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/bin"
    cp "$FAKES/uv" "$2/bin/uv" ;;
esac`,
};

const FAKE_NPM = `
const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { FAKES } = process.env;
appendFileSync(FAKES + "/log", "npm " + process.argv[2] + "\\n");
rmSync("node_modules", { recursive: true, force: true });
mkdirSync("node_modules");
const behaviour = FAKES + "/behaviour/npm";
const finish = () => {
  const { packages: { "": root, ...packages } } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages }));
};
const text = existsSync(behaviour) ? readFileSync(behaviour, "utf8") : "";
if (text === "wait") {
  const timer = setInterval(() => existsSync(behaviour) || (clearInterval(timer), finish()), 50);
} else if (text) {
  console.error(text);
  process.exit(1);
} else finish();
`;

const FAKE_BUILD = `
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
const { FAKES } = process.env;
appendFileSync(FAKES + "/log", "build\\n");
if (existsSync(FAKES + "/behaviour/build")) {
  console.error(readFileSync(FAKES + "/behaviour/build", "utf8"));
  process.exit(1);
}
mkdirSync("dist", { recursive: true });
`;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Checkout {
  readonly top = realpathSync(mkdtempSync(join(tmpdir(), "tino-setup-")));
  readonly root = join(this.top, "tino");
  readonly fakes = join(this.top, "fakes");
  readonly #bin = join(this.top, "bin");
  readonly #running = new Set<ChildProcess>();
  env: NodeJS.ProcessEnv;

  constructor() {
    cpSync(join(repository, "scripts"), join(this.root, "scripts"), { recursive: true });
    this.write("scripts/build.mjs", FAKE_BUILD);
    this.write("package.json", JSON.stringify({ name: "tino", type: "module", engines: { node: ">=20.19.0" } }));
    this.write("package-lock.json", JSON.stringify({ packages: { "": {}, "node_modules/left": { version: "1.0.0", integrity: "sha512-a" } } }));
    this.write("engine/requirements.lock", "alpha==1.0\n");
    this.write("engine/dev-requirements.lock", "alpha==1.0\nbeta==1.0\n");
    this.write("engine/tino_engine/__init__.py", "");
    this.write("contracts/index.ts", "export {};\n");
    mkdirSync(join(this.fakes, "behaviour"), { recursive: true });
    mkdirSync(this.#bin);
    for (const [name, body] of Object.entries(FAKES)) this.#script(join(this.fakes, name), PRELUDE + body);
    writeFileSync(join(this.fakes, "npm-cli.js"), FAKE_NPM);
    writeFileSync(join(this.fakes, "uv-version"), "99.0.0");
    this.env = { PATH: this.#bin, HOME: this.top, TMPDIR: this.top, FAKES: this.fakes, npm_execpath: join(this.fakes, "npm-cli.js"), NO_COLOR: "1" };
    this.onPath("uv", "uv");
    this.onPath("python3.13", "suitable-python");
    onTestFinished(() => this.remove());
  }

  /** Put a fake on PATH under a name; null takes it off. */
  onPath(name: string, fake: string | null): void {
    const path = join(this.#bin, name);
    if (fake === null) rmSync(path, { force: true });
    else cpSync(join(this.fakes, fake), path);
  }

  /** Put a fake at a place of its own. */
  place(path: string, fake: string): void {
    mkdirSync(dirname(join(this.top, path)), { recursive: true });
    cpSync(join(this.fakes, fake), join(this.top, path));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  delete(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** From now on a fake fails with this text, or waits; null: it works again. */
  behave(fake: string, text: string | null): void {
    const path = join(this.fakes, "behaviour", fake);
    if (text === null) rmSync(path, { force: true });
    else writeFileSync(path, text);
  }

  /** What the fakes were asked to do since the last call. */
  asked(): string[] {
    const path = join(this.fakes, "log");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    rmSync(path, { force: true });
    return lines;
  }

  /** Start a set-up; `said` waits until its standard error holds a text. */
  start(...args: string[]): { child: ChildProcess; ended: Promise<Ended>; said: (text: string) => Promise<void> } {
    const child = spawn(process.execPath, [join(this.root, "scripts", "ensure.mjs"), ...args], {
      cwd: this.top,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#running.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on("close", (code) => {
        this.#running.delete(child);
        resolve({ code, stdout, stderr });
      });
    });
    return { child, ended, said: (text) => until(() => stderr.includes(text)) };
  }

  async ensure(...args: string[]): Promise<Ended> {
    return await this.start(...args).ended;
  }

  /** Wait until a fake was asked for something. */
  async wasAsked(line: string): Promise<void> {
    const path = join(this.fakes, "log");
    await until(() => existsSync(path) && readFileSync(path, "utf8").includes(`${line}\n`));
  }

  async remove(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL");
    // Fakes that wait end when what they wait for is gone.
    rmSync(join(this.fakes, "behaviour"), { recursive: true, force: true });
    rmSync(this.top, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #script(path: string, text: string): void {
    writeFileSync(path, `${text}\n`);
    chmodSync(path, 0o755);
  }
}

/** Wait for a condition; the test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

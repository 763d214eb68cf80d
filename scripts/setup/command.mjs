/** Programs that set-up runs: found on PATH, started with a list of arguments, their output kept, ended with us. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const PATIENCE_MS = 3_000;

/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();
let stopping = false;

/**
 * Run a program to its end; a program that cannot be started gives status null.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ status: number | null, stdout: string, output: string }>} `output` is standard output and error as they came.
 */
export function run(program, args, options = {}) {
  // Whoever was waiting for a program that was ended would go on with the next one.
  if (stopping) return Promise.resolve({ status: null, stdout: "", output: "" });
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    children.add(child);
    let stdout = "";
    let output = "";
    const take = (/** @type {string} */ text) => {
      output += text;
      if (options.onLine) for (const line of text.split("\n")) if (line.trim()) options.onLine(line.trim());
    };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
      take(text);
    });
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", (error) => {
      children.delete(child);
      resolve({ status: null, stdout, output: `${output}${error.message}` });
    });
    child.on("close", (status) => {
      children.delete(child);
      resolve({ status, stdout, output });
    });
  });
}

/** End what is running and wait until it is gone; what does not go when asked is killed. */
export async function stopChildren() {
  stopping = true;
  const gone = [...children].map((child) => new Promise((resolve) => child.once("close", resolve)));
  for (const child of children) child.kill();
  const patience = setTimeout(() => {
    for (const child of children) child.kill("SIGKILL");
  }, PATIENCE_MS);
  await Promise.all(gone);
  clearTimeout(patience);
}

/**
 * Every file of that name on PATH that may be executed, in order.
 * @param {string} name
 * @returns {string[]}
 */
export function onPath(name) {
  const endings = process.platform === "win32" ? (process.env.PATHEXT ?? ".EXE;.CMD").split(";") : [""];
  /** @type {string[]} */
  const found = [];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (!folder) continue;
    for (const ending of endings) {
      const path = join(folder, name + ending.toLowerCase());
      if (isExecutable(path) && !found.includes(path)) found.push(path);
    }
  }
  return found;
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

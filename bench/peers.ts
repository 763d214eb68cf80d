/**
 * The peers' environments: `.setup/peers/<name>`, made by uv from `bench/peers/<name>.lock` when a row first needs them. Never shipped, never part of
 * the set-up. After a change of a `.in`: `uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.13 NAME.in -o NAME.lock`.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../scripts/setup/command.mjs";
import { Progress } from "../scripts/setup/progress.mjs";
import { ensurePython } from "../scripts/setup/python.mjs";
import { ensureUv } from "../scripts/setup/uv.mjs";
import { ROOT } from "./engine.ts";

export const PEERS = join(ROOT, "bench", "peers");

/** The Python program of an environment that has what its lock names. */
export async function ensurePeers(name: string): Promise<string> {
  const lock = join(PEERS, `${name}.lock`);
  const venv = join(ROOT, ".setup", "peers", name);
  const python = process.platform === "win32" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
  const stamp = join(venv, ".stamp");
  const wanted = createHash("sha256").update(readFileSync(lock)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  const progress = new Progress();
  const { uv, env } = await ensureUv(ROOT, progress);
  const base = await ensurePython({ uv, env }, progress);
  for (const args of [
    ["venv", "--quiet", "--clear", "--no-project", "--python", base, venv],
    ["pip", "sync", "--quiet", "--require-hashes", "--python", python, lock],
  ]) {
    const { status, output } = await run(uv, args, { cwd: ROOT, env });
    if (status !== 0) throw new Error(`The peers' environment ${name} could not be made: ${output}`);
  }
  writeFileSync(stamp, wanted);
  return python;
}

/** The folder a strategy belongs to, and the one a terminal stands in. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";

/**
 * The nearest folder above a file that is a git checkout; else the folder the user is in, if it holds the file; else the file's own.
 * This is what a terminal declares as trusted: naming a file in it is the act of trust.
 */
export function workspaceOf(file: string, cwd: string): string {
  return checkoutOf(dirname(file)) ?? (relative(cwd, file).startsWith("..") ? dirname(file) : cwd);
}

/**
 * The git checkout that a folder lies in, else the folder: what `tino`, `tino up` and `tino open` declare, so that their pages list its strategies
 * and run those that are asked for. Undefined for the home folder, what is above it, and the root: nobody means all that lies there.
 */
export function workspaceAround(cwd: string, home = homedir()): string | undefined {
  const folder = checkoutOf(cwd, home) ?? cwd;
  return relative(folder, home).startsWith("..") && folder !== dirname(folder) ? folder : undefined;
}

/** A home folder that is a checkout keeps settings, not strategies. */
function checkoutOf(start: string, home = homedir()): string | null {
  for (let folder = start; folder !== dirname(folder) && folder !== home; folder = dirname(folder)) if (existsSync(join(folder, ".git"))) return folder;
  return null;
}

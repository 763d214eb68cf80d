/** The folder a strategy belongs to. */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * The nearest folder above a file that is a git checkout; else the folder the user is in, if it holds the file; else the file's own.
 * This is what a terminal declares as trusted: naming a file in it is the act of trust.
 */
export function workspaceOf(file: string, cwd: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) if (existsSync(join(folder, ".git"))) return folder;
  return relative(cwd, file).startsWith("..") ? dirname(file) : cwd;
}

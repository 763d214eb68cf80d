/** Fingerprints of what a step is made from, and the stamps that remember them. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * SHA-256 over names and contents of files and over plain texts, in the order given. A missing file counts as such.
 * @param {string} root
 * @param {string[]} paths Relative to root.
 * @param {string[]} texts
 */
export function fingerprint(root, paths, texts = []) {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text}\0`);
  for (const path of paths) {
    const content = readOrNull(join(root, path));
    hash.update(`${path}\0${content === null ? "missing" : content.length}\0`);
    if (content) hash.update(content);
  }
  return hash.digest("hex");
}

/**
 * Files below folders, sorted, relative to root with `/`. Links are not followed.
 * @param {string} root
 * @param {string[]} folders
 * @param {(name: string) => boolean} keep
 */
export function filesBelow(root, folders, keep) {
  /** @type {string[]} */
  const found = [];
  const visit = (/** @type {string} */ folder) => {
    for (const entry of entriesOf(join(root, folder))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile() && keep(path)) found.push(path);
    }
  };
  for (const folder of folders) visit(folder);
  return found.sort();
}

/** @param {string} path */
export function readStamp(path) {
  return readOrNull(path)?.toString() ?? null;
}

/**
 * Written by rename, so that it is there whole or not at all.
 * @param {string} path
 * @param {string} text
 */
export function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, path);
}

/** @param {string} path */
function readOrNull(path) {
  try {
    return readFileSync(path);
  } catch {
    // Whatever keeps it from being read, the step that made it will say so when it makes it again.
    return null;
  }
}

/** @param {string} folder */
function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

#!/usr/bin/env node
// Brings this checkout to a working state; does nothing, quickly, when it already is in one. `setup/setup.mjs` has the story.
// This file is read by whatever Node is there, however old, so it only looks at the version and hands over.
import { readFileSync } from "node:fs";

const needed = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).engines.node.replace(">=", "");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const [neededMajor = 0, neededMinor = 0] = needed.split(".").map(Number);

if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  console.error(`Set-up stopped at “Node.js”: this is version ${process.versions.node}, tino needs ${needed} or newer.`);
  console.error("Install a newer Node.js, then run the command again.");
  process.exitCode = 7;
} else {
  const { main } = await import("./setup/setup.mjs");
  await main(process.argv.slice(2));
}

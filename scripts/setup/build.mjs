/** The built extension, terminal program and pages in `dist`, made again when any source of theirs has changed. */
import { join } from "node:path";
import { run } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { filesBelow, fingerprint, readStamp, writeStamp } from "./stamps.mjs";

const isSource = (/** @type {string} */ path) => !/\.test\.tsx?$|\.md$/.test(path);

/**
 * @param {string} root
 * @returns {import("./setup.mjs").Step}
 */
export function build(root) {
  const stamp = join(root, "dist", ".tino-setup");
  const wanted = () =>
    fingerprint(root, [...filesBelow(root, ["contracts", "extension", "webview"], isSource), "scripts/build.mjs", "package.json", "package-lock.json"]);
  return {
    name: "build",
    due: () => readStamp(stamp) !== wanted(),
    run: async () => {
      // Taken before building: a source that is saved meanwhile has it built once more.
      const sources = wanted();
      const done = await run(process.execPath, [join(root, "scripts", "build.mjs")], { cwd: root });
      if (done.status !== 0)
        throw new SetupFailure("the sources do not build", "Correct what is named below, then run the command again.", done.output.slice(-4000));
      writeStamp(stamp, sources);
    },
  };
}

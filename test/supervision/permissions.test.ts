/**
 * What clients accept of a home, as a user without rights: root may do anything, so as root these would show nothing. The effective user
 * is changed for as long as nothing else can run in between.
 */
import { createHmac } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TinoError } from "#contracts/catalogue";
import { probeHealth } from "../../extension/supervisor/health.ts";
import { ensureRunDirectory, type Paths, pathsOf, writePrivate } from "../../extension/supervisor/paths.ts";

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

let ground: string;
let paths: Paths;
let server: Server | undefined;
beforeEach(() => {
  ground = mkdtempSync(join(tmpdir(), "tino-permissions-"));
  if (isRoot) chownSync(ground, NOBODY, NOBODY);
  paths = pathsOf(join(ground, "home"));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(ground, { recursive: true, force: true });
});

function asUnprivileged<T>(work: () => T): T {
  const umask = process.umask(0);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    process.umask(umask);
  }
}

/** Why the home is refused; null when it is accepted. */
function refusal(prepare: () => void = () => undefined, where = paths): string | null {
  try {
    asUnprivileged(() => {
      prepare();
      ensureRunDirectory(where);
    });
    return null;
  } catch (error) {
    if (!TinoError.is(error, "run_directory_unsafe")) throw error;
    return error.message;
  }
}

const whole = () => {
  for (const path of [paths.home, paths.run, paths.clients]) mkdirSync(path, 0o700);
};

test("what is made is private, whatever the umask", () => {
  expect(refusal()).toBeNull();
  asUnprivileged(() => writePrivate(join(paths.clients, "cli-1.lock"), "{}"));
  const modes = [paths.home, paths.run, paths.clients, join(paths.clients, "cli-1.lock")].map((path) => (statSync(path).mode & 0o777).toString(8));
  expect(modes).toEqual(["700", "700", "700", "600"]);
});

test.each<[string, () => void, string]>([
  ["a home that is a link", () => symlinkSync(ground, paths.home), "it is a symbolic link"],
  ["a home that the group may enter", () => mkdirSync(paths.home, 0o750), "mode 750"],
  ["a run directory that others may pass through", () => [whole(), chmodSync(paths.run, 0o701)], "mode 701"],
  ["a lock directory that others may write to", () => [whole(), chmodSync(paths.clients, 0o722)], "mode 722"],
  ["a lock directory that is a file", () => [mkdirSync(paths.home, 0o700), mkdirSync(paths.run, 0o700), writeFileSync(paths.clients, "")], "not a directory"],
  ["a home in which nothing can be made", () => mkdirSync(paths.home, 0o500), "it cannot be made (EACCES)"],
])("%s is refused", (_, prepare, reason) => {
  expect(refusal(prepare)).toContain(reason);
});

test.each([
  ["/usr", "it belongs to another user"],
  ["/usr/tino", "it cannot be made (EACCES)"],
])("another user's directory (%s) is refused", (home, reason) => {
  expect(refusal(undefined, pathsOf(home))).toContain(reason);
});

test.each<[string, () => void]>([
  ["others can read", () => chmodSync(paths.engineToken, 0o644)],
  [
    "is a link",
    () => {
      rmSync(paths.engineToken);
      writeFileSync(join(paths.run, "planted"), TOKEN, { mode: 0o600 });
      symlinkSync(join(paths.run, "planted"), paths.engineToken);
    },
  ],
])("a token that %s proves nothing", async (_, spoil) => {
  const impostor = createServer((request, response) => {
    const nonce = new URL(request.url ?? "/", "http://x").searchParams.get("nonce");
    const { port } = impostor.address() as AddressInfo;
    const proof = createHmac("sha256", TOKEN)
      .update(`tino-health|${nonce}|1|${port}|${"ab".repeat(16)}`)
      .digest("hex");
    response.end(JSON.stringify({ service: "tino", status: "healthy", pid: 1, port, instance: "ab".repeat(16), protocol: 1, version: "1", proof }));
  });
  server = impostor;
  await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
  const { port } = impostor.address() as AddressInfo;
  whole();
  writeFileSync(paths.engineToken, TOKEN, { mode: 0o600 });
  expect((await probeHealth(paths, port)).kind).toBe("engine");
  spoil();
  expect((await probeHealth(paths, port)).kind).toBe("impostor");
});

const TOKEN = "cd".repeat(32);

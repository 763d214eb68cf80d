/** What the diagnosis asks of the machine besides files, so that a test can have a full disk or a Python that hangs. */
import { execFile } from "node:child_process";
import { readFileSync, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { arch, platform, release } from "node:os";
import { LOOPBACK } from "../supervisor/loopback.ts";

/** A file system as far as it matters here. */
export interface Volume {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that may still be made; null where the file system has no such limit. */
  readonly freeFiles: number | null;
  /** It lies on another machine, where kernel locks and SQLite's log are not to be relied on. */
  readonly isRemote: boolean;
}

/** How a program ended; `code` is null when it could not be started or did not end in time. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly reason: string;
}

export interface Machine {
  /** Name of the system with its release and processor. */
  readonly system: string;
  readonly nodeVersion: string;
  /** @throws what the system says */
  volume(path: string): Volume;
  run(program: string, args: readonly string[], options: { env: Record<string, string>; timeoutMs: number }): Promise<Ended>;
  /** Process that holds the kernel's lock on a file; null when none does, or the system does not say. */
  lockHolder(path: string): number | null;
  /** Why no port of this machine's own can be had; null when one can. */
  whyNoPort(): Promise<string | null>;
}

/** Numbers by which Linux names file systems of other machines: NFS, SMB 1, CIFS, SMB 2, AFS, Ceph, 9p, FUSE over SSH has none of its own. */
const REMOTE = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x01021997]);
const MOST_OUTPUT = 8 * 1024 * 1024;

export const systemMachine: Machine = {
  system: `${platform()} ${release()} ${arch()}`,
  nodeVersion: process.versions.node,
  volume(path) {
    const { bavail, bsize, blocks, ffree, files, type } = statfsSync(path);
    return {
      freeBytes: bavail * bsize,
      totalBytes: blocks * bsize,
      freeFiles: files > 0 ? ffree : null,
      isRemote: process.platform === "linux" && REMOTE.has(type),
    };
  },
  run(program, args, { env, timeoutMs }) {
    return new Promise((resolve) => {
      execFile(program, args, { env, timeout: timeoutMs, maxBuffer: MOST_OUTPUT, windowsHide: true, encoding: "utf8" }, (error, stdout, stderr) => {
        if (!error) resolve({ code: 0, stdout, stderr, reason: "" });
        else if (error.killed) resolve({ code: null, stdout, stderr, reason: `no answer within ${timeoutMs / 1000} s` });
        else {
          const last = stderr.trim().split("\n").at(-1)?.trim();
          resolve({ code: typeof error.code === "number" ? error.code : null, stdout, stderr, reason: last || error.message });
        }
      });
    });
  },
  lockHolder(path) {
    if (process.platform !== "linux") return null;
    try {
      const { ino } = statSync(path);
      // `1: FLOCK  ADVISORY  WRITE 4711 00:2d:1234 0 EOF`: process, then device and inode of the file.
      const held = readFileSync("/proc/locks", "utf8").matchAll(/^\d+: FLOCK\s+\w+\s+WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm);
      for (const [, pid, inode] of held) if (Number(inode) === ino && Number(pid) > 0) return Number(pid);
    } catch {
      // No such file, or no such table: then nothing can be said.
    }
    return null;
  },
  whyNoPort() {
    return new Promise((resolve) => {
      const server = createServer();
      server.once("error", (error) => resolve(error.message));
      server.listen({ port: 0, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(null)));
    });
  },
};

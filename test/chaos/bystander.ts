/**
 * A process that has nothing to do with tino, in the place of an engine that was just killed: it listens on that engine's port, answers
 * nothing, and has its PID. So it looks like an engine that hangs to whoever takes a PID or a port for an identity, and would be killed.
 *
 * The kernel gives a chosen PID to whoever may write `ns_last_pid` (root, as in CI) and is lucky enough that nobody else forks meanwhile.
 * Where that fails, also because the dead engine's parent is stopped and keeps its PID, the record is changed to name the bystander: the same temptation, with the start of the dead engine beside a live PID.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { EngineInfo } from "#contracts";
import { systemProcesses } from "../../extension/supervisor/processes.ts";
import type { Rig } from "../rig.ts";

const NEXT_PID = "/proc/sys/kernel/ns_last_pid";
const ATTEMPTS = 8;
const REAPED_WITHIN_MS = 300;
/** The engine's port may be held by connections that its clients have not closed yet; then another, which the record names. */
const PROGRAM = `
  const server = require("node:net").createServer(() => undefined);
  const listen = (port) => server.listen({ port, host: "127.0.0.1" });
  server.on("listening", () => process.stdout.write(String(server.address().port)));
  server.on("error", () => listen(0));
  listen(Number(process.argv[1]));
`;

export class Bystander {
  readonly process: ChildProcess;
  /** Whether it really has the PID of the engine. */
  readonly reused: boolean;

  private constructor(process: ChildProcess, reused: boolean) {
    this.process = process;
    this.reused = reused;
  }

  /** Take the place of an engine that was killed in this instant. */
  static async inPlaceOf(engine: EngineInfo, rig: Rig): Promise<Bystander> {
    for (const since = performance.now(); systemProcesses.look(engine.pid).exists && performance.now() - since < REAPED_WITHIN_MS; ) await delay(2);
    let child = start(engine.port);
    for (let attempt = 1; attempt <= ATTEMPTS && child.pid !== engine.pid && mayChoose(engine.pid); attempt += 1) {
      child.kill("SIGKILL");
      child = startAs(engine.pid, engine.port);
    }
    const reused = child.pid === engine.pid;
    const port = await new Promise<number>((resolve, reject) => {
      child.stdout?.once("data", (text) => resolve(Number(text)));
      child.once("close", () => reject(new Error("the bystander did not start")));
    });
    if ((!reused || port !== engine.port) && rig.engineInfo()?.instance === engine.instance) {
      writeFileSync(`${rig.paths.engineInfo}.new`, JSON.stringify({ ...engine, pid: child.pid, port }), { mode: 0o600 });
      renameSync(`${rig.paths.engineInfo}.new`, rig.paths.engineInfo);
    }
    return new Bystander(child, reused);
  }
}

const start = (port: number): ChildProcess => spawn(process.execPath, ["-e", PROGRAM, String(port)], { env: {}, stdio: ["ignore", "pipe", "ignore"] });

/** Somebody else has it by now, or the kernel does not take wishes. */
function mayChoose(pid: number): boolean {
  return process.getuid?.() === 0 && !systemProcesses.look(pid).exists;
}

/** Everybody else's PIDs go on from where they were. */
function startAs(pid: number, port: number): ChildProcess {
  const before = readFileSync(NEXT_PID, "utf8");
  try {
    writeFileSync(NEXT_PID, String(pid - 1));
    return start(port);
  } catch {
    return start(port); // Root without the capability, as in some containers.
  } finally {
    try {
      writeFileSync(NEXT_PID, before);
    } catch {
      // As above.
    }
  }
}

/**
 * Processes as macOS tells of them, through its own programs, since Node has no call for it.
 *
 * The start is what the kernel noted when the process was made (`p_starttime`): `ps -o lstart=` shows it in whole seconds and
 * `supervision/identity_macos.py` reads the same by libproc. The boot is `kern.bootsessionuuid`, made once at boot;
 * `kern.boottime` is no name for it, because it is moved when the clock is set. `lsof -F` is made to be read by programs: each
 * line begins with a letter that says what it is, `p` the PID and `c` the command (lsof(8), "OUTPUT FOR OTHER PROGRAMS").
 */
import type { Exists, ProcessSource, Run } from "./processes.ts";

export function macosSource(run: Run, exists: Exists): ProcessSource {
  let boot: string | null | undefined;
  return {
    look: (pid) => ({ exists: exists(pid), startId: null }),
    startId: (pid) => parseStart(run("/bin/ps", ["-p", String(pid), "-o", "stat=", "-o", "lstart="]) ?? ""),
    bootId() {
      boot ??= run("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"])?.trim() || null;
      return boot;
    },
    terminal: () => run("/usr/bin/tty", [])?.trim() || "terminal",
    listener(port) {
      const fields = run("/usr/sbin/lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]) ?? "";
      const pid = Number(/^p([0-9]+)$/m.exec(fields)?.[1]);
      return pid > 0 ? { pid, name: /^c(.+)$/m.exec(fields)?.[1] ?? null } : null;
    },
  };
}

/** `Ss   Fri Nov 21 15:06:32 2025` in UTC: seconds since the epoch as text; null for a zombie, and for what is no such line. */
function parseStart(line: string): string | null {
  const [, state = "Z", date = ""] = /^(\S+)\s+(\S+\s+\S+\s+[0-9]+\s+[0-9:]{8}\s+[0-9]{4})\s*$/.exec(line.trim()) ?? [];
  const at = Date.parse(`${date} UTC`);
  return state.startsWith("Z") || Number.isNaN(at) ? null : String(at / 1000);
}

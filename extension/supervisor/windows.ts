/**
 * Processes as Windows tells of them, through PowerShell and `netstat`, since Node has no call for it.
 *
 * The start is the creation time of the process, in whole seconds, as `supervision/identity_windows.py` writes it
 * (`Process.StartTime` and psutil both ask `GetProcessTimes`). Windows has no documented name of a boot. `netstat -ano` prints
 * protocol, local address, foreign address, state and PID; the word of the state is in the user's language, so a listener is
 * known by its foreign address, whose port is 0.
 */
import type { Exists, ProcessSource, Run } from "./processes.ts";

export function windowsSource(run: Run, exists: Exists): ProcessSource {
  const powershell = (command: string) => run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", command])?.trim() ?? "";
  return {
    look: (pid) => ({ exists: exists(pid), startId: null }),
    startId(pid) {
      const seconds = powershell(`[DateTimeOffset]::new((Get-Process -Id ${pid} -ErrorAction Stop).StartTime).ToUnixTimeSeconds()`);
      return /^[0-9]+$/.test(seconds) ? seconds : null;
    },
    bootId: () => null,
    terminal: () => "console",
    listener(port) {
      const rows = (run("netstat.exe", ["-ano", "-p", "TCP"]) ?? "").split("\n").map((line) => line.trim().split(/\s+/));
      const pid = Number(rows.find(([, local, remote]) => local?.endsWith(`:${port}`) && remote?.endsWith(":0"))?.[4]);
      if (!(pid > 0)) return null;
      const name = powershell(`(Get-Process -Id ${pid} -ErrorAction Stop).ProcessName`);
      return { pid, name: name || null };
    },
  };
}

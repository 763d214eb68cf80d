/** The engine's state on one screen. */
import type { Client, EngineStatus } from "#contracts";
import { CLIENT_KINDS } from "../../supervisor/lockDirectory.ts";
import { bytes, duration, moment, shortPath } from "../format.ts";
import { cut, type Paint, type Screen, table } from "../output.ts";

const ROLES: Record<EngineStatus["children"][number]["role"], string> = {
  language: "language host",
  data: "data worker",
  provide: "download",
  work: "backtest worker",
  spare: "spare worker",
  validation: "validation",
};

export function statusText(engine: EngineStatus, screen: Pick<Screen, "paint" | "width" | "shrink">, now: number): string {
  const { paint } = screen;
  const facts: [string, string][] = [
    ["Engine", `process ${engine.pid}, port ${engine.port}, version ${engine.version}`],
    ["Up", `${duration(now - engine.startedAt)}, since ${moment(engine.startedAt, now)}`],
    ["Runs", engine.runsRunning + engine.runsQueued === 0 ? "none under way" : `${engine.runsRunning} running, ${engine.runsQueued} queued`],
    ["Memory", [`${bytes(engine.memoryBytes)} engine`, ...engine.children.map((child) => `${bytes(child.memoryBytes)} ${ROLES[child.role]}`)].join(", ")],
    ["Python", shortPath(engine.pythonPath)],
    ["Home", shortPath(engine.home)],
    ["Log", shortPath(engine.logPath)],
  ];
  const lines = facts.map(([name, value]) => `  ${paint("dim", name.padEnd(7))} ${screen.shrink ? cut(value, screen.width - 10) : value}`);
  return [headline(engine, paint), "", ...lines, "", clientsText(engine.clients, screen, now)].join("\n");
}

/** `tino  PAPER  healthy`: the mode in words as well as in colour. */
export function headline(engine: Pick<EngineStatus, "mode" | "state">, paint: Paint): string {
  return `${paint("bold", "tino")}  ${modeMark(engine.mode, paint)}  ${paint(engine.state === "healthy" ? "green" : "yellow", engine.state)}`;
}

export const modeMark = (mode: EngineStatus["mode"], paint: Paint): string =>
  mode === "LIVE" ? paint(["red", "inverse", "bold"], " LIVE ") : paint(["blue", "bold"], "PAPER");

function clientsText(clients: readonly Client[], screen: Pick<Screen, "paint" | "width" | "shrink">, now: number): string {
  if (clients.length === 0) return screen.paint("dim", "Nobody uses it; it ends soon.");
  return table(
    [{ title: "Used by" }, { title: "Process", align: "right" }, { title: "Since" }, { title: "Where", shrinks: true }, { title: "Connected", keep: 1 }],
    clients.map((client) => [
      CLIENT_KINDS[client.kind],
      client.pid === null ? "" : String(client.pid),
      moment(client.since, now),
      client.workspace ? shortPath(client.workspace) : (client.tty ?? ""),
      client.connected ? "yes" : screen.paint("yellow", "no"),
    ]),
    screen,
  );
}

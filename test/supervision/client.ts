/**
 * A client in a process of its own, as windows and terminals are: connects at once, writes one line for each thing that happens, and
 * does what it is told on standard input.
 */
import { createInterface } from "node:readline";
import { TinoError } from "#contracts/catalogue";
import { EngineLink } from "../../extension/client/engineLink.ts";
import { systemClock } from "../../extension/supervisor/clock.ts";
import { locateInstallation } from "../../extension/supervisor/locate.ts";
import { fileLog } from "../../extension/supervisor/log.ts";
import { pathsOf } from "../../extension/supervisor/paths.ts";
import { placeOf } from "../../extension/supervisor/place.ts";

const say = (report: unknown) => process.stdout.write(`${JSON.stringify(report)}\n`);
const kind = process.argv[2] === "vscode" ? "vscode" : "cli";
const paths = pathsOf();
const link = new EngineLink({
  place: placeOf(paths, locateInstallation(import.meta.dirname), fileLog(paths.clientLog, systemClock)),
  kind,
  workspace: null,
  trustedFolders: [],
});
link.listen({
  onState(state) {
    if (state.kind === "live" || state.kind === "silent") {
      const { pid, instance, port } = state.connection;
      say({ state: { kind: state.kind, connection: { pid, instance, port } } });
    } else say({ state: state.kind === "failed" ? { kind: state.kind, error: state.error.body } : state });
  },
  onSnapshot: ({ seq, instance }) => say({ snapshot: { seq, instance } }),
  onEvent: (event, { seq, instance }) => say({ event: { ...event, seq, instance } }),
});
link.connect().catch((error) => say({ error: TinoError.is(error) ? error.body : { code: "?", message: String(error) } }));

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument = ""] = line.split(" ");
  if (command === "trust") link.trust([argument]);
  if (command === "again") link.startAgain().catch(() => undefined);
  if (command === "leave") {
    say({ left: await link.leave() });
    break;
  }
  if (command === "dispose") {
    link.dispose();
    say({ left: "disposed" });
    break;
  }
}
process.stdin.destroy();

/** Resident memory of the engine and its children while nobody does anything: a client is connected, one window's language session is open. */
import type { EngineStatus } from "#contracts";
import { openLanguageSocket } from "../../extension/client/socket.ts";
import { connect, memoryOf, python, startFloor, thirdPartyModules, withHome } from "../engine.ts";
import { atMost, type Row } from "../row.ts";
import { untilWarm } from "../runs.ts";

const MEGABYTE = 1_000_000;
const MOST_MB = 90;

/** What the engine says of itself and its children; taken once for all rows. */
let idle: Promise<EngineStatus> | undefined;

function idleStatus(): Promise<EngineStatus> {
  idle ??= withHome(async (rig) => {
    const link = await connect(rig);
    try {
      const socket = await openLanguageSocket((await link.connect()).connection);
      const answered = new Promise((resolve) => socket.once("message", resolve));
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: { processId: null, rootUri: null, capabilities: {} } }));
      await answered;
      await link.call("listSymbols");
      await untilWarm(link);
      const status = await link.call("getEngine");
      socket.close();
      return status;
    } finally {
      await link.leave();
    }
  });
  return idle;
}

const ofChild = async (role: EngineStatus["children"][number]["role"]): Promise<number> =>
  ((await idleStatus()).children.find((child) => child.role === role)?.memoryBytes ?? Number.NaN) / MEGABYTE;

export const rows: readonly Row[] = [
  {
    name: "memory of the engine",
    goal: `≤ ${MOST_MB} MB; the floor imports the same packages and answers one route`,
    run: async () => {
      const interpreter = python();
      const floor = await startFloor(interpreter, thirdPartyModules(interpreter));
      try {
        const least = memoryOf(floor.process.pid as number) / MEGABYTE;
        return atMost("MB", (await idleStatus()).memoryBytes / MEGABYTE, MOST_MB, least);
      } finally {
        await floor.end();
      }
    },
  },
  { name: "memory of the language host", goal: `≤ ${MOST_MB} MB`, run: async () => atMost("MB", await ofChild("language"), MOST_MB) },
  {
    name: "memory of the warm spare",
    goal: "printed; NautilusTrader is loaded in it",
    run: async () => atMost("MB", await ofChild("spare"), Number.POSITIVE_INFINITY),
  },
];

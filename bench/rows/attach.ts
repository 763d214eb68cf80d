/** A second client finds the running engine, has it prove itself, opens its event stream and holds the first snapshot. */
import { answers, connect, withHome } from "../engine.ts";
import { atMost, inTurns, type Row, timed } from "../row.ts";

const TURNS = 25;
const MOST_MS = 50;

export const rows: readonly Row[] = [
  {
    name: "attach",
    goal: `≤ ${MOST_MS} ms; the floor is one request to the engine's port`,
    run: () =>
      withHome(async (rig) => {
        const first = await connect(rig);
        try {
          const { port } = rig.engineInfo() as { port: number };
          const attach = async () => {
            let second: Awaited<ReturnType<typeof connect>> | undefined;
            const elapsed = await timed(async () => {
              second = await connect(rig);
            });
            second?.dispose();
            return elapsed;
          };
          const [value, floor] = await inTurns(TURNS, attach, () => timed(() => answers(port, "/api/health")));
          return atMost("ms", value, MOST_MS, floor);
        } finally {
          await first.leave();
        }
      }),
  },
];

/** From the spawn of an engine to its being healthy, as a client sees it, against a process that loads the same packages and answers one route. */
import { connect, python, startFloor, thirdPartyModules, withHome } from "../engine.ts";
import { againstFloor, inTurns, type Row, timed } from "../row.ts";

const TURNS = 9;
const MOST = 1.2;

export const rows: readonly Row[] = [
  {
    name: "start",
    goal: `≤ ${MOST}× a process that imports the same packages and answers one route`,
    run: () =>
      withHome(async (rig) => {
        const interpreter = python();
        const modules = thirdPartyModules(interpreter);
        const start = async () => {
          let link: Awaited<ReturnType<typeof connect>> | undefined;
          const elapsed = await timed(async () => {
            link = await connect(rig);
          });
          await link?.leave();
          await rig.untilEmpty();
          return elapsed;
        };
        const floor = async () => {
          let process: Awaited<ReturnType<typeof startFloor>> | undefined;
          const elapsed = await timed(async () => {
            process = await startFloor(interpreter, modules);
          });
          await process?.end();
          return elapsed;
        };
        const [value, least] = await inTurns(TURNS, start, floor);
        return againstFloor("ms", value, least, MOST);
      }),
  },
];

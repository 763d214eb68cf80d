/** `tino status` as it is built, from the start of its process to its end, with an engine running, against a Node that does nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { connect, ROOT, withHome } from "../engine.ts";
import { againstFloor, inTurns, type Row, timed } from "../row.ts";

const TURNS = 15;
const MOST = 2.5;

export const rows: readonly Row[] = [
  {
    name: "status",
    goal: `≤ ${MOST}× \`node -e 0\``,
    run: () =>
      withHome(async (rig) => {
        const link = await connect(rig);
        try {
          const node = (...args: string[]) =>
            timed(async () => {
              const [code] = await once(spawn(process.execPath, args, { env: rig.env, stdio: "ignore" }), "exit");
              if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}`);
            });
          const [value, floor] = await inTurns(
            TURNS,
            () => node(join(ROOT, "dist", "cli", "main.js"), "status"),
            () => node("-e", "0"),
          );
          return againstFloor("ms", value, floor, MOST);
        } finally {
          await link.leave();
        }
      }),
  },
];

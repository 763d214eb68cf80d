/** A million bars from a CSV file into the catalog, against pandas reading the same file and writing Parquet. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../engine.ts";
import { againstFloor, inTurns, type Row } from "../row.ts";

const TURNS = 5;
const MOST = 1.5;

export const rows: readonly Row[] = [
  {
    name: "import",
    goal: `≤ ${MOST}× pandas.read_csv and to_parquet`,
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), "tino-bench-import-"));
      try {
        // pandas is no part of the product: both run in the environment of the tests.
        const python = join(ROOT, "engine", ".venv-dev", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
        const file = join(folder, "bars.csv");
        const script = (what: string, ...more: string[]) =>
          execFileSync(python, [join(ROOT, "bench", "import_bars.py"), what, file, ...more], { encoding: "utf8" });
        script("make", folder);
        const take = (what: string) => async () => {
          const target = join(folder, what);
          mkdirSync(target);
          const elapsed = Number(script(what, target));
          rmSync(target, { recursive: true });
          return elapsed;
        };
        const [value, floor] = await inTurns(TURNS, take("tino"), take("pandas"));
        return againstFloor("ms", value, floor, MOST);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

/** `tino doctor`: the diagnosis on the screen or as JSON, and the bundle for a report, which is shown in full before it is saved. */
import { EXIT, TinoError } from "#contracts/catalogue";
import { buildBundle, bundleText, saveBundle } from "../diagnosis/bundle.ts";
import { diagnosisJson } from "../diagnosis/diagnose.ts";
import { repairedSentence } from "../diagnosis/report.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";
import { shortPath } from "./format.ts";
import { orAborted } from "./session.ts";
import { doctorText } from "./ui/doctorText.ts";
import { StatusLine } from "./ui/statusLine.ts";
import { doctor } from "./verbs/doctor.ts";

export interface DoctorOptions {
  readonly fix?: boolean;
  readonly bundle?: string;
  readonly yes?: boolean;
}

export async function performDoctor(context: Context, { fix = false, bundle, yes = false }: DoctorOptions): Promise<number> {
  const { screen, place, signal } = context;
  if (bundle !== undefined && !yes && !screen.interactive)
    throw TinoError.of("terminal_required", {}, { hint: "Say --yes to save it unseen, or run it in a terminal." });
  const line = new StatusLine(screen);
  const found = await orAborted(doctor(place, { fix, onLook: (title) => line.spin(`Looking at: ${title.toLowerCase()}`) }), signal).finally(() => line.clear());
  const { diagnosis, repaired, subject } = found;
  const json = { ...diagnosisJson(diagnosis), repaired };
  if (bundle === undefined) {
    if (screen.json) screen.printJson({ ...json, bundle: null });
    else {
      for (const one of repaired) screen.note(repairedSentence(one));
      screen.print(doctorText(diagnosis, screen));
    }
    return diagnosis.verdict === "problem" ? EXIT.fault : EXIT.ok;
  }
  const text = bundleText(await buildBundle(subject, diagnosis));
  if (!yes) {
    screen.print(text);
    if (!(await confirm(`That is all of it. Save it as ${shortPath(bundle)}? [y/N] `, signal))) {
      screen.note("Nothing was saved.");
      return EXIT.cancelled;
    }
  }
  const path = saveBundle(bundle, context.cwd, text);
  if (screen.json) screen.printJson({ ...json, bundle: path });
  else screen.print(`Saved ${shortPath(path)}. It stays on this machine until you send it.`);
  return EXIT.ok;
}

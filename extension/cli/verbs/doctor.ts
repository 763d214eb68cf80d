/** Look at everything that tino rests on, and put right what can be put right without a risk. */
import { type Diagnosis, diagnose, type Repaired, repair } from "../../diagnosis/diagnose.ts";
import { Subject } from "../../diagnosis/subject.ts";
import type { Place } from "../../supervisor/place.ts";

export interface Doctored {
  readonly diagnosis: Diagnosis;
  readonly repaired: readonly Repaired[];
  /** What the diagnosis was made of. */
  readonly subject: Subject;
}

export async function doctor(place: Place, options: { fix: boolean; onLook?: (title: string) => void }): Promise<Doctored> {
  const look = async () => {
    const subject = new Subject(place, "tino");
    return { subject, diagnosis: await diagnose(subject, options.onLook) };
  };
  const first = await look();
  const repaired = options.fix ? repair(first.diagnosis) : [];
  // What was put right may have hidden something else, so everything is looked at again.
  return { repaired, ...(repaired.length > 0 ? await look() : first) };
}

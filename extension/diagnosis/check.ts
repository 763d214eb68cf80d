/** What a check of the diagnosis says. */

export type Verdict = "ok" | "warning" | "problem";

/** Something that can be put right without a risk: nothing is lost, and nobody's process is touched. */
export interface Repair {
  /** What it does, as the end of “tino doctor --fix …”. */
  readonly does: string;
  perform(): void;
}

/** One thing that was found. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was found, in a sentence. */
  readonly text: string;
  /** What to do about it, in words; null where there is nothing to do. */
  readonly fix: string | null;
  readonly repair: Repair | null;
}

export interface Check {
  readonly name: string;
  readonly title: string;
  /** What was looked at. */
  readonly looked: string;
  readonly findings: readonly Finding[];
}

export const ok = (text: string): Finding => ({ verdict: "ok", text, fix: null, repair: null });
export const warning = (text: string, fix: string | null, repair: Repair | null = null): Finding => ({ verdict: "warning", text, fix, repair });
export const problem = (text: string, fix: string, repair: Repair | null = null): Finding => ({ verdict: "problem", text, fix, repair });

const ORDER: readonly Verdict[] = ["ok", "warning", "problem"];

/** The worst of several. */
export const worst = (verdicts: readonly Verdict[]): Verdict => ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))] as Verdict;
export const verdictOf = ({ findings }: Check): Verdict => worst(findings.map(({ verdict }) => verdict));

/** A number of things in words: `1 problem`, `2 problems`. */
export const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? "" : "s"}`;

/** Why something could not be done, in the system's words without its code and path. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    EACCES: "permission denied",
    EPERM: "not permitted",
    ENOENT: "it does not exist",
    ENOTDIR: "a part of the path is not a folder",
    ELOOP: "its links go in a circle",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
    EIO: "the disk cannot be read",
    EEXIST: "it exists already",
    EISDIR: "it is a folder",
  };
  return (code && known[code]) ?? message ?? String(error);
}

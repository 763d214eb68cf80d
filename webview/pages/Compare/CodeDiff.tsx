/** How the code of a run differs from that of the first: a unified diff here, the editor's own diff editor where there is one. */
import { structuredPatch } from "diff";
import { useMemo, useState } from "react";
import type { RunCode, RunSummary } from "#contracts";
import { useAct, useCall } from "../../engine.tsx";
import { Button } from "../../parts/Button.tsx";
import { Failure, Skeleton } from "../../parts/states.tsx";

interface Props {
  readonly runs: readonly RunSummary[];
  readonly sameCode: readonly (boolean | null)[];
  readonly letterOf: (index: number) => string;
  readonly canOpen: boolean;
}

export function CodeDiff({ runs, sameCode, letterOf, canOpen }: Props) {
  const act = useAct();
  const [other, setOther] = useState<number | null>(null);
  // Runs of the same file may still have imported other ones; what is known to be the same as a whole needs no look.
  const others = runs.flatMap((run, index) => (index > 0 && (sameCode[index] !== true || run.code?.hash !== runs[0]!.code?.hash) ? [index] : []));
  return (
    <section>
      <h3>Code</h3>
      {others.length === 0 ? <p className="muted">Every run ran the same code.</p> : null}
      <div className="compare-code-tools">
        {others.map((index) => (
          <span key={runs[index]!.id} className="compare-code-pair">
            <Button icon="diff" aria-pressed={other === index} onClick={() => setOther(other === index ? null : index)}>
              {letterOf(0)} → {letterOf(index)}
            </Button>
            {canOpen ? (
              <Button icon="go-to-file" onClick={() => act({ type: "compareCode", runs: [runs[0]!.id, runs[index]!.id] })}>
                Open diff editor
              </Button>
            ) : null}
          </span>
        ))}
      </div>
      {other === null ? null : <Patch first={runs[0]!.id} other={runs[other]!.id} />}
    </section>
  );
}

function Patch({ first, other }: { first: string; other: string }) {
  const a = useCall("getRunCode", { path: { id: first } }, { staleTime: Number.POSITIVE_INFINITY });
  const b = useCall("getRunCode", { path: { id: other } }, { staleTime: Number.POSITIVE_INFINITY });
  const files = useMemo(() => (a.data && b.data ? patches(a.data, b.data) : null), [a.data, b.data]);
  const error = a.error ?? b.error;
  if (error) return <Failure error={error.body} />;
  if (!files) return <Skeleton label="Loading the code" lines={6} />;
  if (files.length === 0) return <p className="muted">Both ran the same code.</p>;
  return files.map(({ name, hunks }) => (
    <figure key={name} className="patch">
      <figcaption>{name}</figcaption>
      <pre>
        {hunks.map((hunk) => (
          <span key={`${hunk.oldStart} ${hunk.newStart}`}>
            <span className="patch-place">{`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@\n`}</span>
            {hunk.lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a diff never changes.
              <span key={index} data-kind={line[0] === "+" ? "added" : line[0] === "-" ? "removed" : undefined}>
                {`${line}\n`}
              </span>
            ))}
          </span>
        ))}
      </pre>
    </figure>
  ));
}

function patches(a: RunCode, b: RunCode) {
  const textOf = (code: RunCode, name: string) => code.files.find((file) => file.name === name)?.text ?? "";
  const names = [...new Set([...a.files, ...b.files].map((file) => file.name))];
  return names
    .filter((name) => textOf(a, name) !== textOf(b, name))
    .map((name) => ({ name, hunks: structuredPatch(name, name, textOf(a, name), textOf(b, name), "", "", { context: 4 }).hunks }));
}

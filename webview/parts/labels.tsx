/** What a user writes on runs: tags, a note, the pin; and throwing runs away. */
import { useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useState } from "react";
import { type CallArgs, type RunSummary, Tag } from "#contracts";
import { useAct, useLiveRun, useTell, useTransport } from "../engine.tsx";
import { Button, ToolButton } from "./Button.tsx";
import { Icon } from "./Icon.tsx";

type Change = Omit<NonNullable<CallArgs<"labelRuns">["body"]>, "runs">;

/** Change the labels of runs; lists hear of it by the event that follows. */
export function useLabel(): (runs: readonly string[], change: Change) => void {
  const transport = useTransport();
  const tell = useTell();
  const queries = useQueryClient();
  return (runs, change) => {
    transport.call("labelRuns", { body: { runs: [...runs], ...change } }).then(() => queries.invalidateQueries({ queryKey: ["getRun"] }), tell);
  };
}

export function PinButton({ run }: { run: RunSummary }) {
  const label = useLabel();
  const pinned = useLiveRun(run.id)?.pinned ?? run.pinned;
  return (
    <ToolButton
      icon={pinned ? "pinned" : "pin"}
      label={pinned ? "Unpin this run" : "Pin this run on top of lists"}
      aria-pressed={pinned}
      onClick={() => label([run.id], { pinned: !pinned })}
    />
  );
}

export function Tags({ tags }: { tags: readonly string[] }) {
  return tags.map((tag) => (
    <span key={tag} className="badge tag">
      {tag}
    </span>
  ));
}

/** What can be done with the runs that are chosen, and what is written on them. */
export function LabelBar({ runs, compare, done }: { runs: readonly RunSummary[]; compare: () => void; done: () => void }) {
  const act = useAct();
  const label = useLabel();
  const ids = runs.map(({ id }) => id);
  const pinned = runs.every((run) => run.pinned);
  const shared = runs[0]!.tags.filter((tag) => runs.every((run) => run.tags.includes(tag)));
  const active = runs.some((run) => run.endedAt === null);
  return (
    <div className="label-bar" role="toolbar" aria-label="Chosen runs">
      <strong>{runs.length === 1 ? "1 run" : `${runs.length} runs`}</strong>
      <Button
        icon="git-compare"
        look="primary"
        disabled={runs.length < 2 || runs.length > 20}
        onClick={compare}
        title={runs.length < 2 ? "Mark two or more runs to compare them" : "Curves, figures, parameters and code side by side"}
      >
        Compare
      </Button>
      <Button icon={pinned ? "pinned" : "pin"} onClick={() => label(ids, { pinned: !pinned })}>
        {pinned ? "Unpin" : "Pin"}
      </Button>
      <span className="label-tags">
        <Icon name="tag" />
        {shared.map((tag) => (
          <span key={tag} className="badge tag">
            {tag}
            <button type="button" aria-label={`Remove the tag ${tag}`} onClick={() => label(ids, { removeTags: [tag] })}>
              <Icon name="close" />
            </button>
          </span>
        ))}
        <TagInput add={(tag) => label(ids, { addTags: [tag] })} />
      </span>
      {runs.length === 1 ? <NoteInput key={runs[0]!.id} run={runs[0]!} save={(note) => label(ids, { note })} /> : <span className="frame-space" />}
      <Button
        icon="trash"
        disabled={active}
        title={active ? "A run that has not ended cannot be deleted" : undefined}
        onClick={() => act({ type: "deleteRuns", runs: [...runs] })}
      >
        Delete
      </Button>
      <ToolButton icon="close" label="Choose nothing" onClick={done} />
    </div>
  );
}

function TagInput({ add }: { add: (tag: string) => void }) {
  const [text, setText] = useState("");
  const wrong = text.trim() !== "" && !Tag.safeParse(text.trim()).success;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || text.trim() === "" || wrong) return;
    event.preventDefault();
    add(text.trim());
    setText("");
  };
  return (
    <input
      type="text"
      aria-label="Add a tag"
      placeholder="Add a tag"
      value={text}
      aria-invalid={wrong}
      title={wrong ? "Up to 40 characters, no comma" : "Enter adds it"}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={onKeyDown}
    />
  );
}

/** Saved by Enter and on leaving; Escape brings back what is stored. */
function NoteInput({ run, save }: { run: RunSummary; save: (note: string) => void }) {
  const [text, setText] = useState(run.note);
  useEffect(() => setText(run.note), [run.note]);
  const keep = () => {
    if (text.trim() !== run.note) save(text);
  };
  return (
    <input
      className="label-note"
      type="text"
      aria-label="Note"
      placeholder="Note"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={keep}
      onKeyDown={(event) => {
        if (event.key === "Enter") keep();
        else if (event.key === "Escape") setText(run.note);
      }}
    />
  );
}

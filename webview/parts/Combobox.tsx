/**
 * A text field with a list of what may stand in it, filtered while one types (the ARIA combobox with a list popup).
 * Arrow keys move, Enter takes, Escape closes.
 */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { Icon } from "./Icon.tsx";

export interface Choice {
  readonly value: string;
  readonly label: string;
  /** Small print beside the label. */
  readonly detail?: string;
}

interface Props {
  readonly id?: string;
  readonly label: string;
  readonly value: string | null;
  readonly choices: readonly Choice[];
  readonly placeholder?: string;
  readonly invalid?: boolean;
  readonly describedBy?: string | undefined;
  readonly disabled?: boolean;
  readonly onChoose: (value: string) => void;
}

/** More are filtered away by typing; a list longer than this cannot be read anyway. */
const SHOWN = 100;

export function Combobox({ id, label, value, choices, placeholder, invalid = false, describedBy, disabled = false, onChoose }: Props) {
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [active, setActive] = useState(0);
  const open = typed !== null;
  const chosen = choices.find((choice) => choice.value === value);
  const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const found = choices.filter(({ label: text, detail }) => words.every((word) => `${text} ${detail ?? ""}`.toLowerCase().includes(word))).slice(0, SHOWN);

  useEffect(() => {
    if (open) list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active, open]);

  const start = () => {
    if (disabled || open) return;
    setTyped("");
    setActive(
      Math.max(
        0,
        choices.findIndex((choice) => choice.value === value),
      ),
    );
  };
  const take = (choice: Choice | undefined) => {
    setTyped(null);
    if (choice && choice.value !== value) onChoose(choice.value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey) return;
    if (!open) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp" || event.key === "Enter") {
        event.preventDefault();
        start();
      }
      return;
    }
    if (event.key === "ArrowDown") setActive((index) => Math.min(index + 1, found.length - 1));
    else if (event.key === "ArrowUp") setActive((index) => Math.max(index - 1, 0));
    else if (event.key === "Enter") take(found[active]);
    else if (event.key === "Escape") setTyped(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="combobox">
      <input
        id={id}
        type="text"
        role="combobox"
        autoComplete="off"
        spellCheck={false}
        aria-label={label}
        aria-expanded={open}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={open && found[active] ? `${listId}-${active}` : undefined}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        disabled={disabled}
        placeholder={open ? (chosen?.label ?? placeholder) : placeholder}
        value={typed ?? chosen?.label ?? value ?? ""}
        title={chosen?.detail}
        onClick={start}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
        // A choice is taken on the press of the button, which leaves the focus here.
        onBlur={() => setTyped(null)}
      />
      <Icon name="chevron-down" />
      {open ? (
        <div className="combobox-list" role="listbox" id={listId} ref={list} aria-label={label}>
          {found.map((choice, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the field, which keeps the focus.
            <div
              key={choice.value}
              id={`${listId}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={choice.value === value}
              data-active={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(choice)}
              onMouseMove={() => setActive(index)}
            >
              <span>{choice.label}</span>
              {choice.detail ? <small>{choice.detail}</small> : null}
            </div>
          ))}
          {found.length === 0 ? (
            <div className="muted" role="option" tabIndex={-1} aria-selected={false} aria-disabled="true">
              Nothing matches
            </div>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

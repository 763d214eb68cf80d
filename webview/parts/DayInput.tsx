import { useRef } from "react";
import { ToolButton } from "./Button.tsx";
import type { ControlProps } from "./Field.tsx";

interface Props {
  readonly control: ControlProps;
  /** `YYYY-MM-DD`, or whatever was typed so far; null: not set. */
  readonly value: string | null;
  /** What holds while it is not set. */
  readonly usual: string | null;
  readonly onChange: (day: string | null) => void;
}

/** A day, written the same way in every locale; the button opens the system's calendar. */
export function DayInput({ control, value, usual, onChange }: Props) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className="day">
      <input
        {...control}
        type="text"
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        placeholder="YYYY-MM-DD"
        data-empty={value === null}
        value={value ?? usual ?? ""}
        onFocus={(event) => value === null && event.target.select()}
        onChange={(event) => onChange(event.target.value.trim() || null)}
      />
      <ToolButton icon="calendar" label="Choose a day" tabIndex={-1} onClick={() => picker.current?.showPicker()} />
      <input
        className="day-picker"
        ref={picker}
        type="date"
        tabIndex={-1}
        aria-hidden="true"
        value={value ?? usual ?? ""}
        onChange={(event) => onChange(event.target.value || null)}
      />
    </div>
  );
}

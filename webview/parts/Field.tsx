import { type ReactNode, useId } from "react";
import type { ErrorBody } from "#contracts";
import { ToolButton } from "./Button.tsx";

/** What a control needs to be tied to its label, help and error. */
export interface ControlProps {
  readonly id: string;
  readonly "aria-invalid": boolean;
  readonly "aria-describedby": string | undefined;
}

interface Props {
  readonly label: string;
  /** Small print after the label: unit, allowed range. */
  readonly unit?: string | undefined;
  readonly help?: string | null | undefined;
  readonly error?: ErrorBody | null | undefined;
  /** Differs from its default; shown as the editor marks changed settings. */
  readonly changed?: boolean;
  readonly onReset?: (() => void) | undefined;
  readonly children: (control: ControlProps) => ReactNode;
}

/** One row of a form. */
export function Field({ label, unit, help, error, changed = false, onReset, children }: Props) {
  const id = useId();
  const described = [help ? `${id}-help` : null, error ? `${id}-error` : null].filter(Boolean).join(" ");
  return (
    <div className="field" data-changed={changed} data-invalid={error ? true : undefined}>
      <div className="field-head">
        <label htmlFor={id}>{label}</label>
        {unit ? <span className="field-unit">{unit}</span> : null}
        {changed && onReset ? <ToolButton icon="discard" label={`Reset ${label} to its default`} onClick={onReset} /> : null}
      </div>
      {children({ id, "aria-invalid": Boolean(error), "aria-describedby": described || undefined })}
      {help ? (
        <p className="field-help" id={`${id}-help`}>
          {help}
        </p>
      ) : null}
      {error ? (
        <p className="field-error" id={`${id}-error`} role="alert">
          {error.message}
        </p>
      ) : null}
    </div>
  );
}

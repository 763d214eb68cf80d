/** A form made from the schema of a strategy's config class: one row for each field, of the kind that fits it. */
import { useEffect, useState } from "react";
import type { ErrorBody, Parameter, ParameterValue, SymbolEntry } from "#contracts";
import { Combobox } from "./Combobox.tsx";
import { type ControlProps, Field } from "./Field.tsx";
import { rangeWords, readText } from "./parameterChecks.ts";

interface Props {
  readonly parameters: readonly Parameter[];
  readonly valueIn: (parameter: Parameter) => ParameterValue;
  readonly errors: ReadonlyMap<string, ErrorBody>;
  /** What instruments and bar types may be chosen. */
  readonly symbols: readonly SymbolEntry[];
  readonly onChange: (parameter: Parameter, value: ParameterValue) => void;
}

export function ParameterForm({ parameters, valueIn, errors, symbols, onChange }: Props) {
  return (
    <>
      {parameters.map((parameter) => {
        const value = valueIn(parameter);
        const changed = JSON.stringify(value ?? null) !== JSON.stringify(parameter.default ?? null);
        return (
          <Field
            key={parameter.name}
            label={parameter.name}
            unit={rangeWords(parameter) ?? undefined}
            help={parameter.kind === "boolean" ? null : parameter.description}
            error={errors.get(parameter.name)}
            changed={changed}
            onReset={() => onChange(parameter, parameter.default)}
          >
            {(control) => <Control control={control} parameter={parameter} value={value} symbols={symbols} onChange={(next) => onChange(parameter, next)} />}
          </Field>
        );
      })}
    </>
  );
}

interface ControlOf {
  readonly control: ControlProps;
  readonly parameter: Parameter;
  readonly value: ParameterValue;
  readonly symbols: readonly SymbolEntry[];
  readonly onChange: (value: ParameterValue) => void;
}

function Control({ control, parameter, value, symbols, onChange }: ControlOf) {
  switch (parameter.kind) {
    case "integer":
    case "number":
    case "decimal":
      return <FigureInput control={control} parameter={parameter} value={value} onChange={onChange} />;
    case "boolean":
      return (
        <span className="checkbox">
          <input {...control} type="checkbox" checked={value === true} onChange={(event) => onChange(event.target.checked)} />
          <label htmlFor={control.id}>{parameter.description ?? (value === true ? "On" : "Off")}</label>
        </span>
      );
    case "choice":
      return (
        <select {...control} value={typeof value === "string" ? value : ""} onChange={(event) => onChange(event.target.value)}>
          {parameter.nullable || value === null ? <option value="">–</option> : null}
          {(parameter.choices ?? []).map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case "instrument":
    case "barType": {
      const choices =
        parameter.kind === "instrument"
          ? symbols.map(({ instrument }) => ({ value: instrument.id, label: instrument.id, detail: instrument.name ?? "" }))
          : symbols.flatMap(({ coverage }) => coverage.map(({ barType }) => ({ value: barType, label: barType })));
      const none = parameter.fromData ? [{ value: "", label: "The chosen data" }] : [];
      return (
        <Combobox
          id={control.id}
          label={parameter.name}
          value={typeof value === "string" ? value : parameter.fromData ? "" : null}
          choices={[...none, ...choices]}
          invalid={control["aria-invalid"]}
          describedBy={control["aria-describedby"]}
          onChoose={(chosen) => onChange(chosen === "" ? null : chosen)}
        />
      );
    }
    case "instruments":
    case "barTypes":
    case "text":
      return (
        <input
          {...control}
          type="text"
          spellCheck={false}
          placeholder={parameter.fromData ? "The chosen data" : undefined}
          value={Array.isArray(value) ? value.join(", ") : String(value ?? "")}
          onChange={(event) => {
            const text = event.target.value;
            if (parameter.kind === "text") onChange(text);
            else onChange(text.trim() === "" ? parameter.default : text.split(",").map((item) => item.trim()));
          }}
        />
      );
  }
}

/** A figure as it is typed: half a number is kept as text, so that nobody's typing is rewritten under their fingers. */
function FigureInput({ control, parameter, value, onChange }: Omit<ControlOf, "symbols">) {
  const [text, setText] = useState(String(value ?? ""));
  useEffect(() => {
    setText((now) => (JSON.stringify(readText(parameter, now)) === JSON.stringify(value) ? now : String(value ?? "")));
  }, [parameter, value]);
  const step = parameter.multipleOf ?? (parameter.kind === "integer" ? 1 : stepFor(parameter));
  const put = (next: string) => {
    setText(next);
    onChange(readText(parameter, next));
  };
  const move = (by: number) => {
    const now = Number(text);
    if (!Number.isFinite(now)) return;
    const low = parameter.minimum ?? parameter.exclusiveMinimum ?? Number.NEGATIVE_INFINITY;
    const high = parameter.maximum ?? parameter.exclusiveMaximum ?? Number.POSITIVE_INFINITY;
    put(String(Number(Math.min(Math.max(now + by * step, low), high).toFixed(10))));
  };
  return (
    <input
      {...control}
      type="text"
      role="spinbutton"
      inputMode="decimal"
      autoComplete="off"
      spellCheck={false}
      aria-valuenow={typeof value === "number" ? value : undefined}
      aria-valuemin={parameter.minimum ?? undefined}
      aria-valuemax={parameter.maximum ?? undefined}
      placeholder={parameter.nullable ? "none" : undefined}
      value={text}
      onChange={(event) => put(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        move((event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 10 : 1));
      }}
    />
  );
}

/** A hundredth of the range, or of the default's size, as a round number. */
function stepFor({ minimum, exclusiveMinimum, maximum, exclusiveMaximum, default: usual }: Parameter): number {
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  const size = low !== null && high !== null ? (high - low) / 100 : Math.abs(Number(usual) || 1) / 10;
  return 10 ** Math.floor(Math.log10(size || 1));
}

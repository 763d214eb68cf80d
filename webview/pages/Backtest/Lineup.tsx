/** Who trades, and what comes before the first day: warm-up, an instance for each symbol, further strategies, ticks. */
import type { ErrorBody, Strategy, SymbolEntry } from "#contracts";
import { ToolButton } from "../../parts/Button.tsx";
import { Combobox } from "../../parts/Combobox.tsx";
import { Field } from "../../parts/Field.tsx";
import { ParameterForm } from "../../parts/ParameterForm.tsx";
import { type Draft, sameValue } from "./request.ts";

interface Props {
  readonly strategies: readonly Strategy[];
  readonly symbols: readonly SymbolEntry[];
  readonly draft: Draft;
  readonly errors: ReadonlyMap<string, ErrorBody>;
  readonly onDraft: (draft: Draft) => void;
}

const TICKS = { trades: "Trades", quotes: "Quotes" } as const;

/** The first day's bars before it. Text: a number; null: as many as the indicators need. */
export function WarmUp({ draft, errors, onDraft }: Pick<Props, "draft" | "errors" | "onDraft">) {
  return (
    <Field
      label="Warm-up"
      unit={draft.warmUp === null ? undefined : "bars"}
      help={
        draft.warmUp === null
          ? "As many bars before the first day as the indicators need; orders are withheld meanwhile."
          : "Fed before the first day; orders are withheld meanwhile."
      }
      error={errors.get("warmUp")}
      changed={draft.warmUp !== "0"}
      onReset={() => onDraft({ ...draft, warmUp: "0" })}
    >
      {(control) => (
        <span className="warm-up">
          <input
            {...control}
            type="text"
            inputMode="numeric"
            autoComplete="off"
            disabled={draft.warmUp === null}
            value={draft.warmUp ?? ""}
            placeholder="by indicators"
            onChange={(event) => onDraft({ ...draft, warmUp: event.target.value.trim() })}
          />
          <label>
            <input type="checkbox" checked={draft.warmUp === null} onChange={(event) => onDraft({ ...draft, warmUp: event.target.checked ? null : "0" })} />
            by indicators
          </label>
        </span>
      )}
    </Field>
  );
}

/** An instance for each symbol, and the ticks that are stored. */
export function Instances({ takesMany, draft, symbols, onDraft }: Pick<Props, "draft" | "symbols" | "onDraft"> & { takesMany: boolean }) {
  const stored = symbols.filter(({ instrument }) => draft.symbols.includes(instrument.id)).flatMap(({ ticks }) => ticks.map(({ kind }) => kind as string));
  const kinds = (Object.keys(TICKS) as (keyof typeof TICKS)[]).filter((kind) => stored.includes(kind) || draft.ticks.includes(kind));
  return (
    <>
      <span className="checkbox">
        <label className="with-box">
          <input
            type="checkbox"
            checked={draft.perSymbol}
            onChange={({ target: { checked } }) =>
              onDraft({ ...draft, perSymbol: checked, symbols: checked || takesMany ? draft.symbols : draft.symbols.slice(0, 1) })
            }
          />
          An instance for each symbol
        </label>
      </span>
      {kinds.map((kind) => (
        <span key={kind} className="checkbox">
          <label className="with-box">
            <input
              type="checkbox"
              checked={draft.ticks.includes(kind)}
              onChange={(event) => onDraft({ ...draft, ticks: event.target.checked ? [...draft.ticks, kind] : draft.ticks.filter((one) => one !== kind) })}
            />
            {TICKS[kind]} too
          </label>
        </span>
      ))}
    </>
  );
}

/** Strategies that trade beside the one above, each with its own parameters, on the same data. */
export function Others({ strategies, symbols, draft, errors, onDraft }: Props) {
  const key = ({ path, name }: { path: string; name: string | null }) => `${path}#${name}`;
  const put = (place: number, choice: Draft["strategies"][number] | null) =>
    onDraft({ ...draft, strategies: draft.strategies.flatMap((one, index) => (index !== place ? [one] : choice ? [choice] : [])) });
  return (
    <fieldset>
      <legend>Further strategies</legend>
      {draft.strategies.map((choice, place) => {
        const known = strategies.find((strategy) => key(strategy) === key(choice));
        const title = choice.name ?? choice.path;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same strategy may stand here twice.
          <details key={place} className="other-strategy">
            <summary>
              <span>{title}</span>
              <ToolButton icon="close" label={`Remove ${title}`} onClick={() => put(place, null)} />
            </summary>
            {known ? (
              <ParameterForm
                parameters={known.parameters.filter(({ fromData }) => !fromData)}
                symbols={symbols}
                errors={errors}
                valueIn={(parameter) => choice.parameters[parameter.name] ?? parameter.default}
                onChange={(parameter, value) => {
                  const { [parameter.name]: _, ...others } = choice.parameters;
                  put(place, { ...choice, parameters: sameValue(value, parameter.default) ? others : { ...others, [parameter.name]: value } });
                }}
              />
            ) : (
              <p className="muted">{choice.path}</p>
            )}
          </details>
        );
      })}
      <Combobox
        id="other-strategy"
        label="Add a strategy to the portfolio"
        placeholder="Add a strategy to the portfolio"
        value={null}
        choices={strategies.map((strategy) => ({ value: key(strategy), label: strategy.name, detail: strategy.path }))}
        onChoose={(chosen) => {
          const strategy = strategies.find((one) => key(one) === chosen);
          if (strategy)
            onDraft({
              ...draft,
              strategies: [...draft.strategies, { path: strategy.path, name: strategy.name, symbols: [], barTypes: [], parameters: {} }],
            });
        }}
      />
    </fieldset>
  );
}

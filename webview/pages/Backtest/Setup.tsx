/** The left side of the page: which strategy, with which parameters, on what data, under which assumptions. */
import type { ReactNode } from "react";
import type { ErrorBody, Strategy, StrategyList, SymbolEntry } from "#contracts";
import { plain } from "../../format.ts";
import { Button } from "../../parts/Button.tsx";
import { Combobox } from "../../parts/Combobox.tsx";
import { DataWarnings } from "../../parts/DataWarnings.tsx";
import { DayInput } from "../../parts/DayInput.tsx";
import { Field } from "../../parts/Field.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ParameterForm } from "../../parts/ParameterForm.tsx";
import { SourceLink } from "../../parts/states.tsx";
import { Assumptions } from "./Assumptions.tsx";
import { Instances, Others, WarmUp } from "./Lineup.tsx";
import { coverageOf, type Draft, takesMany, valueIn, withParameter } from "./request.ts";

interface Props {
  readonly strategies: StrategyList | undefined;
  readonly strategy: Strategy | undefined;
  /** Why the strategy cannot be read now. */
  readonly problem: ErrorBody | null;
  readonly symbols: readonly SymbolEntry[];
  readonly draft: Draft | null;
  readonly errors: ReadonlyMap<string, ErrorBody>;
  readonly onStrategy: (strategy: Strategy) => void;
  readonly onDraft: (draft: Draft) => void;
  /** The button that runs or cancels, with what it says about itself. */
  readonly action: ReactNode;
}

export const strategyKey = ({ path, name }: { path: string; name: string }): string => `${path}#${name}`;

export function Setup({ strategies, strategy, problem, symbols, draft, errors, onStrategy, onDraft, action }: Props) {
  const all = strategies?.strategies ?? [];
  return (
    <form className="setup" aria-label="Backtest" onSubmit={(event) => event.preventDefault()}>
      <Field label="Strategy" help={strategy?.description} error={errors.get("path") ?? errors.get("name")}>
        {(control) => (
          <Combobox
            id={control.id}
            label="Strategy"
            value={strategy ? strategyKey(strategy) : null}
            placeholder="Choose a strategy"
            choices={all.map((found) => ({ value: strategyKey(found), label: found.name, detail: shortPath(found.path) }))}
            describedBy={control["aria-describedby"]}
            onChoose={(key) => {
              const chosen = all.find((found) => strategyKey(found) === key);
              if (chosen) onStrategy(chosen);
            }}
          />
        )}
      </Field>
      {strategy ? (
        <p className="setup-source">
          <Icon name="file-code" /> <SourceLink path={strategy.path} line={strategy.line} />
        </p>
      ) : null}
      {problem ? (
        <div className="setup-refusal" role="alert">
          <p>{problem.message}</p>
          <p className="muted">{problem.hint}</p>
          {problem.location ? <SourceLink path={problem.location.path} line={problem.location.line} /> : null}
        </div>
      ) : null}
      {strategies?.problems.map((problem) => (
        <p key={problem.message} className="setup-problem">
          <Icon name="warning" /> {problem.message}{" "}
          {problem.location ? (
            <SourceLink path={problem.location.path} line={problem.location.line}>
              Open
            </SourceLink>
          ) : null}
        </p>
      ))}
      {strategy && draft ? (
        <>
          <Data strategy={strategy} symbols={symbols} draft={draft} errors={errors} onDraft={onDraft} />
          <Parameters strategy={strategy} symbols={symbols} draft={draft} errors={errors} onDraft={onDraft} />
          <Others strategies={all} symbols={symbols} draft={draft} errors={errors} onDraft={onDraft} />
          <Assumptions draft={draft} symbols={symbols} errors={errors} onDraft={onDraft} />
        </>
      ) : null}
      {draft ? (
        <DataWarnings
          symbols={draft.symbols}
          barType={draft.barType}
          from={draft.from}
          to={draft.to}
          adjustment={draft.adjustment}
          onAdjustment={(adjustment) => onDraft({ ...draft, adjustment })}
        />
      ) : null}
      <div className="setup-action">{action}</div>
    </form>
  );
}

function shortPath(path: string): string {
  const parts = path.split(/[\\/]/);
  return parts.length > 3 ? `…/${parts.slice(-2).join("/")}` : path;
}

interface PartProps {
  readonly draft: Draft;
  readonly symbols: readonly SymbolEntry[];
  readonly errors: ReadonlyMap<string, ErrorBody>;
  readonly onDraft: (draft: Draft) => void;
}

function Parameters({ strategy, symbols, draft, errors, onDraft }: PartProps & { strategy: Strategy }) {
  // What receives the chosen data by itself is asked for above, unless somebody set it apart.
  const own = strategy.parameters.filter(({ fromData, name }) => !fromData || name in draft.parameters);
  const changed = Object.keys(draft.parameters).length;
  if (own.length === 0) return null;
  return (
    <fieldset>
      <legend>
        Parameters
        {changed > 0 ? (
          <Button look="link" onClick={() => onDraft({ ...draft, parameters: {} })}>
            Reset all
          </Button>
        ) : null}
      </legend>
      <ParameterForm
        parameters={own}
        symbols={symbols}
        errors={errors}
        valueIn={(parameter) => valueIn(draft, parameter)}
        onChange={(parameter, value) => onDraft(withParameter(draft, parameter, value))}
      />
    </fieldset>
  );
}

function Data({ strategy, symbols, draft, errors, onDraft }: PartProps & { strategy: Strategy }) {
  // An instance for each symbol lets any strategy trade several.
  const many = takesMany(strategy) || draft.perSymbol;
  const coverage = coverageOf(symbols, draft.symbols);
  const chosen = draft.barType === null ? coverage : coverage.filter(({ barType }) => barType === draft.barType);
  const zone = symbols.find(({ instrument }) => draft.symbols.includes(instrument.id))?.instrument.timeZone ?? "UTC";
  const day = (at: number) => new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(at);
  const first = chosen.length > 0 ? day(Math.min(...chosen.map(({ from }) => from))) : null;
  const last = chosen.length > 0 ? day(Math.max(...chosen.map(({ to }) => to))) : null;
  const hasActions = symbols.some(({ instrument, actions }) => draft.symbols.includes(instrument.id) && actions.length > 0);
  const choices = symbols
    .filter(({ instrument }) => !many || !draft.symbols.includes(instrument.id))
    .map(({ instrument, coverage: stored }) => ({
      value: instrument.id,
      label: instrument.id,
      detail: [instrument.name, stored.map(({ barType }) => barSize(barType)).join(", ")].filter(Boolean).join(" · "),
    }));
  const choose = (id: string) => onDraft({ ...draft, symbols: many ? [...draft.symbols, id] : [id], barType: null });
  return (
    <fieldset>
      <legend>Data</legend>
      <Field label={many ? "Symbols" : "Symbol"} error={errors.get("symbols")}>
        {(control) => (
          <>
            {many && draft.symbols.length > 0 ? (
              <ul className="chips">
                {draft.symbols.map((id) => (
                  <li key={id}>
                    {id}
                    <button
                      type="button"
                      aria-label={`Remove ${id}`}
                      onClick={() => onDraft({ ...draft, symbols: draft.symbols.filter((other) => other !== id) })}
                    >
                      <Icon name="close" />
                    </button>
                  </li>
                ))}
              </ul>
            ) : null}
            <Combobox
              id={control.id}
              label={many ? "Add a symbol" : "Symbol"}
              placeholder={many ? "Add a symbol" : "Choose a symbol"}
              value={many ? null : (draft.symbols[0] ?? null)}
              choices={choices}
              invalid={control["aria-invalid"]}
              describedBy={control["aria-describedby"]}
              onChoose={choose}
            />
          </>
        )}
      </Field>
      <Instances takesMany={takesMany(strategy)} draft={draft} symbols={symbols} onDraft={onDraft} />
      {!many && coverage.length > 1 ? (
        <Field label="Bars" error={errors.get("barTypes")}>
          {(control) => (
            <select {...control} value={draft.barType ?? ""} onChange={(event) => onDraft({ ...draft, barType: event.target.value || null })}>
              <option value="">The finest stored</option>
              {coverage.map(({ barType }) => (
                <option key={barType} value={barType}>
                  {barSize(barType)}
                </option>
              ))}
            </select>
          )}
        </Field>
      ) : null}
      <div className="field-pair">
        <Field label="From" error={errors.get("from")}>
          {(control) => <DayInput control={control} value={draft.from} usual={first} onChange={(from) => onDraft({ ...draft, from })} />}
        </Field>
        <Field label="To" error={errors.get("to")}>
          {(control) => <DayInput control={control} value={draft.to} usual={last} onChange={(to) => onDraft({ ...draft, to })} />}
        </Field>
      </div>
      {first && last ? (
        <div className="coverage">
          <span className="muted">
            Stored: {first} – {last} ·{" "}
            {plain(
              chosen.reduce((sum, { bars }) => sum + bars, 0),
              0,
            )}{" "}
            bars
          </span>
          <span className="quick">
            {[1, 3, 5, 10].map((years) => {
              const from = yearsBefore(last, years);
              return from > first ? (
                <button key={years} type="button" aria-pressed={draft.from === from && draft.to === null} onClick={() => onDraft({ ...draft, from, to: null })}>
                  {years}Y
                </button>
              ) : null;
            })}
            <button type="button" aria-pressed={draft.from === null && draft.to === null} onClick={() => onDraft({ ...draft, from: null, to: null })}>
              All
            </button>
          </span>
        </div>
      ) : null}
      <WarmUp draft={draft} errors={errors} onDraft={onDraft} />
      <Field
        label="Prices"
        error={errors.get("adjustment")}
        changed={draft.adjustment !== "splitsAndDividends"}
        onReset={() => onDraft({ ...draft, adjustment: "splitsAndDividends" })}
      >
        {(control) => (
          <select
            {...control}
            title={hasActions ? undefined : "No splits or dividends are stored for this symbol."}
            value={draft.adjustment}
            onChange={(event) => onDraft({ ...draft, adjustment: event.target.value as Draft["adjustment"] })}
          >
            <option value="splitsAndDividends">Adjusted for splits and dividends</option>
            <option value="splits">Adjusted for splits</option>
            <option value="none">As traded</option>
          </select>
        )}
      </Field>
    </fieldset>
  );
}

/** `AAPL.XNAS-1-DAY-LAST-EXTERNAL` → `1 day`; the rest as it stands. */
function barSize(barType: string): string {
  const match = /-(\d+)-([A-Z]+)-[A-Z]+-[A-Z]+$/.exec(barType);
  return match ? `${match[1]} ${match[2]!.toLowerCase()}` : barType;
}

function yearsBefore(day: string, years: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCFullYear(date.getUTCFullYear() - years);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

/** What the simulated venue assumes. Folded: rarely changed, always worth knowing. */
import { type ReactNode, useState } from "react";
import { type ErrorBody, FILL_MODELS, type SymbolEntry } from "#contracts";
import { type ControlProps, Field } from "../../parts/Field.tsx";
import { type Draft, fromPercentText, toPercentText } from "./request.ts";
import { USUAL_VENUE, VENUE_WORDS, type VenueText, venueChanges } from "./venueText.ts";

interface Props {
  readonly draft: Draft;
  readonly symbols: readonly SymbolEntry[];
  readonly errors: ReadonlyMap<string, ErrorBody>;
  readonly onDraft: (draft: Draft) => void;
}

/** Instruments whose own margin is offered; more of them would fill the form. */
const MARGIN_ROWS = 8;

export function Assumptions({ draft, symbols, errors, onDraft }: Props) {
  const { venue } = draft;
  const changed = venueChanges(venue);
  const wrong = [...errors.keys()].some((field) => field.startsWith("venue"));
  const [open, setOpen] = useState(false);
  const currency = symbols.find(({ instrument }) => draft.symbols.includes(instrument.id))?.instrument.currency;
  const put = (part: Partial<VenueText>) => onDraft({ ...draft, venue: { ...venue, ...part } });
  const field = (name: keyof VenueText, control: (control: ControlProps) => ReactNode, { unit, help }: { unit?: string | undefined; help?: string } = {}) => (
    <Field
      label={VENUE_WORDS[name]}
      unit={unit}
      help={help}
      error={errors.get(`venue.${name}`)}
      changed={changed.includes(name)}
      onReset={() => put({ [name]: USUAL_VENUE[name] })}
    >
      {control}
    </Field>
  );
  const figure = (name: Figure, unit?: string, help?: string) =>
    field(name, (control) => <FigureText control={control} value={venue[name]} onChange={(text) => put({ [name]: text.replaceAll(",", "").trim() })} />, {
      unit,
      ...(help && { help }),
    });
  const percent = (name: "makerFee" | "takerFee") =>
    field(name, (control) => <FigureText control={control} value={toPercentText(venue[name])} onChange={(text) => put({ [name]: fromPercentText(text) })} />, {
      unit: "%",
    });
  const choice = <K extends "accountType" | "omsType" | "feeModel" | "fillModel">(name: K, options: Readonly<Record<VenueText[K], string>>, help?: string) =>
    field(
      name,
      (control) => (
        <select {...control} value={venue[name]} onChange={(event) => put({ [name]: event.target.value as VenueText[K] })}>
          {Object.entries<string>(options).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      ),
      help ? { help } : {},
    );
  const flag = (name: "barExecution" | "adaptiveHighLow", words: string) =>
    field(name, (control) => (
      <span className="checkbox">
        <input {...control} type="checkbox" checked={venue[name]} onChange={(event) => put({ [name]: event.target.checked })} />
        <label htmlFor={control.id}>{words}</label>
      </span>
    ));
  const further = [venue.submitLatencyMs, venue.modifyLatencyMs, venue.cancelLatencyMs].some((text) => text !== "0");
  return (
    <details className="assumptions" open={open || wrong} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Assumptions
        <span className="muted">{changed.length > 0 ? changed.map((name) => VENUE_WORDS[name].toLowerCase()).join(", ") : "usual"}</span>
      </summary>
      {choice(
        "accountType",
        { MARGIN: "Margin", CASH: "Cash" },
        venue.accountType === "CASH" ? "Refuses short sales." : "Allows short sales within the margin.",
      )}
      {figure("startingBalance", currency)}
      {venue.accountType === "MARGIN" ? (
        <>
          {figure("leverage", "× equity")}
          <Margins venue={venue} symbols={draft.symbols} errors={errors} put={put} />
        </>
      ) : null}
      {choice("omsType", { NETTING: "Netting: one an instrument", HEDGING: "Hedging: one an order" })}
      {choice("feeModel", { makerTaker: "Rates of the value", fixed: "A fixed amount an order", perContract: "An amount a unit" })}
      {venue.feeModel === "makerTaker" ? (
        <div className="field-pair">
          {percent("makerFee")}
          {percent("takerFee")}
        </div>
      ) : (
        figure("feeAmount", [currency, venue.feeModel === "fixed" ? "an order" : "a unit"].filter(Boolean).join(" "))
      )}
      {choice(
        "fillModel",
        Object.fromEntries(Object.entries(FILL_MODELS).map(([name, { label }]) => [name, label])) as Record<VenueText["fillModel"], string>,
        FILL_MODELS[venue.fillModel].does,
      )}
      {figure("slippageProbability", "0 to 1", "Chance that a market or stop order fills one tick worse than that.")}
      {figure("limitFillProbability", "0 to 1", "Chance that a limit order fills when a price only touches it.")}
      {figure("seed", undefined, "Of the fill model's random numbers.")}
      {figure(
        "latencyMs",
        "ms",
        venue.latencyMs === "0" ? "Orders arrive at once." : "Orders arrive with the first bar after that time and fill at its close.",
      )}
      {venue.latencyMs !== "0" || further ? (
        <>
          {figure("submitLatencyMs", "ms")}
          {figure("modifyLatencyMs", "ms")}
          {figure("cancelLatencyMs", "ms")}
        </>
      ) : null}
      {flag("adaptiveHighLow", "The nearer of the two comes first")}
      {flag("barExecution", "Otherwise quotes and trades alone do")}
    </details>
  );
}

type Figure = "startingBalance" | "leverage" | "feeAmount" | "slippageProbability" | "limitFillProbability" | "seed" | (`${string}atencyMs` & keyof VenueText);

/** A margin of their own for single instruments: empty where the leverage decides. */
function Margins({
  venue,
  symbols,
  errors,
  put,
}: {
  venue: VenueText;
  symbols: readonly string[];
  errors: Props["errors"];
  put: (part: Partial<VenueText>) => void;
}) {
  const shown = [...new Set([...Object.keys(venue.margins), ...symbols.slice(0, MARGIN_ROWS)])];
  const set = (instrument: string, text: string) => {
    const { [instrument]: _, ...others } = venue.margins;
    put({ margins: text.trim() === "" ? others : { ...others, [instrument]: fromPercentText(text) } });
  };
  return shown.map((instrument) => (
    <Field
      key={instrument}
      label={`Margin of ${instrument}`}
      unit="%"
      error={errors.get(`venue.margins.${instrument}`)}
      changed={instrument in venue.margins}
      onReset={() => set(instrument, "")}
    >
      {(control) => (
        <FigureText
          control={control}
          value={instrument in venue.margins ? toPercentText(venue.margins[instrument]!) : ""}
          placeholder="by leverage"
          onChange={(text) => set(instrument, text)}
        />
      )}
    </Field>
  ));
}

/** A text field for a figure that another notation is shown for: what is typed stays until the field is left. */
function FigureText({
  control,
  value,
  placeholder,
  onChange,
}: {
  control: ControlProps;
  value: string;
  placeholder?: string;
  onChange: (text: string) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      {...control}
      type="text"
      inputMode="decimal"
      autoComplete="off"
      placeholder={placeholder}
      value={typed ?? value}
      onChange={(event) => {
        setTyped(event.target.value);
        onChange(event.target.value);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

/** Strategies found in a workspace by reading their syntax tree; their code is not run for it. */
import { z } from "zod";
import { ErrorBody } from "./errors.ts";

export const ParameterKind = z.enum(["integer", "number", "decimal", "boolean", "text", "choice", "instrument", "barType", "instruments", "barTypes"]).meta({ id: "ParameterKind" });
export type ParameterKind = z.infer<typeof ParameterKind>;

/** A value a parameter may take on the wire. Decimals, instruments and bar types are text. */
export const ParameterValue = z.union([z.boolean(), z.number().int(), z.number(), z.string(), z.array(z.string()), z.null()]).meta({ id: "ParameterValue" });
export type ParameterValue = z.infer<typeof ParameterValue>;

/** One field of a strategy's config class; a form row, a command-line option, a search dimension. */
export const Parameter = z
  .object({
    name: z.string(),
    kind: ParameterKind,
    required: z.boolean().describe("No default, and not filled from the chosen data."),
    nullable: z.boolean(),
    fromData: z.boolean().describe("An instrument or bar type: receives the chosen data unless given."),
    default: ParameterValue,
    minimum: z.number().nullable(),
    exclusiveMinimum: z.number().nullable(),
    maximum: z.number().nullable(),
    exclusiveMaximum: z.number().nullable(),
    multipleOf: z.number().nullable(),
    choices: z.array(z.string()).nullable(),
    description: z.string().nullable().describe("From the line's comment, the string under the field or the class docstring."),
    line: z.number().int().min(1),
  })
  .meta({ id: "Parameter" });
export type Parameter = z.infer<typeof Parameter>;

/** A class derived from Strategy. */
export const Strategy = z
  .object({
    path: z.string().describe("Absolute path of the file."),
    name: z.string().describe("Class name."),
    line: z.number().int().min(1).describe("Line of `class`."),
    description: z.string().nullable().describe("First paragraph of the docstring."),
    configName: z.string().nullable(),
    parameters: z.array(Parameter),
  })
  .meta({ id: "Strategy" });
export type Strategy = z.infer<typeof Strategy>;

export const StrategyQuery = z.object({ folder: z.string().nullable().default(null).describe("Search below this folder; null: below every trusted folder.") }).meta({ id: "StrategyQuery" });
export type StrategyQuery = z.infer<typeof StrategyQuery>;

export const StrategyList = z
  .object({
    strategies: z.array(Strategy),
    problems: z.array(ErrorBody).describe("Files that mention Strategy and could not be read."),
  })
  .meta({ id: "StrategyList" });
export type StrategyList = z.infer<typeof StrategyList>;

export const StrategySchemaQuery = z.object({ path: z.string(), name: z.string().nullable().default(null).describe("Needed when the file holds more than one.") }).meta({ id: "StrategySchemaQuery" });
export type StrategySchemaQuery = z.infer<typeof StrategySchemaQuery>;

/** Errors on the wire: what every failed request, run and command carries. The codes are those of `catalogue.ts`. */
import { z } from "zod";
import { Location } from "./base.ts";
import { CATALOGUE, type Code } from "./catalogue.ts";

export const ErrorCode = z.enum(Object.keys(CATALOGUE) as [Code, ...Code[]]).meta({ id: "ErrorCode" });
export type ErrorCode = Code;

/** One line of the user's own traceback; frames of libraries are left out. */
export const TraceFrame = z
  .object({
    path: z.string(),
    line: z.number().int().min(1),
    function: z.string(),
    code: z.string().describe("The source line, trimmed."),
  })
  .meta({ id: "TraceFrame" });
export type TraceFrame = z.infer<typeof TraceFrame>;

/** What every failed request, failed run and failed command carries. */
export const ErrorBody = z
  .object({
    code: ErrorCode,
    message: z.string().describe("What happened, one sentence."),
    hint: z.string().describe("What to do about it."),
    location: Location.nullable().default(null),
    traceback: z.array(TraceFrame).default([]),
    field: z.string().nullable().default(null).describe("The request field or parameter at fault."),
  })
  .meta({ id: "ErrorBody" });
export type ErrorBody = z.infer<typeof ErrorBody>;

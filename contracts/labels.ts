/** What a user writes on runs, and throwing runs away. Labels change nothing about a run; they say what it is to its owner. */
import { z } from "zod";
import { RunId } from "./base.ts";

/** One word or a few, without commas. */
export const Tag = z
  .string()
  .regex(/^[^\s,][^,\r\n\t]{0,39}$/)
  .meta({ id: "Tag", description: "Up to 40 characters without a comma, not beginning with a space." });
export type Tag = z.infer<typeof Tag>;

const runs = z.array(RunId).min(1).max(1000);

/** Body of `POST /api/backtest/label`: what to change on each of the runs; what is left out stays. */
export const LabelRequest = z
  .object({
    runs,
    addTags: z.array(Tag).max(20).default([]),
    removeTags: z.array(Tag).max(20).default([]),
    note: z.string().max(10_000).nullable().default(null).describe("Takes the note's place; empty text removes it. Null: as it is."),
    pinned: z.boolean().nullable().default(null).describe("Null: as it is."),
  })
  .meta({ id: "LabelRequest" });
export type LabelRequest = z.infer<typeof LabelRequest>;

/** Body of `POST /api/backtest/delete`. */
export const DeleteRequest = z.object({ runs }).meta({ id: "DeleteRequest" });
export type DeleteRequest = z.infer<typeof DeleteRequest>;

export const DeleteReply = z.object({ deleted: z.array(RunId), freedBytes: z.number().int().min(0).describe("What the files of their results took.") }).meta({ id: "DeleteReply" });
export type DeleteReply = z.infer<typeof DeleteReply>;

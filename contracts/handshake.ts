/**
 * The first words two processes exchange: protocol number, start-up lines, health challenge.
 *
 * Like `catalogue.ts` this file imports nothing, so that finding a running engine needs no zod.
 */

/** Integer protocol between clients and engine. Equal numbers may talk; unequal ones say who must be updated. */
export const PROTOCOL = 1;

/** What the engine says on standard output while it starts: phases, then READY, then phases until healthy, or an error. */
export const READY_LINE = /^READY ([0-9]{1,5}) ([0-9a-f]{32})$/;
export const PHASE_LINE = /^PHASE (.{1,80})$/;
/** The last line of an engine that cannot start: an `ErrorBody` as JSON. */
export const ERROR_LINE = /^ERROR (\{.*\})$/;

/** The text under the health proof. */
export const healthChallenge = (nonce: string, pid: number, port: number, instance: string): string => `tino-health|${nonce}|${pid}|${port}|${instance}`;

/**
 * Imported before everything else: the contracts' validator compiles code where it may, and the pages' content security
 * policy forbids that. Saying so beforehand spares it the attempt, which the browser would report as a violation.
 */
const validator = globalThis as { __zod_globalConfig?: { jitless?: boolean } };
validator.__zod_globalConfig = { ...validator.__zod_globalConfig, jitless: true };

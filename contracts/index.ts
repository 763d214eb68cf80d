/** What `#contracts` resolves to: every shape that crosses a process boundary. */
export * from "./api.ts";
export * from "./backtest.ts";
export * from "./base.ts";
export * from "./catalogue.ts";
export * from "./data.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./handshake.ts";
export * from "./log.ts";
export * from "./panel.ts";
export * from "./process.ts";
export * from "./search.ts";
export * from "./strategies.ts";

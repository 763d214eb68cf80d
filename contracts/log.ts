/**
 * The one format of log records, and what must never be in one. Read by both languages: Python gets these tables generated.
 *
 * A record is one JSON object on one line. It begins with `LOG_FIELDS`, as far as they apply; further keys are data, in
 * snake case. Times are UTC with milliseconds, so that records of several files sort as text.
 *
 * Like `catalogue.ts` this file imports nothing: `tino status` writes a log too.
 */

/** Keys that every record begins with; `run_id` and `trader_id` name what it is about, `pid` who wrote it. */
export const LOG_FIELDS = ["ts", "level", "component", "event", "run_id", "trader_id", "pid"] as const;

/** From the least to the most important. */
export const LOG_LEVELS = ["debug", "info", "warning", "error", "critical"] as const;

/** What takes the place of a secret. */
export const REDACTED = "<redacted>";

/** Longest text in a record, in characters. */
export const LONGEST_LOG_TEXT = 8_000;

/** Keys whose values are never written, whatever they hold. */
export const HIDDEN_NAME = "(^|_)(tokens?|secrets?|passwords?|passphrases?|authorization|cookies?|api_?keys?|private_?keys?|credentials?|nonce|proof|tickets?|signatures?)($|_)";

/**
 * Texts that are secrets by their look, for records that hold what others wrote: a library's warning, an exception, a strategy's print.
 * The first group is kept, the rest replaced. Only what JavaScript and Python read alike: no flags but the one below, no look-behind.
 */
export const HIDDEN_TEXTS: readonly string[] = [
  // A key in PEM form.
  "()-----BEGIN [A-Za-z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Za-z ]*PRIVATE KEY-----)?",
  // A header.
  "\\b((?:bearer|basic) +)[A-Za-z0-9._~+/=-]{8,}",
  // A name and its value: `api_key = …`, `"token": "…"`, `password=…`.
  "((?:token|secret|password|passwd|passphrase|api[_-]?key|private[_-]?key|credentials?)[\"']?[ ]?[=:][ ]?[\"']?)(?!<redacted>)[^\\s\"',;&)}\\]]{4,}",
  // A one-time code or ticket in an address.
  "([#?&](?:code|ticket|key|auth)=)[^\\s\"'&]+",
  // A password in an address.
  "(\\b[a-z][a-z0-9+.-]*://[^\\s/:@]*:)[^\\s/@]+(?=@)",
  // Keys by their makers' prefixes.
  "()\\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
  "()\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b",
  "()\\b(?:gh[pousr]|xox[abeprs]|glpat)[-_][A-Za-z0-9_-]{16,}",
  "()\\bAIza[A-Za-z0-9_-]{30,}",
  // A signed token of three parts.
  "()\\beyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]+",
  // Our own token has 64 hex digits; keys of venues look alike.
  "()\\b[0-9a-f]{40,}\\b",
  "()\\b[A-Za-z0-9_+=-]{48,}",
];

/** With this flag of both languages' expressions: upper and lower case alike. */
export const HIDDEN_FLAG = "i";

/**
 * Texts without whom and where they are from: for what leaves the machine.
 *
 * A bundle is made from named fields (`bundle.ts`); this is the second fence, for the few of them that are sentences. What is known
 * of this user and machine is replaced first (folders, names, tokens that exist right now), then what looks like something private.
 * What is equal stays recognisable within one bundle: long numbers become a mark made with a salt that is thrown away.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { redactText } from "../supervisor/log.ts";
import type { Place } from "../supervisor/place.ts";
import type { Claim } from "./locks.ts";

/** Shorter names are parts of words everywhere. */
const SHORTEST_NAME = 3;
/** A variable that is named like a secret may hold a plain word; one that is also a word of ours must not make every bundle impossible. */
const SHORTEST_SECRET = 8;
const PLAIN_WORDS = /^[a-z ]*$/i;
const SECRET_VARIABLE = /key|token|secret|passw|passphrase|credential|cookie|account|(?:^|_)(?:pass|auth)(?:_|$)/i;
const PLACE = /^(?:[/\\~.]|[A-Za-z]:[/\\])/;

/** Folders of tino's own that may be named, with what lies in them left out below the given depth. */
const OWN_FOLDERS: Readonly<Record<string, number>> = { run: 3, db: 2, logs: 2, data: 1, runs: 1, traders: 1 };
const OWN_SOURCES = /^(?:engine|dist|scripts|node_modules|extension|package\.json)(?:\/|$)/;

export class Anonymiser {
  readonly #salt = randomBytes(16);
  /** Longest first, so that a part never hides the whole. */
  readonly #known: readonly (readonly [RegExp, string])[];
  readonly #secrets: readonly string[];

  constructor(place: Place, claims: readonly Claim[]) {
    const { paths, installation, env } = place;
    const secrets = [tokenOf(paths.engineToken), ...claims.map(({ lock }) => lock?.nonce ?? ""), ...secretVariables(env)];
    this.#secrets = secrets.filter(Boolean);
    const folders: [string, string][] = [
      ...claims.map(({ lock }): [string, string] => [lock?.workspace ?? "", "<workspace>"]),
      [paths.home, "<home>"],
      [installation.root, "<tino>"],
      [installation.engineDirectory, "<tino>/engine"],
      ...[homedir(), env.HOME, env.USERPROFILE].map((folder): [string, string] => [folder ?? "", "~"]),
    ];
    const names: [string, string][] = [
      ...[userName(), env.USER, env.LOGNAME, env.USERNAME].map((name): [string, string] => [name ?? "", "<user>"]),
      ...[hostname(), hostname().split(".", 1)[0], env.HOSTNAME, env.COMPUTERNAME].map((name): [string, string] => [name ?? "", "<host>"]),
    ];
    this.#known = [
      ...longestFirst(this.#secrets.map((secret): [string, string] => [secret, "<secret>"])).map(([text, mark]) => [literally(text), mark] as const),
      ...longestFirst(folders.filter(([folder]) => folder.length > 1)).map(([text, mark]) => [literally(text), mark] as const),
      ...longestFirst(names.filter(([name]) => name.length >= SHORTEST_NAME)).map(
        ([text, mark]) => [new RegExp(`(?<![\\w-])${escaped(text)}(?![\\w-])`, "gi"), mark] as const,
      ),
    ];
  }

  /** The sentence without anything private. */
  text(sentence: string): string {
    let clean = sentence;
    for (const [pattern, mark] of this.#known) clean = clean.replace(pattern, () => mark);
    clean = redactText(clean);
    return PRIVATE.reduce((rest, [pattern, put]) => rest.replace(pattern, (...found) => put(found as string[], this)), clean);
  }

  /** A mark that equals another of this bundle if the values do, and tells nothing else. */
  mark(value: string): string {
    return `#${createHash("sha256").update(this.#salt).update(value).digest("hex").slice(0, 8)}`;
  }

  /** Whether a text holds a secret that exists right now: a last look at what was put together. */
  holdsSecret(text: string): boolean {
    return this.#secrets.some((secret) => text.includes(secret));
  }
}

const PRIVATE: readonly (readonly [RegExp, (found: readonly string[], anonymiser: Anonymiser) => string])[] = [
  [/\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, () => "<address>"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'`)]+/gi, () => "<url>"],
  [/\b(?!127\.0\.0\.1\b)\d{1,3}(?:\.\d{1,3}){3}\b/g, () => "<ip>"],
  // Below our own folders: as deep as says nothing of the user.
  [/(<home>|<tino>|<workspace>|~)[\\/]([^\s"'`,;:)]*)/g, ([, root = "", rest = ""]) => below(root, rest)],
  [/(?<![\w<>~.])(?:[A-Za-z]:)?[\\/](?!\s)[^\s"'`,;:)]+/g, () => "<path>"],
  [/(?<![\w<>])[\w.-]+\.(?:py|ipynb|csv|parquet|json|ya?ml|txt|env|pem)\b/gi, ([name = ""]) => (/^(?:package\.json|engine\.)/.test(name) ? name : "<file>")],
  [/\b[0-9a-f]{24,}\b/gi, ([hex = ""], anonymiser) => anonymiser.mark(hex)],
  // Accounts: of brokers (`DU1234567`), of banks, or simply long numbers.
  [/\b[A-Z]{1,4}-?\d{2}(?:[ -]?\d{2,}){2,}\b/g, ([account = ""], anonymiser) => `<account ${anonymiser.mark(account)}>`],
  [/\b[A-Z]{1,4}-?\d{5,}\b/g, ([account = ""], anonymiser) => `<account ${anonymiser.mark(account)}>`],
  [/(?<![\w.:<#])(?!\d{4}-\d\d-\d\d\b)\d(?:[ -]?\d){6,}(?![\w:]| ms\b)/g, ([number = ""], anonymiser) => `<number ${anonymiser.mark(number)}>`],
];

function below(root: string, rest: string): string {
  const parts = rest.split(/[\\/]/).filter(Boolean);
  if (parts.length === 0) return root;
  if (root === "<tino>" && OWN_SOURCES.test(parts.join("/"))) return `${root}/${parts.join("/")}`;
  const depth = root === "<home>" ? (OWN_FOLDERS[parts[0] as string] ?? 0) : 0;
  const kept = parts.slice(0, depth);
  return [root, ...kept, ...(kept.length < parts.length ? ["…"] : [])].join("/");
}

function tokenOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return ""; // No engine, no token.
  }
}

/** Values of the environment that are named like secrets; the place where one lies is none. */
const secretVariables = (env: Place["env"]): string[] =>
  Object.entries(env).flatMap(([name, value = ""]) =>
    SECRET_VARIABLE.test(name) && value.length >= SHORTEST_SECRET && !PLACE.test(value) && !PLAIN_WORDS.test(value) ? [value] : [],
  );

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ""; // A user without an entry, as in many containers.
  }
}

const longestFirst = (pairs: readonly [string, string][]): [string, string][] => [...pairs].sort(([one], [other]) => other.length - one.length);
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** File systems of two of three platforms do not tell upper from lower case. */
const literally = (text: string): RegExp => new RegExp(escaped(text), "gi");

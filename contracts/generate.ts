/**
 * `npm run contracts`: writes everything that is derived from the zod schemas; `--check` writes nothing and fails on any difference.
 *
 *   contracts/schema.json              JSON Schema of every named shape
 *   contracts/openapi.json             the HTTP interface, from the call table
 *   engine/tino_engine/contracts.py    the same shapes for pydantic, and the tables
 *   docs/errors.md, docs/metrics.md, docs/api.md
 *
 * The Python models come from datamodel-code-generator, which lives in the engine's development environment.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { CALLS, CATALOGUE, type Call, EXIT, FILL_MODELS, HIDDEN_NAME, HIDDEN_TEXTS, LOG_FIELDS, LONGEST_LOG_TEXT, METRICS, PROTOCOL, REDACTED, SERIES_COLUMNS } from "./index.ts";

type Json = { [key: string]: unknown };

const root = fileURLToPath(new URL("..", import.meta.url));
const python = join(root, "engine", ".venv-dev", process.platform === "win32" ? "Scripts" : "bin");

/** Every shape with an id, as JSON Schema; `$ref`s point below `prefix`. Bounds that only say "a safe integer" are dropped. */
function schemas(prefix: string): Record<string, Json> {
  const { schemas: all } = z.toJSONSchema(z.globalRegistry, {
    io: "input",
    uri: (id) => `${prefix}${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      const definition = zodSchema._zod.def as { type: string; discriminator?: string };
      if (jsonSchema.oneOf && definition.discriminator) jsonSchema.discriminator = { propertyName: definition.discriminator };
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  const named: Record<string, Json> = {};
  for (const id of Object.keys(all).sort()) {
    const { $schema, $id, ...schema } = all[id] as Json;
    named[id] = schema;
  }
  return named;
}

const idOf = (schema: z.ZodType): string => {
  const id = schema.meta()?.id;
  if (typeof id !== "string") throw new Error("A shape used in the call table has no id.");
  return id;
};

function openapi(version: string): Json {
  const prefix = "#/components/schemas/";
  const components = schemas(prefix);
  const ref = (schema: z.ZodType) => ({ $ref: `${prefix}${idOf(schema)}` });
  const paths: Record<string, Json> = {};
  for (const [name, call] of Object.entries(CALLS) as [string, Call][]) {
    const parameters: Json[] = [...call.path.matchAll(/\{(\w+)\}/g)].map(([, key]) => ({ name: key, in: "path", required: true, schema: { type: "string" } }));
    if (call.query) {
      const query = components[idOf(call.query)] as { properties: Record<string, Json>; required?: string[] };
      for (const [key, property] of Object.entries(query.properties)) {
        const { description, default: fallback, ...schema } = property;
        // A query carries no null: leaving the key out says the same.
        const plain = (schema.anyOf as Json[] | undefined)?.find((option) => option.type !== "null") ?? (Array.isArray(schema.type) ? { ...schema, type: schema.type[0] } : schema);
        parameters.push({ name: key, in: "query", required: query.required?.includes(key) ?? false, description, schema: fallback === null || fallback === undefined ? plain : { ...plain, default: fallback } });
      }
    }
    const bytes = { schema: { type: "string", format: "binary" } };
    const reply = call.reply === "arrow" ? { "application/vnd.apache.arrow.stream": bytes } : call.reply === "file" ? { "application/octet-stream": bytes } : { "application/json": { schema: ref(call.reply) } };
    const operation: Json = {
      operationId: name,
      summary: call.summary,
      security: call.scope === null ? [] : [{ token: [call.scope] }],
      parameters,
      responses: {
        200: { description: "Done", content: reply },
        default: { description: "Refused or failed; the code says which", content: { "application/json": { schema: { $ref: `${prefix}ErrorBody` } } } },
      },
    };
    if (call.body) operation.requestBody = { required: true, content: { "application/json": { schema: ref(call.body) } } };
    paths[call.path] = { ...paths[call.path], [call.method.toLowerCase()]: operation };
  }
  return {
    openapi: "3.1.0",
    info: { title: "tino engine", version, description: "Local interface of the tino engine. Generated from contracts/api.ts.", license: { name: "Apache-2.0", identifier: "Apache-2.0" }, "x-protocol": PROTOCOL },
    servers: [{ url: "http://127.0.0.1:{port}", variables: { port: { default: "0", description: "Chosen at start; see engine.pid." } } }],
    paths,
    components: { schemas: components, securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

/** A JavaScript value as a Python literal. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number" || typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `(${value.map(literal).join(", ")}${value.length === 1 ? "," : ""})`;
  return `{${Object.entries(value as Json)
    .map(([key, item]) => `${JSON.stringify(key)}: ${literal(item)}`)
    .join(", ")}}`;
}

function run(command: string, args: string[], input?: string): string {
  const done = spawnSync(command, args, { input, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.error) throw new Error(`${command} could not be started: ${done.error.message}. Run \`npm run setup\`.`);
  if (done.status !== 0) throw new Error(`${command} failed:\n${done.stderr}`);
  return done.stdout;
}

/** What a text of a given pattern is, in words: for whoever sent another. */
function patterns(): Record<string, string> {
  const named = Object.values(schemas("#/$defs/")).filter((schema) => typeof schema.pattern === "string" && typeof schema.description === "string");
  return Object.fromEntries(named.map((schema) => [schema.pattern as string, schema.description as string]));
}

function pythonModels(): string {
  const folder = mkdtempSync(join(tmpdir(), "tino-contracts-"));
  try {
    const input = join(folder, "schema.json");
    const output = join(folder, "contracts.py");
    writeFileSync(input, JSON.stringify({ $defs: schemas("#/$defs/") }));
    const options =
      "--input-file-type jsonschema --output-model-type pydantic_v2.BaseModel --base-class tino_engine.contract_model.ContractModel --snake-case-field --use-type-alias --collapse-root-models --enum-field-as-literal all --use-annotated --use-standard-collections --use-union-operator --target-python-version 3.13 --disable-timestamp --field-constraints --strict-nullable --use-schema-description --formatters ruff-format";
    run(join(python, "datamodel-codegen"), ["--input", input, "--output", output, ...options.split(" ")]);
    const models = readFileSync(output, "utf8")
      .replace(/^(#.*\n)+/, "")
      .replace(/^type Model = Any\n+/m, "")
      .replace("Annotated, Any, Literal", "Annotated, Literal");
    const calls = (Object.entries(CALLS) as [string, Call][]).map(([name, call]) => {
      const model = (schema: z.ZodType | undefined) => (schema ? idOf(schema) : "None");
      return `    ${JSON.stringify(name)}: Call(${[call.method, call.path].map((text) => JSON.stringify(text)).join(", ")}, ${literal(call.scope)}, ${model(call.body)}, ${model(call.query)}, ${typeof call.reply === "string" ? literal(call.reply) : idOf(call.reply)}),`;
    });
    const errors = Object.entries(CATALOGUE).map(([code, { message, hint, http, exit }]) => `    ${JSON.stringify(code)}: ErrorEntry(${literal(message)}, ${literal(hint)}, ${http}, ${exit}),`);
    const text = `"""GENERATED by \`npm run contracts\` from contracts/*.ts. Do not edit: change the zod schemas and generate again."""
${models.replace("from typing import", `from typing import ${/\bdict\[str, Any\]/.test(models) ? "Any, " : ""}NamedTuple,`)}

PROTOCOL = ${PROTOCOL}
EXIT: dict[str, int] = ${literal(EXIT)}
PATTERNS: dict[str, str] = ${literal(patterns())}
METRICS: tuple[str, ...] = ${literal(Object.keys(METRICS))}
LOWER_IS_BETTER: frozenset[str] = frozenset(${literal(Object.entries(METRICS).flatMap(([name, { better }]) => (better === "lower" ? [name] : [])))})
FILL_MODELS: dict[str, str] = ${literal(Object.fromEntries(Object.entries(FILL_MODELS).map(([name, { does }]) => [name, does])))}
SERIES_COLUMNS: dict[str, tuple[str, ...]] = ${literal(SERIES_COLUMNS)}
LOG_FIELDS: tuple[str, ...] = ${literal(LOG_FIELDS)}
LONGEST_LOG_TEXT = ${LONGEST_LOG_TEXT}
REDACTED = ${literal(REDACTED)}
HIDDEN_NAME = ${literal(HIDDEN_NAME)}
HIDDEN_TEXTS: tuple[str, ...] = ${literal(HIDDEN_TEXTS)}


class ErrorEntry(NamedTuple):
    message: str
    hint: str
    http: int
    exit: int


ERRORS: dict[str, ErrorEntry] = {
${errors.join("\n")}
}


class Call(NamedTuple):
    method: str
    path: str
    scope: str | None
    body: type[ContractModel] | None
    query: type[ContractModel] | None
    reply: type[ContractModel] | Literal["arrow", "file"]


CALLS: dict[str, Call] = {
${calls.join("\n")}
}
`;
    const config = join(root, "engine", "pyproject.toml");
    return run(
      join(python, "ruff"),
      ["format", "--config", config, "--stdin-filename", join(root, "engine", "tino_engine", "contracts.py"), "-"],
      run(join(python, "ruff"), ["check", "--select", "I", "--fix-only", "--quiet", "--config", config, "--stdin-filename", join(root, "engine", "tino_engine", "contracts.py"), "-"], text),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const tableCell = (text: string) => text.replaceAll("|", "\\|");

function errorsPage(): string {
  const rows = Object.entries(CATALOGUE).map(([code, { message, hint, http, exit }]) => `| \`${code}\` | ${tableCell(message)} | ${tableCell(hint)} | ${http} | ${exit} |`);
  const exits: Record<keyof typeof EXIT, string> = {
    ok: "done",
    fault: "something failed inside tino or on the machine",
    usage: "the command was not well formed",
    input: "a file, a name, a parameter or the data is not as needed",
    strategy: "the strategy's own code failed",
    engine: "the engine could not be started or reached",
    refused: "tino refused: in use, not trusted, or a question that needs a terminal",
    setup: "set-up could not be completed",
    lockBusy: "internal: another engine holds the lock",
    cancelled: "cancelled",
  };
  return `# Errors and exit codes

<!-- GENERATED by \`npm run contracts\` from contracts/catalogue.ts -->

Every failure carries a code, a sentence that says what happened, and a hint that says what to do. \`{names}\` are filled in.

## Exit codes

| code | meaning |
| --- | --- |
${(Object.keys(EXIT) as (keyof typeof EXIT)[]).map((name) => `| ${EXIT[name]} | ${exits[name]} |`).join("\n")}

## Catalogue

| code | what happened | what to do | HTTP | exit |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function metricsPage(): string {
  const units = { percent: "percent", ratio: "ratio", money: "money, in the run's currency", days: "calendar days", count: "count", perYear: "times a year" };
  const rows = Object.entries(METRICS).map(([name, metric]) => `| ${metric.label} | \`${name}\` | ${units[metric.unit]} | ${tableCell(metric.definition)} |`);
  return `# Metrics

<!-- GENERATED by \`npm run contracts\` from contracts/backtest.ts -->

Return statistics rest on **daily returns**: the last equity of each trading day, in the instrument's own time zone, over that of the day before; the
first day is measured against the starting balance. A year has 252 periods for stocks and 365 for crypto; the run says which. The risk-free rate is 0.
A figure that is not defined (a Sharpe ratio without variation, a win rate without trades) is shown as “–” and is \`null\` in JSON.

| metric | name | unit | definition |
| --- | --- | --- | --- |
${rows.join("\n")}

Sharpe, Sortino, volatility, annual return, maximum drawdown, Calmar, alpha and beta equal empyrical-reloaded's to 1e-9; a test holds them to it.
`;
}

function apiPage(): string {
  const rows = (Object.entries(CALLS) as [string, Call][]).map(
    ([name, call]) =>
      `| \`${call.method} ${call.path}\` | ${call.summary} | ${call.scope ?? "–"} | ${call.body ? `\`${idOf(call.body)}\`` : call.query ? `\`${idOf(call.query)}\`` : ""} | ${call.reply === "arrow" ? "Arrow IPC stream" : call.reply === "file" ? "bytes of a file" : `\`${idOf(call.reply)}\``} | \`${name}\` |`,
  );
  return `# HTTP interface

<!-- GENERATED by \`npm run contracts\` from contracts/api.ts -->

Loopback only. Every route but the two without a scope needs \`Authorization: Bearer <token>\`. Shapes: [schema.json](../contracts/schema.json); machine-readable: [openapi.json](../contracts/openapi.json). Protocol ${PROTOCOL}.

| route | what | scope | takes | gives | call |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

## WebSockets

| path | carries |
| --- | --- |
| \`/ws/events\` | \`ClientMessage\` in, \`ServerMessage\` out: snapshot or resume, then every event with a sequence number |
| \`/ws/backtest/{id}\` | \`ServerMessage\` out: a snapshot with this run alone, then its events; closes when the run has ended |
| \`/lsp\` | the language server protocol, one JSON-RPC message a frame |

A browser sends no headers with a WebSocket: it offers the subprotocols \`tino\` and \`ticket.<one-use ticket>\`.
`;
}

export function generated(): Record<string, string> {
  const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    "contracts/schema.json": json({ $schema: "https://json-schema.org/draft/2020-12/schema", title: "tino contracts", "x-protocol": PROTOCOL, $defs: schemas("#/$defs/") }),
    "contracts/openapi.json": json(openapi(version)),
    "engine/tino_engine/contracts.py": pythonModels(),
    "docs/errors.md": errorsPage(),
    "docs/metrics.md": metricsPage(),
    "docs/api.md": apiPage(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes("--check");
  const stale: string[] = [];
  for (const [path, text] of Object.entries(generated())) {
    const file = join(root, path);
    let current: string | undefined;
    try {
      current = readFileSync(file, "utf8");
    } catch {
      current = undefined;
    }
    if (current === text) continue;
    stale.push(path);
    if (!check) writeFileSync(file, text);
  }
  if (check && stale.length > 0) {
    console.error(`Stale, run \`npm run contracts\`:\n${stale.map((path) => `  ${path}`).join("\n")}`);
    process.exitCode = 1;
  } else if (!check) console.log(stale.length > 0 ? `Written: ${stale.join(", ")}` : "Nothing changed.");
}

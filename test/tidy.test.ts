/** What holds for the whole house: who may import whom, and that what is said twice is said alike. Rules: `docs/style.md`, `docs/architecture.md`. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CALLS, CATALOGUE, type Call, TinoError } from "#contracts";
import { generated } from "../contracts/generate.ts";
import { EXIT_SETUP } from "../scripts/setup/failure.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const json = (path: string) => JSON.parse(read(path));

/** What git tracks, and what it would track: a rule must not wait for the commit. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 })
  .split("\n")
  .filter((path) => path && existsSync(join(root, path)));
const sources = files.filter((path) => /^(contracts|extension|webview)\/.*\.tsx?$/.test(path) && !/\.test\.tsx?$|vite\.config\.ts$/.test(path));
const manifest = json("package.json");

interface Import {
  path: string;
  /** What is written between the quotes. */
  specifier: string;
  /** Path from the root, a package, `node:` or `vscode`. */
  target: string;
}

function importsOf(path: string): Import[] {
  const text = read(path);
  const found = text.matchAll(/^\s*(?:import|export)\s(?:[^;"']*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm);
  return [...found].map(([, fixed, lazy]) => {
    const specifier = fixed ?? lazy ?? "";
    const target = specifier.startsWith(".")
      ? relative(root, resolve(root, dirname(path), specifier))
      : specifier.startsWith("#contracts")
        ? "contracts/"
        : specifier.startsWith("node:")
          ? "node:"
          : specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    return { path, specifier, target };
  });
}

/** The first room that a path lies in has its rule; `may` names packages, and rooms by their path. */
const ROOMS: { room: string; may: string[] }[] = [
  { room: "contracts/generate.ts", may: ["contracts/", "zod", "node:"] },
  { room: "contracts/", may: ["contracts/", "zod"] },
  { room: "extension/supervisor/", may: ["contracts/", "extension/supervisor/", "node:", "proper-lockfile"] },
  { room: "extension/diagnosis/", may: ["contracts/", "extension/diagnosis/", "extension/supervisor/", "node:"] },
  { room: "extension/client/", may: ["contracts/", "extension/client/", "extension/supervisor/", "node:", "ws", "zod"] },
  {
    room: "extension/cli/",
    may: [
      "contracts/",
      "extension/cli/",
      "extension/client/",
      "extension/diagnosis/",
      "extension/supervisor/",
      "package.json",
      "node:",
      "commander",
      "diff",
      "ink",
      "react",
      "zod",
      "@uwdata/flechette",
    ],
  },
  { room: "extension/", may: ["contracts/", "extension/", "node:", "vscode", "vscode-languageclient", "ws", "zod"] },
  {
    room: "webview/",
    may: [
      "contracts/",
      "webview/",
      "react",
      "react-dom",
      "zod",
      "lightweight-charts",
      "fancy-canvas",
      "@tanstack/react-query",
      "@tanstack/react-table",
      "@tanstack/react-virtual",
      "@uwdata/flechette",
      "@vscode/codicons",
      "diff",
    ],
  },
];

describe("who may import whom", () => {
  it.each(ROOMS)("$room", ({ room, may }) => {
    const mine = sources.filter((path) => ROOMS.find((rule) => path.startsWith(rule.room))?.room === room);
    expect(mine.length).toBeGreaterThan(0);
    const strangers = mine
      .flatMap(importsOf)
      .filter(({ target }) => !may.some((allowed) => target === allowed || (allowed.endsWith("/") && target.startsWith(allowed))));
    expect(strangers.map(({ path, specifier }) => `${path} imports ${specifier}`)).toEqual([]);
  });

  it.each([
    ["lightweight-charts", "webview/chart/"],
    ["ink", "extension/cli/ui/"],
    ["vscode-languageclient", "extension/language/"],
  ])("%s is known in %s alone", (name, room) => {
    const others = sources.flatMap(importsOf).filter(({ path, target }) => target === name && !path.startsWith(room));
    expect(others.map(({ path }) => path)).toEqual([]);
  });

  it("the rest of the extension does not reach into the terminal program", () => {
    const others = sources.filter((path) => path.startsWith("extension/") && !path.startsWith("extension/cli/")).flatMap(importsOf);
    expect(others.filter(({ target }) => target.startsWith("extension/cli/"))).toEqual([]);
  });

  it("one file talks to the host of a panel", () => {
    const callers = sources.filter((path) => /(?<!\.)\bacquireVsCodeApi\(/.test(read(path)));
    expect(callers.length).toBeLessThanOrEqual(1);
  });
});

describe("names", () => {
  it("say what a module is", () => {
    const vague = ["util", "utils", "helper", "helpers", "manager", "managers", "service", "services"];
    const wordsOf = (path: string) => (path.split("/").at(-1) ?? "").split(/[_.-]|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase());
    const code = files.filter((path) => /\.(ts|tsx|mjs|py)$/.test(path));
    expect(code.filter((path) => wordsOf(path).some((word) => vague.includes(word)))).toEqual([]);
  });

  it("of this machine and of registries are in no file", () => {
    // Put together here, so that this file does not hold them either.
    const forbidden = new RegExp(
      [
        ["/work", "main"],
        ["/work", "shared"],
        ["/root", ""],
        ["/tmp", "lab"],
      ]
        .map((parts) => parts.join("/"))
        .join("|") +
        ["|registry", "npmjs"].join("\\.") +
        ["|pypi", "org"].join("\\.") +
        ["|files", "pythonhosted"].join("\\."),
    );
    const text = files.filter((path) => !/\.(png|gz|ico|svg|ttf|parquet)$/.test(path));
    expect(text.filter((path) => forbidden.test(read(path)))).toEqual([]);
  });
});

describe("package.json", () => {
  it("pins every package exactly", () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))).toEqual([]);
  });

  it("declares the editor's interface that it compiles against", () => {
    expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies["@types/vscode"]}`);
  });

  it("has a lock that names no host", () => {
    for (const path of ["package-lock.json", "scripts/workbench/package-lock.json"]) expect(read(path)).not.toContain('"resolved"');
  });
});

describe("commands and settings", () => {
  const contributed: { command: string; title: string }[] = manifest.contributes?.commands ?? [];
  const commands = new Set(contributed.map(({ command }) => command));
  const inCode = new Set([...read("extension/commands/ids.ts").matchAll(/"(tino\.\w+)"/g)].map(([, id]) => id));

  it("the manifest and the code have the same commands", () => {
    expect([...inCode].sort()).toEqual([...commands].sort());
  });

  it("menus, keys and welcome views name commands that exist", () => {
    const { contributes = {} } = manifest;
    const text = JSON.stringify([contributes.menus, contributes.keybindings, contributes.viewsWelcome, contributes.walkthroughs]);
    const named = [...text.matchAll(/"command":"(tino\.\w+)"|command:(tino\.\w+)/g)].map(([, menu, link]) => menu ?? link ?? "");
    expect(named.filter((id) => !commands.has(id))).toEqual([]);
  });

  it("activation does not name commands: the editor derives that", () => {
    expect((manifest.activationEvents ?? []).filter((event: string) => event.startsWith("onCommand:"))).toEqual([]);
  });

  it("every command and every setting is documented", () => {
    const documents = files
      .filter((path) => /^(docs\/.*|README)\.md$/.test(path))
      .map(read)
      .join("\n");
    const configuration = [manifest.contributes?.configuration ?? []].flat() as { properties?: Record<string, unknown> }[];
    const settings = configuration.flatMap(({ properties }) => Object.keys(properties ?? {}));
    expect(settings.filter((name) => !documents.includes(`\`${name}\``))).toEqual([]);
    expect(contributed.filter(({ title }) => !documents.includes(title)).map(({ command }) => command)).toEqual([]);
  });

  it("code reads settings that the manifest has", () => {
    const configuration = [manifest.contributes?.configuration ?? []].flat() as { properties?: Record<string, unknown> }[];
    const settings = new Set(configuration.flatMap(({ properties }) => Object.keys(properties ?? {})));
    const used = sources.flatMap((path) =>
      [...read(path).matchAll(/getConfiguration\("tino"[^)]*\)\s*\.get(?:<[^>]*>)?\("([\w.]+)"/g)].map(([, name]) => `tino.${name}`),
    );
    expect(used.filter((name) => !settings.has(name))).toEqual([]);
  });
});

describe("contracts", () => {
  it("everything generated from them is fresh", () => {
    const stale = Object.entries(generated()).filter(([path, text]) => read(path) !== text);
    expect(stale.map(([path]) => path)).toEqual([]);
  });

  it("the call table and the OpenAPI file have the same routes", () => {
    const { paths } = json("contracts/openapi.json") as { paths: Record<string, Record<string, { operationId: string }>> };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    const called = (Object.entries(CALLS) as [string, Call][]).map(([name, { method, path }]) => `${name} ${method} ${path}`);
    expect(described.sort()).toEqual(called.sort());
  });

  it("no route is there twice", () => {
    const routes = (Object.values(CALLS) as Call[]).map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, "{}")}`);
    expect(new Set(routes).size).toBe(routes.length);
  });

  it("set-up ends with the catalogue's exit code", () => {
    expect(EXIT_SETUP).toBe(CATALOGUE.setup_failed.exit);
  });

  it("an error cannot be built without what fills its sentences: the compiler says so", () => {
    expect(TinoError.of("engine_not_running").body.message).toBe("No engine is running.");
    expect(TinoError.of("run_not_found", { id: "run_1" }).body.message).toBe("There is no run run_1.");
    // @ts-expect-error The sentence names an id.
    expect(TinoError.of("run_not_found").body.message).toContain("{id}");
    // @ts-expect-error It names no other thing.
    expect(TinoError.of("run_not_found", { name: "run_1" }).body.message).toContain("{id}");
  });
});

describe("documents", () => {
  const documents = files.filter((path) => /^(docs\/.*|README|CONTRIBUTING|CHANGELOG)\.md$/.test(path));

  it.each(documents)("%s names only files that are there", (path) => {
    const text = read(path).replace(/^```[\s\S]*?^```/gm, "");
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, link]) => relative(root, resolve(root, dirname(path), link ?? "")));
    const quoted = [...text.matchAll(/`((?:contracts|extension|webview|engine|test|bench|scripts|examples|docs|\.vscode|\.ci)\/[\w./-]+\.\w+)`/g)].map(
      ([, name]) => name ?? "",
    );
    expect([...links, ...quoted].filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  it("every invariant of the architecture names the test that holds it", () => {
    const path = "docs/architecture.md";
    if (!files.includes(path)) return;
    const invariants = read(path)
      .split(/\n\s*\n/)
      .filter((paragraph) => paragraph.startsWith("**Invariant**"));
    expect(invariants.length).toBeGreaterThan(0);
    expect(invariants.filter((paragraph) => !/`(test|engine\/tests)\/[\w./-]+`/.test(paragraph))).toEqual([]);
  });

  it("every race of the engine's life names the tests that play it", () => {
    const [, races = ""] = read("docs/process-lifecycle.md").split("\n## The races\n");
    const rows = races.split("\n").filter((line) => /^\| [A-Z]/.test(line));
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !/`[\w/.]+(?:\.test\.ts|\/test_\w+\.py)`/.test(row))).toEqual([]);
    const named = [...races.matchAll(/`([\w/.]+\.(?:ts|py))` “([^”]+)”/g)].map(([, path = "", name = ""]) => ({ path, name }));
    expect(named.filter(({ path, name }) => !(existsSync(join(root, path)) && read(path).includes(name)))).toEqual([]);
  });
});

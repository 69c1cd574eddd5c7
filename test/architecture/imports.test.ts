import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseSync } from "oxc-parser";

/** The table of ARCHITECTURE.md. */
const LAYERS: Readonly<Record<string, number>> = {
  kernel: 0,
  config: 1,
  telemetry: 1,
  store: 1,
  backend: 1,
  http: 2,
  keys: 2,
  throttle: 2,
  lua: 2,
  factors: 3,
  front: 3,
  login: 4,
  oidc: 5,
  portal: 5,
  saml: 5,
  app: 6,
  cli: 7,
};
/** A process of its own: it knows the provider only through the protocol. */
const APART = ["demo"];
/** Who alone may know a package. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@node-rs/argon2": ["lua"],
  "@node-saml/node-saml": ["demo"],
  "@peculiar/x509": ["keys"],
  "@simplewebauthn/server": ["factors"],
  "@xmldom/xmldom": ["saml"],
  bcryptjs: ["lua"],
  bowser: ["app"],
  commander: ["cli"],
  ejs: ["http"],
  fengari: ["lua"],
  "intl-messageformat": ["http"],
  jose: ["demo", "keys", "oidc"],
  mysql2: ["lua"],
  "oidc-provider": ["oidc"],
  "openid-client": ["demo"],
  "libxml2-wasm": ["saml"],
  otplib: ["factors"],
  pg: ["lua"],
  pino: ["telemetry"],
  "prom-client": ["telemetry"],
  qr: ["factors"],
  re2js: ["lua"],
  "reflect-metadata": ["keys"],
  samlify: ["saml"],
  yaml: ["config"],
};
/** Entries of threads: what stands at their top is the thread's own state. */
const THREADS = ["src/lua/worker.ts", "src/lua/services/sqlite-thread.ts"];

const files = globSync("src/**/*.ts").filter((file) => !file.endsWith(".d.ts"));
const sources = files.map((file) => {
  const text = readFileSync(file, "utf8");
  return { file, folder: /^src\/([^/]+)\//.exec(file)?.[1] ?? "", text, parsed: parseSync(file, text) };
});
const imports = sources.flatMap(({ file, folder, text, parsed: { module } }) => {
  const statements = [...module.staticImports, ...module.staticExports.flatMap(({ entries }) => entries)];
  const specifiers = statements.flatMap((statement) =>
    "moduleRequest" in statement && statement.moduleRequest !== null ? [statement.moduleRequest.value] : [],
  );
  // What is imported while running: import("x"), require("x"), createRequire(…)("x").
  const late = [...text.matchAll(/(?:\bimport|\brequire|\))\(\s*["'`]([^"'`]+)["'`]/g)].map(([, name = ""]) => name);
  return [...new Set([...specifiers, ...late])].map((specifier) => ({ file, folder, specifier }));
});
const shown = (wrong: typeof imports): readonly string[] =>
  wrong.map(({ file, specifier }) => `${file} -> ${specifier}`);

test("the sources were read", () => assert.ok(imports.length > 200));

test("every folder has its place in the table, which ARCHITECTURE.md shows", () => {
  const folders = readdirSync("src").filter((name) => globSync(`src/${name}/**/*.ts`).length > 0);
  assert.deepEqual(
    folders.filter((name) => !(name in LAYERS) && !APART.includes(name)),
    [],
  );
  const rows = [...readFileSync("ARCHITECTURE.md", "utf8").matchAll(/^\| (\d) \| (.+?) \|/gm)];
  const documented = rows.flatMap(([, layer, names = ""]) =>
    [...names.matchAll(/`([a-z]+)`/g)].map(([, name = ""]) => [name, Number(layer)] as const),
  );
  assert.deepEqual(Object.fromEntries(documented), LAYERS);
});

test("folders import only lower layers, and only their index", () => {
  const wrong = imports.filter(({ folder, specifier }) => {
    const other = /^(?:\.\.?\/)+([a-z]+)\/(.*)$/.exec(specifier);
    const target = other?.[1] ?? "";
    // A folder within a folder is no layer; main.ts stands above all.
    if (other === null || !(target in LAYERS) || folder === "") return false;
    return other[2] !== "index.ts" || (LAYERS[target] ?? 9) >= (LAYERS[folder] ?? -1);
  });
  assert.deepEqual(shown(wrong), []);
});

test("main.ts knows the commands and nothing else", () => {
  const own = imports.filter(({ file }) => file === "src/main.ts");
  assert.deepEqual(shown(own), ["src/main.ts -> ./cli/index.ts"]);
});

test("the demo application imports packages and its own files only, and nobody imports it", () => {
  const isApart = ({ folder, specifier }: (typeof imports)[number]) =>
    APART.includes(folder) ? specifier.startsWith("..") : /\/demo\//.test(specifier);
  assert.deepEqual(shown(imports.filter(isApart)), []);
});

test("only app and cli know that Lua answers", () => {
  const wrong = imports.filter(
    ({ folder, specifier }) => /\/lua\//.test(specifier) && !["app", "cli", "lua"].includes(folder),
  );
  assert.deepEqual(shown(wrong), []);
});

test("packages with an owner are imported by it alone, while running too", () => {
  const nameOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
  const wrong = imports.filter(({ folder, specifier }) => OWNERS[nameOf(specifier)]?.includes(folder) === false);
  assert.deepEqual(shown(wrong), []);
  const seen = new Set(imports.map(({ specifier }) => nameOf(specifier)));
  assert.deepEqual(
    Object.keys(OWNERS).filter((name) => !seen.has(name)),
    [],
  );
});

test("modules hold no state: nothing at their top is assigned or filled later", () => {
  const state = sources.flatMap(({ file, text, parsed: { program } }) =>
    program.body.flatMap((statement) => {
      const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
      if (declaration?.type !== "VariableDeclaration") return [];
      return declaration.declarations.flatMap(({ id, init }) => {
        const name = text.slice(id.start, id.end);
        const isFilled = new RegExp(`\\b${/^\w+/.exec(name)?.[0]}\\.(?:add|set|delete|clear|push)\\(`).test(text);
        const isEmpty = init?.type === "NewExpression" && init.arguments.length === 0;
        return declaration.kind !== "const" || isFilled || isEmpty ? [`${file}: ${name}`] : [];
      });
    }),
  );
  assert.deepEqual(
    state.filter((found) => !THREADS.some((file) => found.startsWith(`${file}:`)) && !found.startsWith("src/main.ts:")),
    [],
  );
  // The rule sees what it looks for.
  assert.ok(THREADS.every((file) => state.some((found) => found.startsWith(`${file}:`))));
});

test("no source file has more than 300 lines of code", () => {
  const code = (file: string) =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => !/^\s*(?:$|\/\/|\*|\/\*)/.test(line));
  assert.deepEqual(
    files.filter((file) => code(file).length > 300),
    [],
  );
});

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
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
  login: 3,
  oidc: 4,
  app: 5,
  cli: 6,
};
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  fengari: ["lua"],
  "oidc-provider": ["oidc"],
  "openid-client": ["demo"],
  commander: ["cli"],
  pino: ["telemetry"],
  ejs: ["http"],
  "@node-rs/argon2": ["lua"],
};

const files = globSync("src/**/*.ts").filter((file) => !file.endsWith(".d.ts"));
const imports = files.flatMap((file) => {
  const { module } = parseSync(file, readFileSync(file, "utf8"));
  const statements = [...module.staticImports, ...module.staticExports.flatMap(({ entries }) => entries)];
  const specifiers = statements.flatMap((statement) =>
    "moduleRequest" in statement && statement.moduleRequest !== null ? [statement.moduleRequest.value] : [],
  );
  return [...new Set(specifiers)].map((specifier) => ({ file, folder: file.split("/")[1] ?? "", specifier }));
});

test("the sources were read", () => assert.ok(imports.length > 200));

test("folders import only lower layers, and only their index", () => {
  const wrong = imports.filter(({ folder, specifier }) => {
    const other = /^(?:\.\.\/)+([a-z]+)\/(.*)$/.exec(specifier);
    const target = other?.[1] ?? "";
    if (other === null || !(target in LAYERS)) return false;
    return other[2] !== "index.ts" || (LAYERS[target] ?? 9) >= (LAYERS[folder] ?? -1);
  });
  // The commands start scripts by themselves; nothing else beside the composition root may.
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} -> ${specifier}`),
    [],
  );
});

test("only app and cli know that Lua answers", () => {
  const wrong = imports.filter(
    ({ folder, specifier }) => specifier.includes("../lua/") && !["app", "cli", "lua"].includes(folder),
  );
  assert.deepEqual(wrong, []);
});

test("packages with an owner are imported by it alone", () => {
  const wrong = imports.filter(
    ({ folder, specifier }) => OWNERS[specifier] !== undefined && !OWNERS[specifier].includes(folder),
  );
  assert.deepEqual(wrong, []);
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

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { KNOWN_GLOBALS } from "../../../src/lua/check.ts";
import { inspectScript } from "../../../src/lua/index.ts";
import { startBackend } from "../../support/lua.ts";
import { luaFiles } from "../../support/lua-stubs.ts";
import { luaSurface, type Member, membersOf } from "../../support/lua-surface.ts";
import { startWebServer } from "../../support/web-server.ts";

/** What the manual of Lua 5.1 names, `newproxy` added: language servers know it by themselves. */
const LUA_51: Readonly<Record<string, string>> = {
  "": `_G _VERSION assert collectgarbage coroutine error getfenv getmetatable io ipairs load loadstring math module newproxy next os
   package pairs pcall print rawequal rawget rawset require select setfenv setmetatable string table tonumber tostring type unpack xpcall`,
  coroutine: "create resume running status wrap yield",
  math: `abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min modf pi pow rad random randomseed sin sinh
   sqrt tan tanh`,
  package: "loaded path preload seeall",
  string: "byte char find format gmatch gsub len lower match rep reverse sub upper",
  table: "concat insert maxn remove sort",
};

/** `io` is a module as well, and told there. */
const LIBRARIES = ["coroutine", "math", "os", "package", "string", "table", "utf8"];

/** One of each class, as a script gets it. ADDRESS is a web server, FILE a file that may be read. */
const OBJECTS: Readonly<Record<string, string>> = {
  "base64.Encoding": `require("base64").StdEncoding`,
  "db.Connection": `connection`,
  "db.Statement": `connection:stmt("SELECT 1")`,
  "db.Result": `connection:query("SELECT 1")`,
  "db.Done": `connection:exec("CREATE TABLE things (name)")`,
  "glua_http.Response": `require("glua_http").get("ADDRESS")`,
  "http.Client": `http.client()`,
  "http.Request": `http.request("GET", "ADDRESS")`,
  "http.Response": `http.client():do_request(http.request("GET", "ADDRESS"))`,
  "http.Parts": `http.parse_url("https://user:password@example.org:1/path?name=value")`,
  "io.File": `io.open("FILE")`,
  "nauthilus_backend_result.Result": `nauthilus_backend_result.new()`,
  "nauthilus_opentelemetry.Span": `require("nauthilus_opentelemetry").default_tracer():start_span("name")`,
  "nauthilus_opentelemetry.Tracer": `require("nauthilus_opentelemetry").default_tracer()`,
  "nauthilus_opentelemetry.Semconv": `require("nauthilus_opentelemetry").semconv`,
  "regexp.Pattern": `require("regexp").compile("a")`,
  "template.Template": `require("template").choose("mustache")`,
};

/** Tables that scripts give, and entries of a directory: by whom they are read or made, and by what they are known there. */
const TABLES: Readonly<Record<string, readonly [files: string, name: RegExp]>> = {
  "db.Options": ["modules/db.lua", /\boptions\.(\w+)/g],
  "glua_http.Options": ["services/http-client/wish.ts", /\bgiven(?:\.|\[")(\w+)/g],
  "http.Settings": ["modules/http.lua", /\bconfig\.(\w+)/g],
  "nauthilus_password.Policy": ["modules/nauthilus_password.lua", /\bpolicy\.(\w+)/g],
};
const LDAP_TABLES = ["Search", "Entry", "Modification", "Bind"];

const { globals, modules } = luaSurface();
/** By expression: names of what is there, with their types. */
let found: Readonly<Record<string, Readonly<Record<string, string>>>>;

before(async () => {
  const server = await startWebServer((_, response) => void response.setHeader("set-cookie", "a=b").end("found"));
  const words = wordsOf(...globSync("src/lua/modules/*.lua"), "src/lua/prelude.lua", "src/lua/dialect.lua");
  const expressions = [
    ["", "_G"],
    ...LIBRARIES.map((name) => [name, `_G.${name}`] as const),
    ...modules.map(({ file }) => [file, `require("${file}")`] as const),
    ...Object.entries(OBJECTS),
  ];
  // Metatables are hidden, but a name that somebody gave stands somewhere in the sources.
  const script = `
local seen = {}
local function look(path, value)
  if value == nil then error(path) end
  local names = {}
  local function add(name) if type(name) == "string" and value[name] ~= nil then names[name] = type(value[name]) end end
  for name in pairs(value) do add(name) end
  for _, name in ipairs({ ${[...words, ...KNOWN_GLOBALS].map((word) => `"${word}"`).join(",")} }) do add(name) end
  for name, kind in pairs(names) do seen[#seen + 1] = path .. " " .. name .. " " .. kind end
end
function nauthilus_backend_list_accounts()
  local http, connection = require("http"), require("db").open("sqlite3", os.getenv("MOONLATCH_ACCOUNTS"))
  ${expressions.map(([path, expression]) => `look("${path}", (${expression}))`).join("\n  ")}
  return 0, seen
end`;
  const address = `http://127.0.0.1:${server.port}/`;
  const hosts = { allow: { hosts: ["127.0.0.1"] } };
  const backend = await startBackend(script.replaceAll("ADDRESS", address).replaceAll("FILE", "backend.lua"), hosts);
  try {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", {});
    assert.ok(outcome.ok, JSON.stringify(outcome));
    const all: Record<string, Record<string, string>> = {};
    for (const line of outcome.result.value as readonly string[]) {
      const [path = "", name = "", kind = ""] = line.split(" ");
      if (!name.startsWith("__")) (all[path] ??= {})[name] = kind;
    }
    found = all;
  } finally {
    await backend.stop();
    await server.close();
  }
});

function wordsOf(...files: readonly string[]): ReadonlySet<string> {
  return new Set(files.flatMap((file) => readFileSync(file, "utf8").match(/\b[A-Za-z]\w*/g) ?? []));
}

function namesIn(path: string): readonly string[] {
  return Object.keys(found[path] ?? {}).toSorted();
}

function told(members: readonly Member[], owner: string, more = ""): readonly string[] {
  const names = members.filter((member) => member.owner === owner).map(({ name }) => name);
  return [...names, ...more.split(/\s+/).filter((name) => name !== "")].toSorted();
}

test("the stubs, the reference and the settings are those of the sources", () => {
  const files = luaFiles();
  for (const [path, text] of Object.entries(files))
    assert.equal(readFileSync(path, "utf8"), text, `${path}: npm run docs`);
  const stubs = Object.keys(files).filter((path) => path.startsWith("lua/types/"));
  assert.deepEqual(globSync("lua/types/*").toSorted(), stubs.toSorted());
});

test("the stubs are Lua, and all they name is there", () => {
  assert.deepEqual(
    globSync("lua/types/*.lua").flatMap((file) => inspectScript(file)),
    [],
  );
});

test("every global a script finds is told, known to the check, and there", () => {
  const own = ["nauthilus_backend_list_accounts"];
  const libraries = globals.map(({ owner }) => owner);
  const expected = [...new Set([...told(globals, "", LUA_51[""]), ...libraries])].filter((name) => name !== "");
  assert.deepEqual(
    namesIn("").filter((name) => !own.includes(name)),
    expected.toSorted(),
  );
  assert.deepEqual([...KNOWN_GLOBALS].toSorted(), expected.toSorted());
});

for (const library of LIBRARIES) {
  test(`${library} has what Lua 5.1 has and what is told, nothing more or less`, () => {
    assert.deepEqual(namesIn(library), told(globals, library, LUA_51[library]));
  });
}

test("every module has the functions that are told and no others", () => {
  for (const { file, members } of modules) assert.deepEqual(namesIn(file), told(members, ""), file);
});

test("a function is told as one, and a value as a value", () => {
  for (const { file, members } of modules)
    for (const { owner, name, params } of members.filter((member) => member.owner === ""))
      assert.equal(found[file]?.[name] === "function", params !== undefined, `${file} ${owner} ${name}`);
});

test("every object that modules give has the methods or fields that are told and no others", () => {
  const classes = modules.flatMap(({ file, members }) =>
    [...new Set(members.map(({ owner }) => owner))]
      .filter((owner) => owner !== "")
      .map((owner) => ({ file, owner, members })),
  );
  const known = [...Object.keys(OBJECTS), ...Object.keys(TABLES)];
  const names = classes.map(({ file, owner }) => `${file}.${owner}`);
  assert.deepEqual(names.toSorted(), [...known, ...LDAP_TABLES.map((name) => `nauthilus_ldap.${name}`)].toSorted());
  for (const { file, owner, members } of classes) {
    if (!(`${file}.${owner}` in OBJECTS)) continue;
    const there = Object.entries(found[`${file}.${owner}`] ?? {});
    const hasMethods = members.some((member) => member.owner === owner && member.params !== undefined);
    const seen = there.filter(([, kind]) => kind === "function" || !hasMethods).map(([name]) => name);
    assert.deepEqual(seen.toSorted(), told(members, owner), `${file}.${owner}`);
  }
});

test("the tables that scripts give have the fields that are read", () => {
  for (const [path, [source, pattern]] of Object.entries(TABLES)) {
    const [file = "", owner = ""] = path.split(".");
    const read = [...readFileSync(`src/lua/${source}`, "utf8").matchAll(pattern)].map(([, name = ""]) => name);
    assert.deepEqual([...new Set(read)].toSorted(), told(membersOf(`modules/${file}`), owner), path);
  }
  const words = wordsOf(...globSync("src/lua/services/ldap/*.ts"));
  const fields = LDAP_TABLES.flatMap((owner) => told(membersOf("modules/nauthilus_ldap"), owner));
  assert.deepEqual(
    fields.filter((name) => !words.has(name)),
    [],
  );
});

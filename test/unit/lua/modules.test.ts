import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MODULES } from "../../../src/lua/modules.ts";
import { startBackend, type TestBackend } from "../../support/lua.ts";

let backend: TestBackend;
before(async () => {
  backend = await startBackend(`function nauthilus_backend_list_accounts(request)
  local code = assert(load(request.password))
  return 0, { tostring(code()) }
end`);
  const files: Readonly<Record<string, string>> = {
    nauthilus_util: `return { own = "the operator's" }`,
    yaml: `return { own = "the operator's" }`,
    json: `return { own = "the operator's" }`,
    keeps: `local context = require("nauthilus_context") return context`,
    broken: `return = 1`,
  };
  for (const [name, source] of Object.entries(files)) writeFileSync(join(backend.folder, `${name}.lua`), source);
});
after(() => backend.stop());

/** What a chunk returns as text, or the error that ended the call. */
async function run(chunk: string): Promise<unknown> {
  const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { password: chunk });
  return outcome.ok ? (outcome.result.value as readonly unknown[])[0] : outcome.reason;
}

test("every name of the table is a module or a refusal that names it and says why", async () => {
  for (const [name, entry] of Object.entries(MODULES)) {
    if (name === "yaml") continue;
    const told = await run(`local ok, value = pcall(require, "${name}") return ok and type(value) or value`);
    if ("file" in entry) assert.equal(told, "table", name);
    else assert.match(String(told), new RegExp(`module '${name}' is not available here: ${entry.refused}$`));
  }
});

test("a name nobody knows is refused with the place of the call", async () => {
  assert.match(
    String(await run(`require("nautilus_util")`)),
    /:1: module 'nautilus_util' is not available here, and no file of that name is on the package path$/,
  );
});

test("a file on the package path stands for nauthilus_util and for names without a module, and for no other module", async () => {
  assert.equal(await run(`return require("nauthilus_util").own`), "the operator's");
  assert.equal(await run(`return require("yaml").own`), "the operator's");
  assert.equal(await run(`return require("json").own`), "nil");
});

test("a broken file on the package path is named with its line", async () => {
  assert.match(String(await run(`require("broken")`)), /broken\.lua:1: unexpected symbol near '='$/);
});

test("the context lasts for one call, in the operator's own modules too", async () => {
  const use = `local c = require("keeps") local before = c.context_get("k") c.context_set("k", "left") return tostring(before) .. require("nauthilus_context").context_get("k")`;
  assert.equal(await run(use), "nilleft");
  assert.equal(await run(use), "nilleft");
});

test("the context keeps copies, and no functions", async () => {
  assert.equal(
    await run(`local c, t = require("nauthilus_context"), { n = { 1 } }
      c.context_set("k", t) t.n[1] = 2
      local kept = c.context_get("k") kept.n[1] = 3
      return c.context_get("k").n[1]`),
    "1",
  );
  assert.match(
    String(await run(`require("nauthilus_context").context_set("k", { print })`)),
    /a function cannot be kept in the context$/,
  );
  assert.match(
    String(await run(`local t = {} t.t = t require("nauthilus_context").context_set("k", t)`)),
    /nested too deep/,
  );
});

test("no script changes a module for the next call", async () => {
  assert.match(String(await run(`require("json").encode = nil`)), /json cannot be changed$/);
});

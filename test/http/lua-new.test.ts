import assert from "node:assert/strict";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { createVisitor } from "../support/browser.ts";
import { command, commandWith } from "../support/command.ts";
import { startIdp } from "../support/idp.ts";
import { journeyOf, OIDC } from "../support/journey.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-new-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const shipped = globSync("lua/*.lua").map((path) => path.slice("lua/".length, -".lua".length));

/** What the scripts and their configurations take from the environment; nobody is asked yet. */
const ENVIRONMENT = {
  LDAP_PASSWORD: "secret",
  REDIS_PASSWORD: "secret",
  MOONLATCH_MYSQL: "moonlatch:secret@tcp(db.example.org:3306)/accounts?tls=true",
  MOONLATCH_POSTGRES: "postgres://moonlatch:secret@db.example.org:5432/accounts?sslmode=verify-full",
};

for (const kind of shipped.filter((name) => name !== "minimal")) {
  test(`lua new ${kind} makes a folder that lua check finds no fault with`, async () => {
    const made = await command(folder, "lua", "new", kind, kind);
    assert.deepEqual([made.code, made.err], [0, ""]);
    const checked = await commandWith(ENVIRONMENT, folder, "lua", "check", "-c", join(kind, "moonlatch.yaml"));
    assert.deepEqual(checked, { code: 0, out: "default: 10 of 10 functions\n", err: "" });
    assert.ok(readFileSync(join(folder, kind, "README.md"), "utf8").startsWith(`# ${kind}.lua\n`));
    for (const path of [".luarc.json", "types/globals.lua", `${kind}.lua`])
      assert.equal(readFileSync(join(folder, kind, path), "utf8"), readFileSync(join("lua", path), "utf8"));
  });
}

test("what a new folder needs from lua/schema is there, and nothing of another kind", async () => {
  await command(folder, "lua", "new", "postgres", "with-schema");
  assert.deepEqual(readdirSync(join(folder, "with-schema/schema")), ["postgres.sql"]);
  assert.match(readFileSync(join(folder, "with-schema/README.md"), "utf8"), /-f \.\/schema\/postgres\.sql/);
});

test("the three commands that are told work as they are told, also where a shell would take the folder apart", async () => {
  const { out } = await command(folder, "lua", "new", "sqlite", "of my own");
  const told = [...out.matchAll(/^ {2}moonlatch (.+)$/gm)].map(([, line = ""]) => line);
  assert.deepEqual(told, [
    "lua check -c 'of my own/moonlatch.yaml'",
    "lua call nauthilus_backend_list_accounts -c 'of my own/moonlatch.yaml' --json '{}'",
    "serve -c 'of my own/moonlatch.yaml'",
  ]);
  await seedDemoAccounts(join(folder, "of my own/data/accounts.db"), [
    { username: "demo", password: "right", display_name: "Demo", groups: [] },
  ]);
  const config = "of my own/moonlatch.yaml";
  const called = await command(folder, "lua", "call", "nauthilus_backend_list_accounts", "-c", config, "--json", "{}");
  assert.match(called.out, /"demo"/);
});

test("people sign in with the script of a new folder", async () => {
  await command(folder, "lua", "new", "sqlite", "signs-in");
  const idp = await startIdp({ script: readFileSync(join(folder, "signs-in/sqlite.lua"), "utf8"), oidc: OIDC });
  try {
    await seedDemoAccounts(join(idp.folder, "accounts.db"), [
      { username: "demo", password: "right", display_name: "Demo", groups: [] },
    ]);
    const { signIn, codeOf } = journeyOf(() => idp.issuer);
    assert.notEqual(codeOf(await signIn(createVisitor())), "");
  } finally {
    await idp.stop();
  }
});

test("a folder with anything in it is left as it is", async () => {
  await command(folder, "lua", "new", "sqlite", "taken");
  writeFileSync(join(folder, "taken/sqlite.lua"), "-- mine");
  const again = await command(folder, "lua", "new", "sqlite", "taken");
  assert.equal(again.code, 78);
  assert.match(again.err, /taken is not empty, and nothing in it is overwritten; name a new folder/);
  assert.equal(readFileSync(join(folder, "taken/sqlite.lua"), "utf8"), "-- mine");
});

test("an unknown kind is refused with the kinds there are, and a file in the way is named", async () => {
  const unknown = await command(folder, "lua", "new", "oracle", "never");
  assert.deepEqual([unknown.code, unknown.out], [2, ""]);
  assert.match(unknown.err, /no kind of backend called oracle; one of: sqlite, /);
  assert.ok(!readdirSync(folder).includes("never"));
  writeFileSync(join(folder, "file"), "");
  const blocked = await command(folder, "lua", "new", "sqlite", "file");
  assert.equal(blocked.code, 1);
  assert.match(blocked.err, /file cannot be written: /);
});

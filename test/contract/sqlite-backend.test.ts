import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Secret } from "../../src/kernel/index.ts";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";
import { accountsSuite } from "./accounts.suite.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/sqlite.lua", import.meta.url));

let folder = "";
let opened: DatabaseSync | undefined;
let backend: TestBackend;

accountsSuite(SCRIPT, {
  async start(source) {
    if (source !== undefined) return startBackend(source, onFirst());
    backend = await startBackend("", {}, SCRIPT);
    // Before there is any table: the script makes its own.
    assert.deepEqual(await backend.accounts.lookup("demo", CONTEXT), { code: "not_found" });
    folder = backend.folder;
    opened = new DatabaseSync(join(folder, "accounts.db"));
    return backend;
  },
  sql(text, ...values) {
    const statement = opened?.prepare(text);
    statement?.setReturnArrays(true);
    return Promise.resolve((statement?.all(...values) ?? []) as unknown as unknown[][]);
  },
  order: "rowid",
  canStore: () => true,
});
after(() => opened?.close());

const onFirst = () => {
  const path = join(folder, "accounts.db");
  return { allow: { databases: [`sqlite3:${path}`] }, environment: { MOONLATCH_ACCOUNTS: path } };
};

test("the demo accounts are made once and sign in", async () => {
  opened?.exec("DELETE FROM accounts");
  const seed = (password: string) =>
    seedDemoAccounts(join(folder, "accounts.db"), [
      { username: "demo", password, display_name: "Demo", groups: ["staff"] },
      { username: "editor", password, display_name: "Editor", groups: ["staff", "editors"] },
    ]);
  const signIn = async (name: string, password: string) =>
    (await backend.accounts.verifyPassword(name, new Secret(password), CONTEXT)).code;
  await seed("first");
  await seed("second");
  for (const name of ["demo", "editor"]) {
    assert.equal(await signIn(name, "first"), "accepted");
    assert.equal(await signIn(name, "second"), "rejected");
  }
  const found = await backend.accounts.lookup("editor", CONTEXT);
  assert.deepEqual(found.code === "found" ? found.account.groups : found.code, ["staff", "editors"]);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { AccountKey } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";

let backend: TestBackend;
before(async () => {
  backend = await startBackend("", {}, join(import.meta.dirname, "../../lua/sqlite.lua"));
  await seedDemoAccounts(join(backend.folder, "accounts.db"), [
    { username: "demo", password: "right", display_name: "Démo ' \" -- account", groups: ["staff", "editors"] },
  ]);
});
after(() => backend.stop());

const DEMO: AccountKey = { name: "demo", backend: "default", unique_user_id: "id-demo" };
const NOBODY: AccountKey = { name: "nobody", backend: "default", unique_user_id: undefined };

async function demo() {
  const found = await backend.accounts.lookup("demo", CONTEXT);
  assert.ok(found.code === "found", JSON.stringify([found, backend.log]));
  return found.account;
}

test("the shipped SQLite backend defines all ten functions", () => {
  assert.equal(backend.functions().get("default")?.length, 10);
});

test("it tells a right password from a wrong one, an unknown user and hostile names", async () => {
  const verify = (name: string, password: string) => backend.accounts.verifyPassword(name, new Secret(password), CONTEXT);
  const right = await verify("demo", "right");
  assert.ok(right.code === "accepted");
  assert.equal(right.account.unique_user_id, "id-demo");
  assert.equal(right.account.display_name, "Démo ' \" -- account");
  assert.deepEqual(right.account.groups, ["staff", "editors"]);
  assert.equal((await verify("demo@example.org", "right")).code, "accepted");
  const refusals = await Promise.all([verify("demo", "wrong"), verify("nobody", "right"), verify("' OR 1=1 --", "right"), verify("demo\u0000", "right")]);
  assert.deepEqual(refusals.map((outcome) => outcome.code === "rejected" && outcome.because), ["wrong_password", "not_found", "not_found", "not_found"]);
});

test("a lookup needs no password and keeps secrets apart from attributes", async () => {
  assert.equal((await backend.accounts.addTotp(DEMO, new Secret("JBSWY3DPEHPK3PXP"), CONTEXT)).code, "ok");
  const account = await demo();
  assert.equal(account.totp_secret?.expose(), "JBSWY3DPEHPK3PXP");
  assert.equal("totp_secret" in account.attributes, false);
  assert.equal((await backend.accounts.deleteTotp(DEMO, CONTEXT)).code, "ok");
  assert.equal((await demo()).totp_secret, undefined);
});

test("recovery codes are replaced as a whole, and all gone after deletion", async () => {
  const read = async () => (await demo()).recovery_codes.map((code) => code.expose());
  for (const codes of [["a1", "b2", "c3"], ["b2"]]) {
    assert.equal((await backend.accounts.addRecoveryCodes(DEMO, codes.map((code) => new Secret(code)), CONTEXT)).code, "ok");
    assert.deepEqual(await read(), codes);
  }
  assert.equal((await backend.accounts.deleteRecoveryCodes(DEMO, CONTEXT)).code, "ok");
  assert.deepEqual(await read(), []);
});

test("WebAuthn credentials come back byte for byte, and are updated and deleted by the exact string", async () => {
  const { accounts } = backend;
  const first = '{"id":"+/=","name":"Schlüssel \\" \\\\ 🔑","signCount":1}';
  const second = first.replace('"signCount":1', '"signCount":2');
  assert.equal((await accounts.saveWebauthnCredential(DEMO, first, CONTEXT)).code, "ok");
  assert.deepEqual(await accounts.webauthnCredentials(DEMO, CONTEXT), { code: "ok", values: [first] });
  assert.equal((await accounts.updateWebauthnCredential(DEMO, first, second, CONTEXT)).code, "ok");
  assert.equal((await accounts.updateWebauthnCredential(DEMO, first, second, CONTEXT)).code, "not_found");
  assert.deepEqual(await accounts.webauthnCredentials(DEMO, CONTEXT), { code: "ok", values: [second] });
  assert.equal((await accounts.deleteWebauthnCredential(DEMO, first, CONTEXT)).code, "not_found");
  assert.equal((await accounts.deleteWebauthnCredential(DEMO, second, CONTEXT)).code, "ok");
  assert.deepEqual(await accounts.webauthnCredentials(DEMO, CONTEXT), { code: "ok", values: [] });
});

test("writes for an account that is not there say so, and accounts are listed", async () => {
  assert.equal((await backend.accounts.addTotp(NOBODY, new Secret("x"), CONTEXT)).code, "not_found");
  assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["demo"] });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import {
  activateSamlCertificate,
  addSamlCertificate,
  listSamlCertificates,
  openKeyRing,
  removeSamlCertificate,
} from "../../src/keys/index.ts";
import { openStore } from "../../src/store/index.ts";

test("a rollover publishes the new certificate before it signs, and withdraws the old one last", async () => {
  const world = realWorld();
  const store = await openStore("memory:", world);
  const first = await openKeyRing({ store, world, saml: "id.example.org" });
  assert.equal(first.samlKeys.length, 1);
  const added = await addSamlCertificate(store, world, "id.example.org");
  assert.ok(added.code === "changed");
  const [old, next] = added.certificates;
  assert.ok(old?.isActive === true && next?.isActive === false);
  assert.deepEqual(await removeSamlCertificate(store, old.id), { code: "active" });
  assert.deepEqual(await activateSamlCertificate(store, "0000"), { code: "unknown" });
  assert.equal((await activateSamlCertificate(store, next.id)).code, "changed");
  const during = await openKeyRing({ store, world, saml: "id.example.org" });
  assert.deepEqual(
    during.samlKeys.map(({ certificate }) => certificate),
    [next.pem, old.pem],
  );
  assert.equal((await removeSamlCertificate(store, old.id)).code, "changed");
  assert.deepEqual(
    (await listSamlCertificates(store)).map(({ id }) => id),
    [next.id],
  );
  await store.close();
});

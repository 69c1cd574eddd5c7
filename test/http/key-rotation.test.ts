import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { realWorld } from "../../src/app/index.ts";
import { createSigningKeys } from "../../src/keys/index.ts";
import { openStore } from "../../src/store/index.ts";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

/** More of them on demand: `SIGN_INS=2000 node --test test/http/key-rotation.test.ts`. */
const SIGN_INS = Number(process.env["SIGN_INS"] ?? 60);

let idp: TestIdp;
const { codeOf, redeem, signIn } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({
    script: SCRIPT,
    oidc: OIDC,
    store: "sqlite",
    rereadEvery: 500,
    more: "login: { throttle: { account: 100000/1h, address: 100000/1h } }",
  });
});
after(() => idp.stop());

async function published(): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${idp.issuer}/oidc/jwks`)).json()) as { keys: { kid: string; alg: string }[] };
  return keys.filter(({ alg }) => alg === "RS256").map(({ kid }) => kid);
}

test("no sign-in fails while the keys are replaced twice, and every token verifies by the published keys", async () => {
  const world = realWorld();
  const store = await openStore(`sqlite:${join(idp.folder, "moonlatch.db")}`, world);
  const keys = createSigningKeys({ store, world });
  const jwks = createRemoteJWKSet(new URL(`${idp.issuer}/oidc/jwks`), { cooldownDuration: 0 });
  const signers = new Set<string>();
  const run = { isOver: false, signIns: 0 };
  const lane = async (): Promise<void> => {
    while (!run.isOver) {
      const code = codeOf(await signIn(createVisitor(), "app", `u${(run.signIns += 1)}`));
      const answer = await redeem(code);
      const { id_token: token } = (await answer.json()) as { id_token: string };
      assert.equal(answer.status, 200);
      const { protectedHeader } = await jwtVerify(token, jwks, { issuer: idp.issuer, audience: "app" });
      signers.add(protectedHeader.kid ?? "");
    }
  };
  const lanes = Promise.all(Array.from({ length: 6 }, lane));
  try {
    for (let rotations = 1; rotations <= 2; rotations += 1) {
      while (run.signIns < (rotations * SIGN_INS) / 3) await world.clock.sleep(50);
      await keys.rotate("now");
      // The provider looks every few seconds; until then it signs with the former key.
      while ((await published()).length <= rotations) await world.clock.sleep(100);
      while (signers.size <= rotations) await world.clock.sleep(50);
    }
    while (run.signIns < SIGN_INS) await world.clock.sleep(50);
  } finally {
    run.isOver = true;
    await lanes;
    await store.close();
  }
  assert.equal(signers.size, 3);
  assert.ok(run.signIns >= SIGN_INS, String(run.signIns));
  assert.equal((await published()).length, 3);
});

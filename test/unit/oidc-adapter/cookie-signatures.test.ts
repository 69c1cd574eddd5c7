import assert from "node:assert/strict";
import { test } from "node:test";
import { createCookieSignatures } from "../../../src/oidc/cookie-signatures.ts";

const [OLD, NEW] = ["an-old-key-of-the-test", "a-new-key-of-the-test"];
const DATA = "moonlatch_session=abc";

test("a signature counts for the key that made it, also a former one, and new ones are made with the first", () => {
  const [before, after] = [createCookieSignatures([OLD]), createCookieSignatures([NEW, OLD])];
  assert.equal(after.index(DATA, before.sign(DATA)), 1);
  assert.equal(after.index(DATA, after.sign(DATA)), 0);
  assert.equal(before.verify(DATA, after.sign(DATA)), false);
});

test("another value, another cookie's name, an altered, shortened or empty signature is refused", () => {
  const { sign, verify } = createCookieSignatures([NEW]);
  const signature = sign(DATA);
  assert.match(signature, /^[\w-]{43}$/);
  assert.equal(verify("moonlatch_session=abd", signature), false);
  assert.equal(verify("moonlatch_resume=abc", signature), false);
  for (const wrong of [`${signature.slice(0, -2)}AA`, signature.slice(1), `${signature}A`, ""])
    assert.equal(verify(DATA, wrong), false);
});

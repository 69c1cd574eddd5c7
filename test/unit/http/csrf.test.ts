import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createCsrf } from "../../../src/http/index.ts";

const csrf = createCsrf({ key: new Uint8Array(32).fill(7) });

test("a token is good for its own binding and for no other", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      assert.ok(csrf.verify(one, csrf.tokenFor(one)));
      assert.equal(csrf.verify(other, csrf.tokenFor(one)), one === other);
    }),
  );
});

test("a token of another key, a cut one, an empty one and text that is no token are refused", () => {
  const token = csrf.tokenFor("login:a:1");
  const foreign = createCsrf({ key: new Uint8Array(32).fill(8) }).tokenFor("login:a:1");
  for (const bad of [foreign, token.slice(0, -1), `${token}x`, "", "é".repeat(token.length), token.toUpperCase()])
    assert.equal(csrf.verify("login:a:1", bad), false, bad);
});

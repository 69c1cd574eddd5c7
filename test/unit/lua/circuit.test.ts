import assert from "node:assert/strict";
import { test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import { admit, afterLoss, afterProbe, type Circuit, CLOSED } from "../../../src/lua/circuit.ts";
import type { CallOutcome } from "../../../src/lua/index.ts";
import { COSTS_THE_THREAD, startBackend } from "../../support/lua.ts";

const MINUTE = 60_000;
const OPEN = afterLoss(afterLoss(CLOSED, 0), 1);
const PROBING: Circuit = { state: "probing" };

test("one loss keeps the circuit closed, a second within a minute opens it", () => {
  const once = afterLoss(CLOSED, 0);
  assert.equal(admit(once, 0), "goes");
  assert.equal(admit(afterLoss(once, MINUTE - 1), MINUTE - 1), "refused");
  const later = afterLoss(once, MINUTE);
  assert.equal(admit(later, MINUTE), "goes");
  assert.equal(admit(afterLoss(later, MINUTE + 1), MINUTE + 1), "refused");
});

test("an open circuit refuses for a minute; then one call tries and the others are refused until it has ended", () => {
  assert.equal(admit(OPEN, MINUTE), "refused");
  assert.equal(admit(OPEN, MINUTE + 1), "probes");
  assert.equal(admit(PROBING, 10 * MINUTE), "refused");
});

test("a try whose thread outlives it closes the circuit, one that costs it opens it for another minute", () => {
  assert.deepEqual(afterProbe(PROBING, true, 5), CLOSED);
  const again = afterLoss(PROBING, 5);
  assert.equal(admit(again, MINUTE + 4), "refused");
  assert.equal(admit(again, MINUTE + 5), "probes");
  // Its end, which comes after the loss, changes nothing.
  assert.equal(afterProbe(again, false, 5), again);
});

test("after a try that never got to show anything the next call tries", () => {
  assert.equal(admit(afterProbe(PROBING, false, 5), 5), "probes");
});

test("a function that cost its thread twice is refused at once, then tried by one call; the other functions go on", async () => {
  const real = realWorld().clock;
  const shift = { by: 0 };
  const backend = await startBackend(
    `function nauthilus_backend_list_accounts(request) if request.username == "bad" then ${COSTS_THE_THREAD} end return 0, {} end
     function nauthilus_backend_get_webauthn_credentials() return 0, {} end`,
    { clock: { ...real, monotonic: () => real.monotonic() + shift.by } },
  );
  const list = (username: string) => backend.call("default", "nauthilus_backend_list_accounts", { username });
  const reasonOf = (outcome: CallOutcome): string => (outcome.ok ? "answered" : outcome.by);
  try {
    assert.equal(reasonOf(await list("bad")), "thread_lost");
    assert.equal(reasonOf(await list("good")), "answered");
    assert.equal(reasonOf(await list("bad")), "thread_lost");
    const refused = await list("good");
    assert.match(
      refused.ok ? "answered" : refused.reason,
      /^nauthilus_backend_list_accounts cost its thread twice within a minute .*\(lua\.backends\[\]\.script: .*backend\.lua\)$/,
    );
    const other = await backend.call("default", "nauthilus_backend_get_webauthn_credentials", {});
    assert.equal(reasonOf(other), "answered");

    shift.by += MINUTE;
    const [probe, second] = [list("bad"), list("good")];
    assert.equal(reasonOf(await second), "circuit");
    assert.equal(reasonOf(await probe), "thread_lost");
    assert.equal(reasonOf(await list("good")), "circuit");
    shift.by += MINUTE;
    assert.equal(reasonOf(await list("good")), "answered");
    assert.equal(reasonOf(await list("good")), "answered");
  } finally {
    await backend.stop();
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { runKillRounds } from "../support/kill-rounds.ts";

test("killed at any moment, the provider keeps what it acknowledged, and nothing that was used lives again", async (t) => {
  const summary = await runKillRounds({
    rounds: 5,
    seconds: 60,
    seed: 129,
    // Of processor time; the machine may be slow.
    startWithin: 10,
    progress: (line) => t.diagnostic(line),
  });
  assert.deepEqual(summary.violations, []);
  assert.ok(summary.rounds > 0 && summary.facts > 0, "something was done and looked at");
});

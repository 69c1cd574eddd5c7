import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { median } from "../bench/measure.ts";
import { saturated, underAttack } from "../bench/pressure.ts";
import { OWN_PATHS, type Server, start } from "../bench/server.ts";

// The short version of `npm run bench -- pressure`. The machine is shared: what is compared comes from the same run, with room.
const BUDGET = { rounds: 1, phase: 1_500 };

let server: Server;
before(async () => {
  server = await start("Moonlatch", "pressure.ts", OWN_PATHS);
});
after(() => server.stop());

test("while 32 clients keep the hash thread busy, tokens come as if nothing were, within a small factor", async (t) => {
  const { idle, busy, signIns, floor } = await saturated(server, BUDGET, (line) => t.diagnostic(line));
  const factor = median(busy) / median(idle);
  t.diagnostic(
    `token p50 ${median(idle).toFixed(1)} ms idle, ${median(busy).toFixed(1)} ms busy, ${factor.toFixed(1)} times`,
  );
  assert.ok(factor < 20, `token requests took ${factor.toFixed(1)} times as long`);
  assert.ok(signIns > floor / 10, `${signIns} sign-ins/s where one thread hashes ${floor}/s`);
});

test("slow sockets, SAML bombs, runaway scripts and guessing together: honest people still sign in", async (t) => {
  const { idle, busy, refused } = await underAttack(server, BUDGET, (line) => t.diagnostic(line));
  const factor = median(busy) / median(idle);
  t.diagnostic(
    `sign-in p50 ${median(idle).toFixed(0)} ms alone, ${median(busy).toFixed(0)} ms attacked, ${factor.toFixed(1)} times`,
  );
  // On a machine so busy that one hash takes a second, a call may reach its five seconds.
  assert.ok(refused <= busy.length / 2, `${refused} of ${busy.length} sign-ins got a temporary failure`);
  assert.ok(factor < 40, `sign-ins took ${factor.toFixed(1)} times as long`);
});

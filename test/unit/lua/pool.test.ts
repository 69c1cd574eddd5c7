import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CallOutcome } from "../../../src/lua/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { COSTS_THE_THREAD, startBackend, type TestBackend } from "../../support/lua.ts";

const list = (backend: TestBackend, username = ""): Promise<CallOutcome> =>
  backend.call("default", "nauthilus_backend_list_accounts", { username });
const reasonOf = (outcome: CallOutcome): string => (outcome.ok ? "answered" : outcome.reason);

const SLEEPS = `function nauthilus_backend_list_accounts(request)
  require("time").sleep(tonumber(request.username)) return 0, {} end`;

test("a thread has a thousand calls in flight; more wait for their turn", async () => {
  const backend = await startBackend(SLEEPS);
  try {
    const outcomes = await Promise.all(Array.from({ length: 1_010 }, () => list(backend, "0.3")));
    assert.deepEqual([...new Set(outcomes.map(reasonOf))], ["answered"]);
  } finally {
    await backend.stop();
  }
});

test("a call whose turn does not come in time fails and says why; the others are not hurt", async () => {
  const backend = await startBackend(SLEEPS, { queue_wait: 100, call: 30_000 });
  try {
    const slow = Array.from({ length: 1_000 }, () => list(backend, "1.5"));
    const late = await list(backend, "0");
    assert.equal(reasonOf(late), "no Lua thread was free within 100 ms (lua.backends[].limits.queue_wait)");
    assert.deepEqual([...new Set((await Promise.all(slow)).map(reasonOf))], ["answered"]);
    assert.equal(reasonOf(await list(backend, "0")), "answered");
  } finally {
    await backend.stop();
  }
});

test("calls go to the thread with the fewest in flight", async () => {
  const backend = await startBackend(
    `function nauthilus_backend_list_accounts(request) require("time").sleep(0.1) return 0, { require("own").mark } end`,
    { workers: 2 },
  );
  writeFileSync(
    join(backend.folder, "own.lua"),
    `return { mark = require("nauthilus_util").generate_random_string(12) }`,
  );
  try {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => list(backend)));
    const marks = outcomes.map((outcome) => (outcome.ok ? JSON.stringify(outcome.result.value) : outcome.reason));
    const counts = [...new Set(marks)].map((mark) => marks.filter((other) => other === mark).length);
    assert.deepEqual(counts, [5, 5]);
  } finally {
    await backend.stop();
  }
});

test("calls that come while the only thread is replaced wait for the new one", async () => {
  const backend = await startBackend(
    `function nauthilus_backend_list_accounts(request) if request.username == "bad" then ${COSTS_THE_THREAD} end return 0, {} end`,
  );
  try {
    assert.match(reasonOf(await list(backend, "bad")), /stood still/);
    // The old thread is gone at this moment and the new one not there yet.
    assert.equal(backend.isUp(), false);
    const during = await Promise.all(Array.from({ length: 20 }, () => list(backend)));
    assert.deepEqual([...new Set(during.map(reasonOf))], ["answered"]);
    assert.equal(backend.isUp(), true);
  } finally {
    await backend.stop();
  }
});

test("while a lost thread cannot be started again the other one takes the calls; the lost one comes back when it can", async () => {
  const backend = await startBackend(
    `function nauthilus_backend_list_accounts(request)
       local cache = require("nauthilus_cache")
       if request.username == "bad" then cache.cache_set("broken", true) ${COSTS_THE_THREAD} end
       if request.username == "mend" then cache.cache_delete("broken") end
       require("time").sleep(0.02)
       return 0, { mark }
     end`,
    {
      workers: 2,
      init: [
        `if require("nauthilus_cache").cache_get("broken") then error("no database") end
         mark = require("nauthilus_util").generate_random_string(12)`,
      ],
    },
  );
  const marks = async () => {
    const outcomes = await Promise.all([list(backend), list(backend)]);
    return new Set(outcomes.map((outcome) => (outcome.ok ? JSON.stringify(outcome.result.value) : outcome.reason)));
  };
  try {
    assert.equal((await marks()).size, 2);
    assert.match(reasonOf(await list(backend, "bad")), /stood still/);
    while (!backend.log.some((line) => line.includes("could not be started again"))) await marks();
    assert.equal((await marks()).size, 1);
    assert.equal(reasonOf(await list(backend, "mend")), "answered");
    while ((await marks()).size < 2);
  } finally {
    await backend.stop();
  }
});

test("calls are counted by function, by what ended them and by how long they waited; lost threads and calls in flight too", async () => {
  const metrics = createMetrics();
  const backend = await startBackend(
    `local ends = { good = function() return 0, {} end, loop = function() while true do end end, raise = function() error("x") end,
       flood = function() for i = 1, 600 do require("time").sleep(0) end end, doubling = function() local s = ("x"):rep(1000000) while true do s = s .. s end end,
       sleep = function() require("time").sleep(1) return 0, {} end, lost = function() ${COSTS_THE_THREAD} end }
     local function take(request) return ends[request.username]() end
     nauthilus_backend_list_accounts, nauthilus_backend_get_webauthn_credentials = take, take`,
    { metrics: metrics.lua },
  );
  try {
    for (const name of ["good", "loop", "raise", "flood", "doubling", "lost", "lost", "good"])
      await list(backend, name);
    const slow = backend.call("default", "nauthilus_backend_get_webauthn_credentials", { username: "sleep" });
    assert.deepEqual(backend.status(), [{ backend: "default", inFlight: 1, isStale: false }]);
    await slow;
    const { text } = await metrics.expose();
    const failures = [
      ...text.matchAll(
        /moonlatch_lua_failures_total\{backend="default",function="nauthilus_backend_(\w+)",reason="(\w+)"\} (\d)/g,
      ),
    ];
    assert.deepEqual(failures.map(([, fn, reason, count]) => `${fn} ${reason} ${count}`).toSorted(), [
      "list_accounts circuit 1",
      "list_accounts error 1",
      "list_accounts host_calls 1",
      "list_accounts instructions 1",
      "list_accounts memory 1",
      "list_accounts thread_lost 2",
    ]);
    // All but the one that was refused.
    assert.match(
      text,
      /moonlatch_lua_call_seconds_count\{backend="default",function="nauthilus_backend_list_accounts"\} 7\n/,
    );
    assert.match(text, /moonlatch_lua_wait_seconds_count\{backend="default"\} 8\n/);
    assert.match(text, /moonlatch_lua_threads_lost_total\{backend="default"\} 2\n/);
    assert.deepEqual(backend.status(), [{ backend: "default", inFlight: 0, isStale: false }]);
  } finally {
    await backend.stop();
  }
});

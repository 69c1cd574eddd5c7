import assert from "node:assert/strict";
import { test } from "node:test";
import { createStopwatch } from "../../../src/lua/stopwatch.ts";
import { startBackend } from "../../support/lua.ts";

function stopwatch() {
  const clock = { elapsed: 0, cpu: 0 };
  const call = { ran: 0 };
  const watch = createStopwatch(
    () => clock.elapsed,
    () => clock.cpu,
  );
  const work = (elapsed: number, cpu: number) => {
    clock.elapsed += elapsed;
    clock.cpu += cpu;
  };
  return { call, watch, work };
}

test("what a call has run is the CPU time of its slices, whatever time passed", () => {
  const { call, watch, work } = stopwatch();
  for (let slice = 0; slice < 10; slice += 1) {
    watch.start();
    work(0.1, 0.1);
    assert.equal(watch.isOver(call), false);
    // The thread gets a hundredth of a processor.
    work(200, 2);
    assert.equal(watch.isOver(call), true);
    watch.stop(call);
    // Others run.
    work(50, 50);
  }
  assert.ok(Math.abs(call.ran - 21) < 1e-9, String(call.ran));
});

test("a slice that ends in a wait counts too, and the wait does not", () => {
  const { call, watch, work } = stopwatch();
  watch.start();
  work(0.5, 0.5);
  assert.equal(watch.isOver(call), false);
  work(1, 1);
  watch.stop(call);
  work(1_000, 0);
  assert.equal(call.ran, 1.5);
});

test("a call that runs for longer than its CPU time is ended; one that waits longer is not", async () => {
  const backend = await startBackend(
    `local waits = { yielding = function() require("time").sleep(0.3) end,
       blocking = function() ("%s"):format(setmetatable({}, { __tostring = function() require("time").sleep(0.3) return "" end })) end }
     function nauthilus_backend_list_accounts(request)
       local n = 0
       if waits[request.username] == nil then while true do n = n + 1 end end
       waits[request.username]()
       return 0, {}
     end`,
    { instructions: 1_000_000_000, cpu_time: 100, call: 60_000 },
  );
  const call = (username: string) => backend.call("default", "nauthilus_backend_list_accounts", { username });
  try {
    const outcome = await call("loop");
    assert.equal(
      outcome.ok ? "answered" : outcome.reason,
      "the script ran for over 100 ms (lua.backends[].limits.cpu_time)",
    );
    assert.equal((await call("yielding")).ok, true);
    assert.equal((await call("blocking")).ok, true);
  } finally {
    await backend.stop();
  }
});

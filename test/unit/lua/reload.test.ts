import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import { COSTS_THE_THREAD, startBackend, type TestBackend, type TestBackendOptions } from "../../support/lua.ts";

const answers = (text: string) =>
  `function nauthilus_backend_list_accounts(request)
     if request.username == "bad" then ${COSTS_THE_THREAD} end
     return 0, { ${text} }
   end`;

async function withBackend(
  script: string,
  work: (backend: TestBackend) => Promise<void>,
  options: TestBackendOptions = {},
): Promise<void> {
  const backend = await startBackend(script, options);
  try {
    await work(backend);
  } finally {
    await backend.stop();
  }
}

/** As editors do it: the new file takes the place of the old one. */
function write(backend: TestBackend, name: string, text: string): void {
  writeFileSync(join(backend.folder, `${name}.new`), text);
  renameSync(join(backend.folder, `${name}.new`), join(backend.folder, name));
}
const list = async (backend: TestBackend, username = ""): Promise<string> => {
  const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { username });
  return outcome.ok ? JSON.stringify(outcome.result.value) : outcome.by;
};
const isStale = (backend: TestBackend) => backend.status()[0]?.isStale;

test("an edited script takes new calls, and those that run end with the old one", () => {
  const cache = `require("nauthilus_cache")`;
  const version = (name: string) => `function nauthilus_backend_list_accounts(request)
    if request.username == "go" then ${cache}.cache_set("go", true) end
    while request.username == "slow" and not ${cache}.cache_get("go") do require("time").sleep(0.1) end
    return 0, { "${name}" } end`;
  return withBackend(
    version("old"),
    async (backend) => {
      const slow = list(backend, "slow");
      write(backend, "backend.lua", version("new"));
      await backend.refresh();
      assert.equal(backend.status()[0]?.inFlight, 1);
      assert.equal(await list(backend, "go"), `["new"]`);
      assert.equal(await slow, `["old"]`);
    },
    { call: 30_000 },
  );
});

test("a module that a call required and an init script count as the script", () =>
  withBackend(
    answers(`require("own"), from_init`),
    async (backend) => {
      write(backend, "own.lua", "return 'first'");
      assert.equal(await list(backend), `["first","init"]`);
      write(backend, "own.lua", "return 'other'");
      assert.equal(await list(backend), `["first","init"]`);
      await backend.refresh();
      assert.equal(await list(backend), `["other","init"]`);
      write(backend, "init0.lua", "from_init = 'INIT'");
      await backend.refresh();
      assert.equal(await list(backend), `["other","INIT"]`);
    },
    { init: ["from_init = 'init'"] },
  ));

test("a module that was missing is noticed when it comes", () =>
  withBackend(answers(`tostring((pcall(require, "own")))`), async (backend) => {
    assert.equal(await list(backend), `["false"]`);
    write(backend, "own.lua", "return 1");
    await backend.refresh();
    assert.equal(await list(backend), `["true"]`);
  }));

test("files that did not change, or were only touched, start nothing", () => {
  const mark = "mark = require('nauthilus_util').generate_random_string(12)";
  return withBackend(
    answers("mark"),
    async (backend) => {
      const before = await list(backend);
      await backend.refresh();
      write(backend, "init0.lua", mark);
      await backend.refresh();
      assert.equal(await list(backend), before);
    },
    { init: [mark] },
  );
});

test("a broken edit changes nothing, says where it is and is told; a mended one is in use", () =>
  withBackend(answers(`"old"`), async (backend) => {
    write(backend, "backend.lua", `${answers(`"new"`)}\nlocal x = = 1`);
    await backend.refresh();
    const told = backend.log.filter((line) => line.includes("the last good one stays in use"));
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /backend\.lua:5: unexpected symbol/);
    assert.equal(isStale(backend), true);
    assert.equal(await list(backend), `["old"]`);
    // Told once, not at every look.
    await backend.refresh();
    assert.equal(backend.log.filter((line) => line.includes("the last good one stays in use")).length, 1);
    // A thread that is lost meanwhile comes back with what was good.
    assert.equal(await list(backend, "bad"), "thread_lost");
    assert.equal(await list(backend), `["old"]`);

    write(backend, "backend.lua", answers(`"new"`));
    await backend.refresh();
    assert.equal(isStale(backend), false);
    assert.equal(await list(backend), `["new"]`);
  }));

test("what broke an edit may be another file than the script: its mending is noticed", () =>
  withBackend(answers(`"old"`), async (backend) => {
    write(backend, "backend.lua", `local own = require("own")\n${answers("own")}`);
    await backend.refresh();
    assert.equal(isStale(backend), true);
    write(backend, "own.lua", "return 'new'");
    await backend.refresh();
    assert.equal(isStale(backend), false);
    assert.equal(await list(backend), `["new"]`);
  }));

test("a script may look for any number of modules of any length", () =>
  withBackend(
    `local many = {} for i = 1, 1500 do many[i] = tostring((pcall(require, "m" .. i))) end
     local long = pcall(require, ("x"):rep(5000)) ${answers("many[1], many[1500], tostring(long)")}`,
    async (backend) => {
      await backend.refresh();
      assert.equal(await list(backend), `["false","false","false"]`);
      write(backend, "m1.lua", "return 1");
      await backend.refresh();
      assert.equal(await list(backend), `["true","false","false"]`);
    },
  ));

test("a broken edit that is taken back is no fault any more", () =>
  withBackend(answers(`"old"`), async (backend) => {
    write(backend, "backend.lua", "oops");
    await backend.refresh();
    assert.equal(isStale(backend), true);
    write(backend, "backend.lua", answers(`"old"`));
    await backend.refresh();
    assert.equal(isStale(backend), false);
    assert.equal(await list(backend), `["old"]`);
  }));

test("an init script that failed for another reason than its text is tried again after a minute", () => {
  const real = realWorld().clock;
  const shift = { by: 0 };
  const cache = `require("nauthilus_cache")`;
  return withBackend(
    `function nauthilus_backend_list_accounts(request) ${cache}.cache_set("broken", request.username == "break") return 0, { version } end`,
    async (backend) => {
      await list(backend, "break");
      write(backend, "init0.lua", `if ${cache}.cache_get("broken") then error("no database") end version = 2`);
      await backend.refresh();
      assert.equal(isStale(backend), true);
      assert.equal(await list(backend, "mend"), "[1]");
      await backend.refresh();
      assert.equal(isStale(backend), true);
      shift.by += 60_001;
      await backend.refresh();
      assert.equal(isStale(backend), false);
      assert.equal(await list(backend), "[2]");
    },
    { init: ["version = 1"], clock: { ...real, monotonic: () => real.monotonic() + shift.by } },
  );
});

test("functions that come and go with an edit are known at once, but a script that lost its sign-in is not taken", () => {
  const verify = "function nauthilus_backend_verify_password() return 1 end";
  return withBackend(verify, async (backend) => {
    const known = () =>
      [...backend.accounts.functions("default")].map((name) => name.replace("nauthilus_backend_", ""));
    write(backend, "backend.lua", `${verify} function nauthilus_backend_add_totp() return 0 end`);
    await backend.refresh();
    assert.deepEqual(known().toSorted(), ["add_totp", "verify_password"]);
    write(backend, "backend.lua", "");
    await backend.refresh();
    assert.equal(isStale(backend), true);
    assert.equal(known().length, 2);
    write(backend, "backend.lua", verify);
    await backend.refresh();
    assert.deepEqual(known(), ["verify_password"]);
  });
});

test("a function that was refused for what it did to its thread may be called again after an edit", () =>
  withBackend(answers("1"), async (backend) => {
    await list(backend, "bad");
    await list(backend, "bad");
    assert.equal(await list(backend), "circuit");
    write(backend, "backend.lua", answers("2"));
    await backend.refresh();
    assert.equal(await list(backend), "[2]");
  }));

test("a file of over 256 KB is refused by name, at the start and in a call, and costs no thread", async () => {
  const large = `return 1 --${"x".repeat(262_144)}`;
  await assert.rejects(startBackend(large), /backend\.lua has over 256 KB/);
  await withBackend(answers(`select(2, pcall(require, "own"))`), async (backend) => {
    write(backend, "own.lua", large);
    assert.match(await list(backend), /own\.lua has over 256 KB, which is the most a Lua file may have/);
    assert.equal(
      backend.log.some((line) => line.includes("A Lua thread was lost")),
      false,
    );
  });
});

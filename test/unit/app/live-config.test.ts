import assert from "node:assert/strict";
import { test } from "node:test";
import { createLiveConfig, type LiveConfigDeps } from "../../../src/app/live-config.ts";
import { failure, success } from "../../../src/kernel/index.ts";
import { createLogger } from "../../../src/telemetry/index.ts";
import { SOUND, temporaryConfig, withClient } from "../config/temporary-config.ts";

const { config, faults } = temporaryConfig();
const CLIENT = 'client_secret: a-secret-of-the-test-application, redirect_uris: ["https://app.example/cb"]';

/** One live part, which fails as long as `broken` says so. */
function given() {
  const state = { broken: true, applied: 0, found: undefined as ReturnType<LiveConfigDeps["poll"]> };
  const live = createLiveConfig({
    poll: () => {
      const { found } = state;
      state.found = undefined;
      return found;
    },
    config: config(SOUND),
    logger: createLogger({ level: "error", format: "json", write: () => undefined }),
    parts: [
      {
        name: "clients",
        pick: (next) => next.oidc.clients,
        apply: () => {
          if (state.broken) throw new Error("the store fails");
          state.applied += 1;
        },
      },
    ],
  });
  return { state, live };
}

test("an edit that could not be taken over is tried again without another edit", async () => {
  const { state, live } = given();
  state.found = success(config(withClient(CLIENT)));
  await assert.rejects(live.turn(), /the store fails/);
  state.broken = false;
  await live.turn();
  await live.turn();
  assert.equal(state.applied, 1);
});

test("an edit that waits is forgotten once the file has faults, and the faults stay told", async () => {
  const { state, live } = given();
  state.found = success(config(withClient(CLIENT)));
  await assert.rejects(live.turn(), /the store fails/);
  state.found = failure(faults(`${SOUND}unknown: 1\n`));
  await live.turn();
  state.broken = false;
  await live.turn();
  assert.deepEqual([state.applied, live.isStale()], [0, true]);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { configJsonSchema, formatFaults, loadConfig } from "../../../src/config/index.ts";

const ENVIRONMENT = { WIKI_SECRET: "a-secret-from-the-environment" };
const load = (name: string, environment: Readonly<Record<string, string>> = ENVIRONMENT) =>
  loadConfig(join(import.meta.dirname, "../../../config", name), environment);

for (const name of ["demo.yaml", "minimal.yaml", "example.yaml"]) {
  test(`config/${name} has no fault`, () => {
    const loaded = load(name);
    assert.equal(loaded.ok ? "" : formatFaults(loaded.problem), "");
  });
}

test("the example shows the defaults it says are defaults", () => {
  const [example, minimal] = [load("example.yaml"), load("minimal.yaml")];
  assert.ok(example.ok && minimal.ok);
  assert.deepEqual(example.value.oidc.claims, minimal.value.oidc.claims);
  assert.deepEqual(example.value.oidc.ttl, minimal.value.oidc.ttl);
  assert.deepEqual(example.value.login.session, minimal.value.login.session);
  assert.deepEqual(example.value.login.throttle, minimal.value.login.throttle);
  assert.deepEqual(example.value.lua.backends[0]?.limits, minimal.value.lua.backends[0]?.limits);
});

test("the example names every section of the schema", () => {
  const { properties } = configJsonSchema() as { properties: Record<string, unknown> };
  const example = load("example.yaml");
  assert.ok(example.ok);
  assert.deepEqual(Object.keys(properties).toSorted(), Object.keys(example.value).toSorted());
});

test("durations, sizes and rates become milliseconds, bytes and a limit with its window; secrets do not print", () => {
  const example = load("example.yaml");
  assert.ok(example.ok);
  assert.equal(example.value.login.session.idle, 43_200_000);
  assert.equal(example.value.lua.backends[0]?.limits.memory, 67_108_864);
  assert.deepEqual(example.value.login.throttle.account, { limit: 10, window: 900_000 });
  assert.equal(example.value.oidc.clients[0]?.client_secret?.expose(), "a-secret-from-the-environment");
  assert.doesNotMatch(JSON.stringify(example.value), /a-secret-from-the-environment/);
});

test("an environment variable that is not set is a fault that names it", () => {
  const loaded = load("example.yaml", {});
  assert.ok(!loaded.ok);
  assert.match(
    formatFaults(loaded.problem),
    /example\.yaml:\d+: oidc\.clients\[0\]\.client_secret: the environment variable WIKI_SECRET is not set/,
  );
});

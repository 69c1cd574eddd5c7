import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

const TOKEN = "a-token-of-the-test-metrics";
/** Counts in every way there is; what it tries that it may not goes to the log. */
const COUNTING = SCRIPT.replace(
  "function nauthilus_backend_verify_password(request)",
  `local p = require("nauthilus_prometheus")
function nauthilus_backend_verify_password(request)
  p.create_counter_vec("site_lookups_total", "Look-ups", { "kind" })
  p.create_gauge_vec("site_open", "Open now", {})
  p.create_histogram_vec("site_seconds", "Time", { "task" })
  p.create_summary_vec("site_size", "Size", {})
  p.increment_counter("site_lookups_total", { kind = request.no_auth and "lookup" or "password" })
  p.touch_counter("site_lookups_total", { kind = "never" })
  p.set_gauge("site_open", 5, {}) p.add_gauge("site_open", 2.5) p.sub_gauge("site_open", 1) p.increment_gauge("site_open") p.decrement_gauge("site_open")
  p.stop_timer(p.start_histogram_timer("site_seconds", { task = "db" }))
  p.stop_timer(p.start_summary_timer("site_size", {}))
  p.increment_counter("site_unknown_total", {}) p.increment_counter("site_unknown_total", {})
  p.increment_counter("site_lookups_total", { other = "x" })
  for number = 1, 210 do p.increment_counter("site_lookups_total", { kind = "k" .. number }) end
  for _, wrong in ipairs({ { "moonlatch_sign_ins", {} }, { "no name", {} }, { "site_a", { "le" } }, { "site_seconds", { "x" } } }) do
    local ok, err = pcall(p.create_gauge_vec, wrong[1], "Help", wrong[2])
    print("refused " .. tostring(ok) .. " " .. err)
  end`,
);

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: COUNTING, oidc: OIDC, more: `observability: { metrics: { token: ${TOKEN} } }` });
});
after(() => idp.stop());

test("what a script counts stands beside the provider's own numbers, and no script makes more of it than there may be", async () => {
  await journeyOf(() => idp.issuer).signIn(createVisitor());
  const answer = await fetch(`${idp.issuer}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const text = await answer.text();
  for (const line of [
    /^site_lookups_total\{kind="password"\} 1$/m,
    /^site_lookups_total\{kind="never"\} 0$/m,
    /^# TYPE site_open gauge\nsite_open 6\.5$/m,
    /^site_seconds_bucket\{le="0\.001",task="db"\} \d$/m,
    /^# TYPE site_size summary$/m,
    /^moonlatch_audit_events_total\{event="sign_in"\} 1$/m,
  ])
    assert.match(text, line);
  assert.equal(text.match(/^site_lookups_total\{/gm)?.length, 200);
  const log = idp.log.join("\n");
  assert.match(log, /refused false .*the name moonlatch_sign_ins is the provider's own; take another beginning/);
  assert.match(log, /refused false .*no name.* is no name for a metric/);
  assert.match(log, /refused false .*le.* is no name for a label of site_a/);
  assert.match(log, /refused false .*the metric site_seconds exists with another kind or other labels/);
  assert.equal(log.match(/a metric was not changed: there is no counter site_unknown_total/g)?.length, 1);
  assert.match(log, /the labels of site_lookups_total are: kind/);
  assert.match(log, /site_lookups_total has at most 200 different sets of labels/);
});

// Modules about what is around a call: tracing, connections, addresses, the browser's request.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVisitor } from "../../support/browser.ts";
import { startIdp } from "../../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../../support/journey.ts";
import { CONTEXT, startBackend } from "../../support/lua.ts";
import { testExpressions } from "../../support/lua-values.ts";

testExpressions([
  ["require('nauthilus_opentelemetry').is_enabled()", "false"],
  [
    "require('nauthilus_opentelemetry').default_tracer():with_span('x', function(span) span:set_attribute('a', 1) span['end'](span) return 1, 2 end)",
    "1|2",
  ],
  ["require('nauthilus_opentelemetry').tracer('x'):start_span('y'):finish()", "nil"],
  [
    "select(2, pcall(function() require('nauthilus_opentelemetry').tracer('x'):with_span('y', function() error('inner', 0) end) end))",
    "inner",
  ],
  [
    "require('nauthilus_opentelemetry').semconv.http_client_attrs({ method = 'GET', url = 'u', status_code = 200 })['http.status_code']",
    "200",
  ],
  ["require('nauthilus_opentelemetry').semconv.peer_service('db')['peer.service']", "db"],
  ["next(require('nauthilus_opentelemetry').semconv.db_attrs({}))", "nil"],
  ["next(require('nauthilus_opentelemetry').baggage_all())", "nil"],
  ["require('nauthilus_misc').get_country_name('de')", "Germany"],
  ["require('nauthilus_misc').get_country_name('CI')", "CÃ´te dâ\u0080\u0099Ivoire"],
  ["require('nauthilus_misc').get_country_name('ZZZ')", "Unknown|no country has the code ZZZ"],
  ["require('nauthilus_misc').wait_random(5, 5)", "nil|invalid wait range"],
  [
    "(function() local time, m = require('time'), require('nauthilus_misc') local from = time.unix() local waited = m.wait_random(5, 20) return waited >= 5 and waited < 20 and time.unix() - from >= waited / 1000 - 0.002 end)()",
    "true",
  ],
  [
    "require('nauthilus_misc').scoped_ip('lua_generic', '192.0.2.1'), require('nauthilus_misc').scoped_ip('::1')",
    "192.0.2.1|::1",
  ],
  [
    "require('nauthilus_util').is_routable_ip('8.8.8.8'), require('nauthilus_util').is_routable_ip('10.1.2.3')",
    "true|false",
  ],
  [
    "require('nauthilus_util').is_routable_ip('2a00::1'), require('nauthilus_util').is_routable_ip('fe80::1')",
    "true|false",
  ],
  [
    "require('nauthilus_util').is_routable_ip('::ffff:10.0.0.1'), require('nauthilus_util').is_routable_ip('x')",
    "false|false",
  ],
  // Names of years ago.
  [
    "nauthilus == nauthilus_builtin, backend_result == nauthilus_backend_result, dynamic_loader('nauthilus_util')",
    "true|true",
  ],
  ["type(backend_result:new().user_found), require('nauthilus') == nauthilus_builtin", "function|true"],
  ["select(2, pcall(require('nauthilus_util').raise_error, 'broken')):match('broken$')", "broken"],
  ["require('nauthilus_util').raise_error(nil), require('nauthilus_util').if_error_raise('redis: nil')", "nil"],
]);

test("nauthilus_psnet does nothing, and the log says so once", async () => {
  const backend = await startBackend(`local psnet = require("nauthilus_psnet")
    function nauthilus_backend_list_accounts()
      psnet.register_connection_target("db:3306", "remote", "mysql")
      return 0, { tostring((psnet.get_connection_target("db:3306"))) }
    end`);
  try {
    for (let call = 0; call < 2; call += 1)
      assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["0"] });
    const warned = backend.log.filter((line) => line.includes("nauthilus_psnet does nothing here"));
    assert.equal(warned.length, 1);
  } finally {
    await backend.stop();
  }
});

test("without an HTTP request behind the call, nauthilus_http_request raises", async () => {
  const backend = await startBackend(`local http = require("nauthilus_http_request")
    function nauthilus_backend_list_accounts() return 0, { http.get_http_method() } end`);
  try {
    const outcome = await backend.accounts.listAccounts(CONTEXT);
    assert.match("reason" in outcome ? outcome.reason : "", /:2: there is no HTTP request behind this call$/);
  } finally {
    await backend.stop();
  }
});

test("a script sees the browser's request, and neither its cookies nor its body", async () => {
  const idp = await startIdp({
    script: SCRIPT.replace(
      "function nauthilus_backend_verify_password(request)",
      `local http = require("nauthilus_http_request")
      function nauthilus_backend_verify_password(request)
        nauthilus_builtin.custom_log_add("http", http.get_http_method() .. " " .. http.get_http_path():gsub("[^/]+$", "ID")
          .. " " .. http.get_http_request_header("Accept-Language")[1] .. " " .. #http.get_http_request_header("cookie")
          .. " " .. tostring(http.get_all_http_request_headers().cookie) .. " " .. tostring(request.http_request)
          .. " " .. tostring(pcall(http.get_http_request_body)) .. "[" .. http.get_http_query_param("none") .. "]")`,
    ),
    oidc: OIDC,
  });
  try {
    const { signIn } = journeyOf(() => idp.issuer);
    await signIn(createVisitor());
    const added = idp.log.filter((line) => line.includes("Added by a script"));
    assert.ok(
      added.some((line) => /POST \/login\/oidc\/ID \S+ 0 nil nil false\[\]/.test(line)),
      added.join("\n"),
    );
  } finally {
    await idp.stop();
  }
});

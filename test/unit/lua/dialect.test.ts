import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CONTEXT, startBackend, type TestBackend } from "../../support/lua.ts";

/** Each expression and what Lua 5.1 prints for it. */
const EXPRESSIONS: readonly (readonly [string, string])[] = [
  ["1000 * 60 * 60 * 24 * 30", "2592000000"],
  ["10 / 2", "5"],
  ["0xFFFFFFFF", "4294967295"],
  ["#('x'):rep(70000) * 70000", "4900000000"],
  ["string.format('%d items', 3)", "3 items"],
  ["unpack({ 7, 8 })", "7"],
  ["math.pow(2, 10)", "1024"],
  ["table.getn({ 1, 2, 3 })", "3"],
  ["loadstring('return 5')()", "5"],
  ["os.date('!%Y-%m-%d %H:%M:%S', 2208988800)", "2040-01-01 00:00:00"],
  ["tostring(({ ['ab'] = 1 })['\\006\\022\\002'])", "nil"],
  ["collectgarbage('count')", "0"],
  [
    "(function() local t = {} for _, v in pairs({ 'a', 'b', 'c' }) do t[#t + 1] = v end return table.concat(t) end)()",
    "abc",
  ],
  ["require('json').encode({ b = 1, a = { 1, 2 } })", '{"a":[1,2],"b":1}'],
  ["require('json').decode('{\"k\":[1,\"x\"]}').k[2]", "x"],
  [
    "(function() local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return co(1) .. co(5) end)()",
    "210",
  ],
  [
    "(function() local co = coroutine.wrap(function() require('time').sleep(0.001) return 'woke' end) return co() end)()",
    "woke",
  ],
  ["select(2, pcall(function() require('time').sleep(0.001) error('late', 0) end))", "late"],
  [
    "(function() local t = { 3, 1, 2 } table.sort(t, function(a, b) require('time').sleep(0.001) return a < b end) return table.concat(t) end)()",
    "123",
  ],
  [
    "select(2, pcall(require('json').encode, { 'secret', print })):match('cannot be handed over')",
    "cannot be handed over",
  ],
  ["select(2, load(('a=1 '):rep(100000)))", "load: a source of over 256 KB"],
  ["('%5.1f|%s|%q'):format(3.14159, 'x', 'say \"it\"')", '  3.1|x|"say \\"it\\""'],
  ["tostring(tonumber((' '):rep(2000) .. '1'))", "nil"],
  ["table.concat({ ('%x+'):rep(2), #('x'):rep(3, ', ') })", "%x+%x+7"],
  ["select(2, pcall(require, 'nauthilus_mail')):match('not available') ", "not available"],
  ["require('nauthilus_util').toboolean('true')", "true"],
  ["require('time').format(0, '2006-01-02T15:04:05Z07:00')", "1970-01-01T00:00:00Z"],
  [
    "require('time').format(2208988800.25, 'Monday, 02-Jan-06 03:04:05.000 PM -07:00', 'America/New_York')",
    "Saturday, 31-Dec-39 07:00:00.250 PM -05:00",
  ],
  ["select(2, require('time').format(0, '2006', 'Mars/Olympus'))", "unknown time zone Mars/Olympus"],
  ["require('time').parse('2040-07-01 12:30:00', '2006-01-02 15:04:05', 'Europe/Berlin')", "2224751400"],
  ["require('time').parse('Mon Jan 2 15:04:05 -0700 2006', 'Mon Jan 2 15:04:05 -0700 2006')", "1136239445"],
  ["require('time').parse('3:04 pm 5 Feb 2026', '3:04 pm 2 Jan 2006')", "1770303840"],
  ["select(2, require('time').parse('nonsense', '2006-01-02'))", 'cannot parse "nonsense" as "2006-01-02"'],
];

let backend: TestBackend;
before(async () => {
  const cases = EXPRESSIONS.map(([expression], index) => `["${index}"] = function() return (${expression}) end,`);
  backend = await startBackend(`local cases = {\n${cases.join("\n")}\n}
function nauthilus_backend_list_accounts(request)
  return 0, { tostring(cases[request.username]()) }
end`);
});
after(() => backend.stop());

EXPRESSIONS.forEach(([expression, expected], index) => {
  test(`${expression.slice(0, 90)} is ${expected}`, async () => {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { username: String(index) });
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [expected]);
  });
});

test("what the host cannot take is told to whoever reads the log, and nothing else that the script had at hand", async () => {
  const leaky = await startBackend(`function nauthilus_backend_list_accounts(request)
    pcall(error)
    local password = "secret"
    return 0, require("json").encode({ password, print })
  end`);
  try {
    const outcome = await leaky.call("default", "nauthilus_backend_list_accounts", {});
    assert.match(
      outcome.ok ? "ok" : outcome.reason,
      /a value is a function, thread or userdata, which cannot be handed over$/,
    );
  } finally {
    await leaky.stop();
  }
});

test("every field of the request has a value, and the context reaches the script", async () => {
  const spy = await startBackend(`function nauthilus_backend_list_accounts(r)
    local out = {}
    for _, name in ipairs({ "debug", "no_auth", "client_ip", "session", "ssl_cipher", "logging", "requested_scopes", "oidc_cid", "saml_entity_id", "protocol", "totp_secret", "user_agent" }) do
      out[#out + 1] = name .. "=" .. (type(r[name]) == "table" and "table" or tostring(r[name]))
    end
    return 0, out
  end`);
  try {
    const listed = await spy.accounts.listAccounts(CONTEXT);
    assert.deepEqual(listed, {
      code: "ok",
      values: [
        "debug=false",
        "no_auth=false",
        "client_ip=192.0.2.1",
        "session=ref-1",
        "ssl_cipher=",
        "logging=table",
        "requested_scopes=table",
        "oidc_cid=wiki",
        "saml_entity_id=",
        "protocol=oidc",
        "totp_secret=",
        "user_agent=test",
      ],
    });
  } finally {
    await spy.stop();
  }
});

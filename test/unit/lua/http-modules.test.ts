import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, test } from "node:test";
import { startBackend, type TestBackend } from "../../support/lua.ts";
import { bodyOf, startWebServer, type WebServer } from "../../support/web-server.ts";

/** What a script may do, by name; each gives texts. */
const SCRIPT = `
local glua, http = require("glua_http"), require("http")
local base = os.getenv("BASE")
local function shown(response, err) if response == nil then return tostring(err) end return response.status_code .. " " .. response.body end
local cases = {
  verbs = function()
    local all = {}
    for _, verb in ipairs({ "get", "delete", "patch", "post", "put" }) do all[#all + 1] = shown(glua[verb](base .. "/method")) end
    all[#all + 1] = tostring(glua.head(base .. "/method").headers["X-Method"])
    all[#all + 1] = shown(glua.request("options", base .. "/method", {}))
    return all
  end,
  fields = function()
    local response = glua.get(base .. "/bytes")
    return { response.body, tostring(response.body_size), response.headers["Content-Type"], response.cookies.sid, (response.url:gsub("%d+", "N")) }
  end,
  batch = function()
    local responses, errors = glua.request_batch({ { "GET", base .. "/method" }, { "POST", base .. "/method", { body = "x" } } })
    local some, failures = glua.request_batch({ { "GET", base .. "/method" }, { "GET", "http://127.0.0.1:1/" }, "junk" })
    return { shown(responses[1]), shown(responses[2]), tostring(errors), shown(some[1]), tostring(some[2]), tostring(failures[1]), failures[2], failures[3] }
  end,
  goes_on = function()
    local none, err = glua.get("http://intranet.example.org/?token=secret", { auth = { user = "u", pass = "secret" } })
    local ok, raised = pcall(glua.get, base, { headers = { a = print } })
    return { tostring(none), err, tostring(ok), (raised:gsub("^.-: ", "")), shown(glua.get(base .. "/method")) }
  end,
  blocked = function()
    local text = ("ab"):gsub(".", function(letter) return shown(glua.get(base .. "/echo?" .. letter)) .. ";" end)
    local thread = coroutine.wrap(function() coroutine.yield(shown(glua.get(base .. "/method"))) end)
    return { text, thread() }
  end,
  client = function()
    local client = http.client({ timeout = 5, user_agent = "script", headers = { ["X-A"] = "client" }, insecure_ssl = false })
    local request, err = http.request("POST", base .. "/echo", "body")
    request:header_set("X-B", "request")
    request:set_basic_auth("jane", "pw")
    local result = client:do_request(request)
    local none, failed = http.client():do_request(http.request("GET", "http://127.0.0.1:1/"))
    local ok, refused = pcall(http.client, { proxy = "http://proxy.example.org" })
    return { tostring(err), tostring(result.code), result.body, result.headers["X-Method"], tostring(none), failed, tostring(ok), refused }
  end,
  urls = function()
    local parts = http.parse_url("https://jane:p%40w@example.org:8443/a%20b?x=1&x=2&y=%C3%A9")
    return {
      http.query_escape("<> d\\195\\164~&="), http.query_unescape("%3C%3E+d"), (select(2, http.query_unescape("%zz"))),
      parts.scheme, parts.host, parts.port, parts.path, parts.user.username, parts.user.password, parts.query.x[2], parts.query.y[1], parts.raw_query,
      http.build_url({ scheme = "https", host = "example.org:8443", path = "/a b", user = { username = "j", password = "p@" }, query = { y = "2 3", x = { "1", "2" } } }),
      (select(2, http.parse_url("nothing"))),
    }
  end,
  hold = function(request) return { shown(glua.get(base .. "/hold?" .. request.account)) } end,
  silent = function() return { shown(glua.get(base .. "/silent")) } end,
}
function nauthilus_backend_list_accounts(request) return 0, cases[request.username](request) end`;

let server: WebServer;
let backend: TestBackend;
const held: ServerResponse[] = [];

before(async () => {
  server = await startWebServer((request, response) => {
    const { method = "", url = "", headers } = request;
    response.setHeader("X-Method", method);
    if (url === "/method") return response.end(method);
    if (url === "/silent") return undefined;
    if (url === "/bytes") {
      response.setHeader("Set-Cookie", "sid=a1; Secure").setHeader("Content-Type", "text/x");
      return response.end(Buffer.from([0, 255]));
    }
    if (url.startsWith("/hold")) return hold(url, response);
    const { "x-a": a = "", "x-b": b = "", "user-agent": agent, authorization = "" } = headers;
    return void bodyOf(request).then((body) =>
      response.end([url, String(a), String(b), agent, authorization, body.toString()].join(" ")),
    );
  });
  backend = await startBackend(SCRIPT, {
    call: 2_000,
    allow: { hosts: ["localhost"] },
    environment: { BASE: `http://localhost:${server.port}` },
  });
});
after(async () => {
  await backend.stop();
  await server.close();
});

/** Answers when sixteen wait, so that one after the other would never be answered. */
function hold(url: string, response: ServerResponse): void {
  response.write(url);
  if (held.push(response) % 16 === 0) for (const waiting of held.splice(0)) waiting.end();
}

async function run(name: string, account = ""): Promise<unknown> {
  const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { username: name, account });
  return outcome.ok ? outcome.result.value : outcome.reason;
}

test("glua_http has a function for each method, and request for any", async () => {
  assert.deepEqual(await run("verbs"), [
    "200 GET",
    "200 DELETE",
    "200 PATCH",
    "200 POST",
    "200 PUT",
    "HEAD",
    "200 OPTIONS",
  ]);
});

test("a response has body, body_size, headers, cookies and url", async () => {
  assert.deepEqual(await run("fields"), ["\u0000\u00ff", "2", "text/x", "a1", "http://localhost:N/bytes"]);
});

test("a batch gives responses, and errors in the places of those that failed", async () => {
  assert.deepEqual(await run("batch"), [
    "200 GET",
    "200 POST",
    "nil",
    "200 GET",
    "nil",
    "nil",
    'http://127.0.0.1:1: the host is not granted; add "127.0.0.1:1" to allow.hosts of this backend',
    "the address must be text",
  ]);
});

test("a failure is nil and a text without secrets, and the script goes on", async () => {
  assert.deepEqual(await run("goes_on"), [
    "nil",
    'http://intranet.example.org: the host is not granted; add "intranet.example.org" to allow.hosts of this backend',
    "false",
    "a value is a function, thread or userdata, which cannot be handed over",
    "200 GET",
  ]);
});

test("requests work where a call cannot be suspended, and in coroutines of the script", async () => {
  assert.deepEqual(await run("blocked"), ["200 /echo?a   moonlatch  ;200 /echo?b   moonlatch  ;", "200 GET"]);
});

test("the client of http sends what client and request say, and has no proxy", async () => {
  assert.deepEqual(await run("client"), [
    "nil",
    "200",
    `/echo client request script Basic ${Buffer.from("jane:pw").toString("base64")} body`,
    "POST",
    "nil",
    'http://127.0.0.1:1: the host is not granted; add "127.0.0.1:1" to allow.hosts of this backend',
    "false",
    "http.client: proxy is not available; authorities are named in allow.ca_file",
  ]);
});

test("http escapes, takes URLs apart and puts them together", async () => {
  assert.deepEqual(await run("urls"), [
    "%3C%3E+d%C3%A4~%26%3D",
    "<> d",
    "a % is not followed by two hexadecimal digits",
    "https",
    "example.org:8443",
    "8443",
    "/a b",
    "jane",
    "p@w",
    "2",
    "\u00c3\u00a9",
    "x=1&x=2&y=%C3%A9",
    "https://j:p%40@example.org:8443/a%20b?x=1&x=2&y=2+3",
    "the address is not a URL",
  ]);
});

test("32 calls are in flight at once, and each gets its own answer", async () => {
  const calls = Array.from({ length: 32 }, (_, index) => run("hold", `n${index}`));
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, index) => [`200 /hold?n${index}`]),
  );
});

test("a call that waits for a server ends at its own limit, and the next one works", async () => {
  assert.match(String(await run("silent")), /no answer within 2000 ms/);
  assert.deepEqual(await run("verbs"), [
    "200 GET",
    "200 DELETE",
    "200 PATCH",
    "200 POST",
    "200 PUT",
    "HEAD",
    "200 OPTIONS",
  ]);
});

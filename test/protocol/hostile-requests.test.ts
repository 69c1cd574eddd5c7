import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request } from "node:http";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { basic, post, send } from "../support/oauth.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
});
after(() => idp.stop());
const { authorizeUrl } = journeyOf(() => idp.issuer);

interface Raw {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request whose target is sent as it is, without a client that would tidy it up. */
function raw(
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: idp.port,
        path,
        method,
        headers: { host: new URL(idp.issuer).host, accept: "text/html", ...headers },
      },
      (res) => {
        let body = "";
        res
          .on("data", (chunk: Buffer) => (body += chunk.toString()))
          .on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
      },
    );
    sent.on("error", reject).end();
  });
}

/** Percent-encoded bytes, as a hostile sender would put them in an address. */
const BYTES: Readonly<Record<string, string>> = {
  "a byte that is no UTF-8": "%ff",
  "an overlong slash": "%c0%af",
  "an overlong NUL": "%c0%80",
  "half of a character": "%e2%82",
  "a surrogate in UTF-8": "%ed%a0%80",
  "a code point beyond Unicode": "%f7%bf%bf%bf",
  "a lonely percent sign": "%",
  "a broken percent sequence": "%zz",
  "a UTF-16 escape": "%u0041",
  NUL: "%00",
  "CR LF and a header": "%0d%0aX-Injected:%20yes",
  "a line separator": "%e2%80%a8",
  "a byte order mark": "%ef%bb%bf",
  "a right-to-left override": "%e2%80%ae",
  markup: "%3Cscript%3Ealert(1)%3C/script%3E",
  "an attribute's end": "%22%20onload=%22alert(1)",
  "a template": "%7B%7B1111*1111%7D%7D%3C%25=1111*1111%25%3E%24%7B1111*1111%7D",
  "a log line": "%1b[31m%0aerror%20forged",
  __proto__: "__proto__",
  constructor: "constructor",
  "an array": "%5B%5D",
  "7 KB": "a".repeat(7000),
};
const PLACES = ["client_id", "redirect_uri", "scope", "state", "login_hint", "ui_locales", "acr_values", "display"];

for (const [name, bytes] of Object.entries(BYTES)) {
  test(`[19] [24] ${name} in any parameter makes no server error, no markup, no header and no log line of its own`, async () => {
    const seen = idp.log.length;
    for (const place of PLACES) {
      const url = new URL(authorizeUrl("app"));
      url.searchParams.delete(place);
      const { status, headers, body } = await raw(`${url.pathname}${url.search}&${place}=${bytes}`);
      assert.ok(status < 500, `${place}: ${status}`);
      assert.equal(headers["x-injected"], undefined);
      assert.doesNotMatch(body, /<script>alert|onload="alert|1234321|X-Injected|    at .*\d+:\d+/, place);
      assert.doesNotMatch(headers.location ?? "", /[\r\n<>"]/);
    }
    for (const line of idp.log.slice(seen)) assert.equal(/\p{Cc}/u.test(line.slice(0, -1)), false, line);
  });
}

test("[19] names of the language as parameters change nothing and break nothing", async () => {
  for (const name of [
    "__proto__",
    "__proto__[x]",
    "constructor",
    "constructor[prototype][x]",
    "toString",
    "hasOwnProperty",
    "then",
    "[]",
    "%00",
    "=",
    "&&&",
  ]) {
    const { pathname, search } = new URL(authorizeUrl("app"));
    const { status, headers } = await raw(`${pathname}${search}&${name}=x`);
    assert.equal(status, 303, name);
    assert.match(headers.location ?? "", /\/login\/oidc\//, name);
  }
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});

test("[23] other methods get 404 or 405 from every endpoint, and TRACE repeats nothing", async () => {
  const endpoints: Readonly<Record<string, readonly string[]>> = {
    "/oidc/authorize": ["POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"],
    "/oidc/token": ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"],
    "/oidc/userinfo": ["PUT", "DELETE", "PATCH", "TRACE"],
    "/oidc/introspect": ["GET", "PUT", "DELETE", "TRACE"],
    "/oidc/revoke": ["GET", "PUT", "DELETE", "TRACE"],
    "/oidc/jwks": ["POST", "PUT", "DELETE", "TRACE"],
    "/oidc/logout": ["PUT", "DELETE", "TRACE"],
    "/oidc/logout/confirm": ["GET", "PUT", "DELETE", "TRACE"],
    "/.well-known/openid-configuration": ["POST", "PUT", "DELETE", "TRACE"],
  };
  for (const [path, methods] of Object.entries(endpoints)) {
    for (const method of methods) {
      const { status, body, headers } = await raw(path, { method, headers: { "x-secret": "canary-value" } });
      assert.ok([404, 405].includes(status), `${method} ${path}: ${status}`);
      assert.doesNotMatch(body, /canary-value/);
      assert.equal(headers.location, undefined);
    }
  }
});

test("[23] paths beside the endpoints are our own 404 page", async () => {
  for (const path of [
    "/oidc",
    "/oidc/",
    "/oidc/token/",
    "/oidc//token",
    "/oidc/TOKEN",
    "/oidc/token%00",
    "/oidc/./token",
    "/oidc/token;x",
    "/oidc/authorize/short",
    "/oidc/authorize/../token",
    "/auth",
    "/token",
    "/me",
  ]) {
    const { status, headers, body } = await raw(path);
    assert.equal(status, 404, path);
    assert.match(headers["content-type"] ?? "", /html/);
    assert.match(body, /reference|Reference/);
  }
});

test("[24] an error page names neither what was sent nor how we are built, and its reference is in the log", async () => {
  const { status, body, headers } = await createVisitor().get(
    authorizeUrl("canary-client", { redirect_uri: "https://canary.example/x", state: "canary-state" }),
  );
  assert.equal(status, 400);
  assert.doesNotMatch(body, /canary|oidc-provider|koa|express|node_modules|src\/|\.ts\b|    at /i);
  assert.equal(headers.get("x-powered-by"), null);
  assert.equal(headers.get("server"), null);
  const reference = /<bdi[^>]*>([0-9a-f]{12})<|>([0-9a-f]{12})</.exec(body);
  assert.ok(reference !== null, body);
  const id = reference[1] ?? reference[2] ?? "";
  assert.ok(idp.log.some((line) => line.includes(id)));
});

const HOSTILE = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "null",
  "undefined",
  "\u0000",
  "../../etc/passwd",
  "a".repeat(20_000),
  "'; DROP TABLE records;--",
  "%00",
  "{}",
  "eyJhbGciOiJub25lIn0.e30.",
  "ä".repeat(500),
  "😀",
];

test("[35] hostile codes, refresh tokens and grant types are 400 with an OAuth error, never a server error", async () => {
  for (const value of HOSTILE) {
    const forms = [
      { grant_type: "authorization_code", code: value, redirect_uri: value, code_verifier: "v".repeat(43) },
      { grant_type: "authorization_code", code: "x", redirect_uri: "x", code_verifier: value },
      { grant_type: "refresh_token", refresh_token: value, scope: value },
      { grant_type: value },
    ];
    for (const form of forms) {
      const { status, json } = await post(`${idp.issuer}/oidc/token`, form, basic("app"));
      assert.equal(status, 400, JSON.stringify(form).slice(0, 200));
      assert.match(String(json["error"]), /^(?:invalid_grant|invalid_request|invalid_scope|unsupported_grant_type)$/);
    }
    for (const path of ["introspect", "revoke"]) {
      const { status } = await post(
        `${idp.issuer}/oidc/${path}`,
        { token: value, token_type_hint: value },
        basic("app"),
      );
      assert.ok([200, 400].includes(status), `${path} ${value.slice(0, 20)}: ${status}`);
    }
    assert.equal(
      (await send(`${idp.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${encodeURIComponent(value)}` } }))
        .status >= 400,
      true,
    );
  }
});

test("[35] forms with thousands of fields, deep names or a megabyte are refused before they are read far", async () => {
  const url = `${idp.issuer}/oidc/token`;
  const many = Array.from({ length: 5000 }, (_, index) => `f${index}=x`).join("&");
  const deep = `grant_type${"[x]".repeat(2000)}=y`;
  for (const body of [many, deep, `grant_type=refresh_token&refresh_token=${"a".repeat(1_000_000)}`]) {
    const { status, json } = await post(url, body, basic("app"));
    assert.ok([400, 413].includes(status), String(status));
    assert.notEqual(json["error"], "server_error");
  }
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { exchange } from "../support/raw-socket.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
});
after(() => idp.stop());

const host = (): string => `Host: localhost:${idp.port}\r\n`;
const FORM = "Content-Type: application/x-www-form-urlencoded\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
/** A form with these headers beside Host, and this body. */
const post = (headers: string, body: string) => () =>
  `POST /login/oidc/x HTTP/1.1\r\n${host()}${FORM}${headers}\r\n${body}`;
const get = (headers: string) => () => `GET /.well-known/openid-configuration HTTP/1.1\r\n${host()}${headers}\r\n`;
const target = (line: string) => () => `${line}\r\n${host()}\r\n`;

/** What two programs behind each other could read differently (RFC 9112 section 11.2), and what only a proxy is asked. */
const SHAPES: readonly (readonly [what: string, bytes: () => string])[] = [
  ["a length and chunks", post(`Content-Length: 4\r\n${CHUNKED}`, "0\r\n\r\n")],
  ["chunks and a length", post(`${CHUNKED}Content-Length: 4\r\n`, "0\r\n\r\n")],
  ["an unknown transfer coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")],
  ["the coding identity", post("Transfer-Encoding: identity\r\n", "0\r\n\r\n")],
  ["chunked, then another coding", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")],
  ["another coding, then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")],
  ["two transfer codings in two lines", post(`${CHUNKED}Transfer-Encoding: identity\r\n`, "0\r\n\r\n")],
  ["chunked twice", post(CHUNKED + CHUNKED, "0\r\n\r\n")],
  ["chunked after a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")],
  ["chunked in quotes", post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n")],
  ["an empty transfer coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n")],
  ["a folded transfer coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")],
  ["chunks in HTTP/1.0", () => post(CHUNKED, "0\r\n\r\n")().replace("HTTP/1.1", "HTTP/1.0")],
  ["two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "a=b")],
  ["one length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "a=b")],
  ["a list of lengths", post("Content-Length: 3, 3\r\n", "a=b")],
  ["a length with a plus", post("Content-Length: +3\r\n", "a=b")],
  ["a negative length", post("Content-Length: -3\r\n", "a=b")],
  ["a hexadecimal length", post("Content-Length: 0x3\r\n", "a=b")],
  ["a length beyond all numbers", post("Content-Length: 99999999999999999999999\r\n", "a=b")],
  ["an empty length", post("Content-Length:\r\n", "a=b")],
  ["a space before the colon", post("Content-Length : 3\r\n", "a=b")],
  ["a chunk that ends in LF", post(CHUNKED, "3\na=b\n0\n\n")],
  ["a chunk extension that ends in LF", post(CHUNKED, "3;x\na=b\r\n0\r\n\r\n")],
  ["a chunk size with 0x", post(CHUNKED, "0x3\r\na=b\r\n0\r\n\r\n")],
  ["a chunk size with a space", post(CHUNKED, "3 \r\na=b\r\n0\r\n\r\n")],
  ["a chunk size beyond all numbers", post(CHUNKED, "fffffffffffffffff3\r\na=b\r\n0\r\n\r\n")],
  ["a header line that ends in LF", get("X: y\n")],
  ["a CR inside of a header", get("X: a\rY: b\r\n")],
  ["a NUL inside of a header", get("X: a\0b\r\n")],
  ["a folded header", get("X: y\r\n z\r\n")],
  ["a header that begins with a space", target("GET /.well-known/openid-configuration HTTP/1.1\r\n X: y")],
  ["a request line that ends in LF", () => `GET /health/live HTTP/1.1\n${host()}\r\n`],
  ["no Host", () => "GET /health/live HTTP/1.1\r\n\r\n"],
  ["the same Host twice", get("Host: localhost\r\n")],
  ["another Host behind the right one", get("Host: evil.example\r\n")],
  ["another Host before the right one", target("GET / HTTP/1.1\r\nHost: evil.example")],
  ["a whole address as target", () => target(`GET http://localhost:${idp.port}/health/live HTTP/1.1`)()],
  ["another host's address as target", target("GET http://evil.example/ HTTP/1.1")],
  ["a host and port as target", target("GET localhost:80 HTTP/1.1")],
  ["an asterisk as target", target("OPTIONS * HTTP/1.1")],
  ["CONNECT", target("CONNECT evil.example:443 HTTP/1.1")],
  ["Upgrade to WebSocket", get("Connection: Upgrade\r\nUpgrade: websocket\r\n")],
  ["Upgrade to HTTP/2", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")],
  ["the preface of HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["HTTP/2.0 in a request line", target("GET /health/live HTTP/2.0")],
  ["HTTP/0.9", () => "GET /health/live\r\n\r\n"],
  ["a NUL in the path", target("GET /health\0/live HTTP/1.1")],
  ["a raw byte above 127 in the path", target("GET /h\xe4 HTTP/1.1")],
  ["an unknown method", target("FOO / HTTP/1.1")],
  ["the beginning of a TLS handshake", () => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
];

for (const [what, bytes] of SHAPES) {
  test(`${what} is refused with 400, and nothing behind it on the connection is served`, async () => {
    const { text, statuses, isClosed } = await exchange(
      idp.port,
      `${bytes()}GET /health/live HTTP/1.1\r\n${host()}\r\n`,
    );
    assert.deepEqual(statuses, [400], text);
    assert.match(text, /^connection: close\r$/im);
    assert.ok(isClosed);
  });
}

test("an honest request before and after another one is served, as is a chunked form", async () => {
  const ask = `GET /health/live HTTP/1.1\r\n${host()}\r\n`;
  const last = `GET /health/live HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`;
  const chunked = post(`Origin: ${idp.issuer}\r\n${CHUNKED}`, "3\r\na=b\r\n0\r\n\r\n")();
  const { statuses } = await exchange(idp.port, ask + chunked + last);
  assert.deepEqual(statuses, [200, 400, 200]);
  const { text } = await exchange(idp.port, chunked.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.match(text, /Your browser did not send back our cookie/);
});

for (const [what, bytes] of [
  ["an address of 20 KB", target(`GET /${"a".repeat(20_000)} HTTP/1.1`)],
  ["a header of 20 KB", get(`X: ${"a".repeat(20_000)}\r\n`)],
  ["thousands of headers", get("X:\r\n".repeat(5_000))],
  ["a cookie of 20 KB", get(`Cookie: ${"a".repeat(20_000)}\r\n`)],
] as const) {
  test(`${what} gets 431`, async () => {
    const { statuses, isClosed } = await exchange(idp.port, bytes());
    assert.deepEqual(statuses, [431]);
    assert.ok(isClosed);
  });
}

const COOKIES = [
  "=",
  ";;;;",
  "a",
  "=;=a; b=",
  "moonlatch_session=",
  "moonlatch_session=%",
  "moonlatch_session=%ff; moonlatch_session.sig=%",
  'moonlatch_session="quoted"; moonlatch_device="',
  "moonlatch_device=; moonlatch_lang=%00",
  "__proto__=x; constructor=y; toString=z",
  `moonlatch_session=${"x".repeat(12_000)}`,
  "a=b; ".repeat(2_000),
  "moonlatch_session=\xe4\xf6\xfc\x80",
  "moonlatch_interaction=../../etc/passwd; moonlatch_interaction.sig=x",
];
for (const cookie of COOKIES) {
  test(`the cookie header ${JSON.stringify(cookie.slice(0, 60))} is no failure of ours`, async () => {
    for (const path of ["/", "/account", "/login/oidc/x", "/login/saml/x", "/oidc/logout", "/oidc/authorize"]) {
      const bytes = `GET ${path} HTTP/1.1\r\n${host()}Cookie: ${cookie}\r\nConnection: close\r\n\r\n`;
      const { statuses } = await exchange(idp.port, bytes);
      assert.ok((statuses[0] ?? 500) < 500 && statuses.length === 1, `${path}: ${statuses.join()}`);
    }
    assert.ok(!idp.log.some((line) => line.includes('"level":"error"')), idp.log.at(-1));
  });
}

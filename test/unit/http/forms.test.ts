import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseForm } from "../../../src/http/forms.ts";
import { formBody, sameOriginPost } from "../../../src/http/index.ts";
import { type Ask, ISSUER, startEdge } from "./edge-server.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const parse = (text: string) => ({ ...parseForm(Buffer.from(text, "latin1")) });
const malformed = { name: "IdpError", code: "BODY_MALFORMED" };
const start = () => startEdge([formBody(), (req, res) => void res.json(req.body)]);
const post = (body: Ask["body"], headers: Record<string, string> = FORM): Ask =>
  body === undefined ? { method: "POST", headers } : { method: "POST", headers, body };

test("what a browser encodes comes out again, whatever the names and values are", () => {
  const field = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(fc.dictionary(field, field, { maxKeys: 20 }), (fields) => {
      assert.deepEqual({ ...parseForm(Buffer.from(new URLSearchParams(fields).toString())) }, { ...fields });
    }),
  );
});

test("a field that is there twice is refused, also under another spelling of its name", () => {
  for (const text of ["a=1&a=2", "a=1&%61=2", "a&a"]) assert.throws(() => parse(text), malformed, text);
});

test("brackets and dangerous names are plain names", () => {
  assert.deepEqual(parse("a[]=1&a[b]=2&constructor=3"), { "a[]": "1", "a[b]": "2", constructor: "3" });
  assert.equal(Object.getPrototypeOf(parseForm(Buffer.from("__proto__=1"))), null);
});

test("bytes that are not UTF-8 and broken percent sequences are refused", () => {
  for (const text of ["a=%ff", "a=%c3", "a=%zz", "a=%", "a=\xff", "%ed%a0%80=1"])
    assert.throws(() => parse(text), malformed, text);
  assert.deepEqual(parse("a=\xc3\xa9"), { a: "é" });
});

test("more than 100 fields are refused", () => {
  const fields = (count: number): string => Array.from({ length: count }, (_, at) => `f${at}=1`).join("&");
  assert.equal(Object.keys(parse(fields(100))).length, 100);
  assert.throws(() => parse(fields(101)), malformed);
});

test("any bytes are a form or BODY_MALFORMED, never another failure", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseForm(bytes);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "BODY_MALFORMED");
      }
    }),
  );
});

test("a form is read, other content types and encoded bodies are not", async () => {
  await using edge = await start();
  assert.equal((await edge.ask("/", post("a=1&b=x+y"))).body, '{"a":"1","b":"x y"}');
  const charset = { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
  assert.equal((await edge.ask("/", post("a=1", charset))).status, 200);
  for (const headers of [
    {},
    { "content-type": "application/json" },
    { "content-type": "multipart/form-data" },
    { ...FORM, "content-encoding": "gzip" },
  ])
    assert.equal((await edge.ask("/", post("a=1", headers))).status, 400, JSON.stringify(headers));
});

test("64 KB are read and one byte more is refused with a page", async () => {
  await using edge = await start();
  assert.equal((await edge.ask("/", post(`a=${"x".repeat(65_534)}`))).status, 200);
  const refused = await edge.ask("/", post(`a=${"x".repeat(65_535)}`));
  assert.equal(refused.status, 413);
  assert.equal(refused.headers["connection"], "close");
});

test("a body without a length is refused with a page as soon as it is too much", async () => {
  await using edge = await start();
  const chunk = `${(40_000).toString(16)}\r\n${"x".repeat(40_000)}\r\n`;
  const answer = await edge.raw(
    `POST / HTTP/1.1\r\nHost: id.example.org\r\nContent-Type: ${FORM["content-type"]}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /That was too much at once/);
  assert.match(answer, /ref-1/);
});

test("a sender who hangs up in the middle is not a failure of ours", async () => {
  await using edge = await start();
  const head = `POST / HTTP/1.1\r\nHost: id.example.org\r\nContent-Type: ${FORM["content-type"]}\r\nContent-Length: 100\r\n\r\n`;
  await edge.raw(`${head}a=1`, { hangUp: true });
  const found = () => edge.log.find((entry) => entry.includes('"method":"POST"'));
  for (let visits = 0; found() === undefined && visits < 1000; visits += 1) await edge.ask("/assets/none");
  const line = found() ?? "";
  assert.match(line, /BODY_MALFORMED/);
  assert.doesNotMatch(line, /INTERNAL/);
});

test("a post another site's page sends is refused, our own and a plain client's is not", async () => {
  await using edge = await startEdge([sameOriginPost(ISSUER), (_req, res) => void res.json({})]);
  const status = async (headers: Record<string, string>, method = "POST") =>
    (await edge.ask("/", { method, headers })).status;
  assert.equal(await status({}), 200);
  assert.equal(await status({ origin: ISSUER }), 200);
  assert.equal(await status({ origin: ISSUER, "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await status({ origin: "null", "sec-fetch-site": "same-origin" }), 200);
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "http://id.example.org" },
    { origin: `${ISSUER}.evil.example` },
    { origin: "null" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    { origin: ISSUER, "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
  ];
  for (const headers of foreign)
    assert.equal(await status(headers as Record<string, string>), 403, JSON.stringify(headers));
  assert.equal(await status({ origin: "https://evil.example" }, "GET"), 200);
});

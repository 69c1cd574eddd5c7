import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  clientAddress,
  localPath,
  type Reply,
  route,
  securityHeaders,
  trustedProxies,
} from "../../../src/http/index.ts";
import { ERROR_CATALOG, type ErrorCode, IdpError } from "../../../src/kernel/index.ts";
import { startEdge } from "./edge-server.ts";

const answer = (reply: Reply) => route(() => Promise.resolve(reply));

test("every answer carries the security headers, also errors and static files", async () => {
  await using edge = await startEdge([]);
  const csp =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
  const page = await edge.ask("/nothing");
  const css = /href="(\/assets\/style-[0-9a-f]{12}\.css)"/.exec(page.body)?.[1] ?? "";
  for (const { headers } of [page, await edge.ask(css), await edge.ask("/", { headers: { host: "evil.example" } })]) {
    assert.equal(headers["content-security-policy"], csp);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["referrer-policy"], "same-origin");
    assert.equal(headers["strict-transport-security"], "max-age=31536000");
    assert.equal(headers["x-powered-by"], undefined);
  }
});

test("a plain-http issuer promises no TLS", () => {
  const request = new IncomingMessage(new Socket());
  const given = new ServerResponse(request);
  securityHeaders({ issuer: "http://localhost:8080" })(request, given);
  assert.equal(given.getHeader("x-frame-options"), "DENY");
  assert.equal(given.hasHeader("strict-transport-security"), false);
});

test("static files may be kept for ever under their hash and are nowhere else", async () => {
  await using edge = await startEdge([]);
  const { body } = await edge.ask("/nothing");
  const urls = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, url = ""]) => url);
  assert.equal(urls.length, 4);
  for (const url of urls) {
    const file = await edge.ask(url);
    assert.equal(file.status, 200, url);
    assert.equal(file.headers["cache-control"], "public, max-age=31536000, immutable");
  }
  for (const url of ["/assets/style.css", "/assets/..%2fpackage.json", "/assets/../package.json", "/assets/"])
    assert.equal((await edge.ask(url)).status, 404, url);
});

test("another Host is refused with 421 before any handler runs", async () => {
  let calls = 0;
  await using edge = await startEdge([(_req, res) => void res.json({ calls: (calls += 1) })]);
  for (const host of ["evil.example", "id.example.org.evil.example", "id.example.org:8443", "localhost"])
    assert.equal((await edge.ask("/", { headers: { host } })).status, 421, host);
  assert.equal(calls, 0);
  assert.equal((await edge.ask("/", { headers: { host: "ID.example.org" } })).status, 200);
});

test("each error is answered with its status and a page whose reference is in the log", async () => {
  for (const code of Object.keys(ERROR_CATALOG) as ErrorCode[]) {
    await using edge = await startEdge([() => Promise.reject(new IdpError(code, { fact: "for the operator" }))]);
    const { status, body, headers } = await edge.ask("/some/path?secret=value");
    assert.equal(status, ERROR_CATALOG[code].status);
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["retry-after"], status === 503 ? "30" : undefined);
    assert.match(body, /<code dir="ltr">ref-1<\/code>/);
    assert.match(body, /2026-01-02 12:00:00 UTC/);
    assert.doesNotMatch(body, /secret|operator|some\/path/);
    assert.equal(edge.log.length, 1);
    assert.match(edge.log[0] ?? "", new RegExp(`"error":"${code}".*"reference":"ref-1"`));
    assert.doesNotMatch(edge.log[0] ?? "", /secret=value/);
  }
});

test("an unexpected failure shows neither its message nor a stack", async () => {
  await using edge = await startEdge([() => Promise.reject(new Error("the database password is 1234"))]);
  const { status, body } = await edge.ask("/");
  assert.equal(status, 500);
  assert.doesNotMatch(body, /1234|at .*\.ts/);
  assert.match(edge.log[0] ?? "", /"error":"INTERNAL"/);
});

test("a request Express cannot read is the sender's fault", async () => {
  await using edge = await startEdge([route(() => Promise.reject(new URIError("malformed")))]);
  assert.equal((await edge.ask("/")).status, 500);
  await using other = await startEdge([
    (_req, _res, next) => next(Object.assign(new URIError("malformed"), { status: 400 })),
  ]);
  assert.equal((await other.ask("/%ff")).status, 400);
  assert.match(other.log[0] ?? "", /REQUEST_REFUSED/);
});

test("an error page that cannot be drawn leaves a reference instead of a stack", async () => {
  const views = mkdtempSync(join(tmpdir(), "moonlatch-views-"));
  try {
    cpSync("views", views, { recursive: true });
    writeFileSync(join(views, "error.ejs"), "<%= view.missing %>");
    await using edge = await startEdge([], views);
    const { status, body, headers } = await edge.ask("/nothing");
    assert.equal(status, 404);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(body, "Something went wrong on our side. Reference ref-1\n");
    assert.ok(edge.log.some((line) => line.includes("could not be drawn")));
  } finally {
    rmSync(views, { recursive: true, force: true });
  }
});

test("a broken template stops the start", async () => {
  const views = mkdtempSync(join(tmpdir(), "moonlatch-views-"));
  try {
    cpSync("views", views, { recursive: true });
    writeFileSync(join(views, "home.ejs"), "<% if ( %>");
    await assert.rejects(startEdge([], views));
  } finally {
    rmSync(views, { recursive: true, force: true });
  }
});

test("replies are never cached and redirects are 303", async () => {
  await using edge = await startEdge([answer({ kind: "redirect", to: localPath("/login/x?a=b") })]);
  const redirect = await edge.ask("/");
  assert.equal(redirect.status, 303);
  assert.equal(redirect.headers["location"], "/login/x?a=b");
  assert.equal(redirect.headers["cache-control"], "no-store");
});

test("a page reply has its status and headers, and a language chosen in the menu is remembered", async () => {
  const model = { startHref: undefined, minutes: 30 };
  const headers = { "Referrer-Policy": "no-referrer" };
  await using edge = await startEdge([
    answer({ kind: "page", name: "login/outofdate", model, status: 410, headers, uiLocales: "de" }),
  ]);
  const first = await edge.ask("/x");
  assert.equal(first.status, 410);
  assert.equal(first.headers["referrer-policy"], "no-referrer");
  assert.match(first.body, /lang="de"/);
  assert.equal(first.headers["set-cookie"], undefined);
  const chosen = await edge.ask("/x?ui_locales=en");
  assert.match(chosen.body, /lang="en"/);
  assert.match(String(chosen.headers["set-cookie"]), /^moonlatch_lang=en;.* HttpOnly; SameSite=Lax/);
});

test("a redirect cannot leave this origin", () => {
  assert.equal(localPath("/login/oidc/x?a=b"), "/login/oidc/x?a=b");
  for (const target of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "evil",
    "",
    "/a b",
    "/a\r\nSet-Cookie: x",
    "/a\\b",
    "javascript:1",
  ])
    assert.throws(() => localPath(target), { code: "INTERNAL" }, target);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      let path: string;
      try {
        path = localPath(`/${text}`);
      } catch {
        return;
      }
      assert.equal(new URL(path, "https://id.example.org").origin, "https://id.example.org");
    }),
  );
});

test("the browser's address comes from X-Forwarded-For only where each hop is a proxy of ours", () => {
  const addressOf = clientAddress(trustedProxies(["10.0.0.0/8", "::1", "2001:db8::/32"]));
  const read = (remoteAddress: string, forwarded?: string): string =>
    addressOf({
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    } as unknown as IncomingMessage);
  assert.equal(read("192.0.2.1"), "192.0.2.1");
  assert.equal(read("192.0.2.1", "203.0.113.9"), "192.0.2.1");
  assert.equal(read("10.0.0.1", "203.0.113.9"), "203.0.113.9");
  assert.equal(read("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.2.3.4"), "203.0.113.9");
  assert.equal(read("::ffff:10.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9");
  assert.equal(read("2001:db8::5", "2001:4860::8"), "2001:4860::8");
  assert.equal(read("10.0.0.1", "not an address"), "10.0.0.1");
  assert.equal(read("10.0.0.1", "10.0.0.2"), "10.0.0.1");
});

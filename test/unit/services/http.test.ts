import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createHttpService } from "../../../src/lua/services/http-client/index.ts";
import type { LuaValue } from "../../../src/lua/values.ts";
import { bodyOf, startWebServer, type WebServer } from "../../support/web-server.ts";

type Reply = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What the server does at each path. */
const REPLIES: Readonly<Record<string, Reply>> = {
  "/echo": async (request, response) => {
    const { method, url, rawHeaders } = request;
    const body = (await bodyOf(request)).toString("latin1");
    response.setHeader("Set-Cookie", ["sid=a1; Path=/", "theme = dark ; Secure"]);
    response.setHeader("x-many", ["first", "second"]);
    response.end(JSON.stringify({ method, url, headers: named(rawHeaders), body }));
  },
  "/bytes": (_, response) => void response.end(Buffer.from([0, 255, 128, 10, 0])),
  "/gzip": (_, response) => void response.setHeader("Content-Encoding", "gzip").end(gzipSync("packed")),
  "/not-gzip": (_, response) => void response.setHeader("Content-Encoding", "gzip").end("plain"),
  "/bomb": (_, response) => void response.setHeader("Content-Encoding", "gzip").end(gzipSync(Buffer.alloc(9 << 20))),
  "/huge": (_, response) => void response.end(Buffer.alloc((8 << 20) + 1)),
  "/half": (_, response) => void response.end(Buffer.alloc(5 << 20)),
  "/says-huge": (_, response) => void response.writeHead(200, { "Content-Length": 9 << 20 }).write("x"),
  "/endless": (_, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(1 << 20)), 1);
    response.on("close", () => clearInterval(timer));
  },
  "/silent": () => undefined,
  "/stalls": (_, response) => void response.writeHead(200).write("begun"),
  "/cut": (_, response) => {
    response.writeHead(200, { "Content-Length": 10 }).write("begun", () => response.destroy());
  },
  "/big-head": (_, response) => void response.writeHead(200, { "x-big": "x".repeat(20_000) }).end(),
  "/teapot": (_, response) => void response.writeHead(418).end("short"),
  "/nothing": (_, response) => void response.writeHead(204).end(),
};

let server: WebServer;
let origin: string;
const service = createHttpService();
before(async () => {
  server = await startWebServer((request, response) => {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const [, status, target] = /^\/go\/(\d+)\/(.*)$/.exec(request.url ?? "") ?? [];
    if (target !== undefined) response.writeHead(Number(status), { Location: decodeURIComponent(target) }).end("moved");
    else void (REPLIES[path] ?? (() => response.writeHead(404).end("no such path")))(request, response);
  });
  origin = `http://localhost:${server.port}`;
});
after(async () => {
  service.close();
  await server.close();
});

interface Response {
  readonly error?: string;
  readonly status_code: number;
  readonly body: string;
  readonly body_size: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly url: string;
}

function named(raw: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? ""]] : [])));
}

async function sendAll(requests: LuaValue, { hosts = ["localhost"], signal = new AbortController().signal } = {}) {
  return (await service.send({ hosts }, requests, signal)) as unknown as readonly Response[];
}

async function send(method: string, url: string, options: LuaValue = null, hosts = ["localhost"]): Promise<Response> {
  const [response] = await sendAll([[method, url, options]], { hosts });
  return response ?? assert.fail();
}

async function echo(method: string, options: LuaValue = null, path = "/echo") {
  const { error, body } = await send(method, origin + path, options);
  assert.equal(error, undefined);
  return JSON.parse(Buffer.from(body, "latin1").toString()) as {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string;
  };
}

const failure = async (path: string, options: LuaValue = null): Promise<string | undefined> =>
  (await send("GET", origin + path, options)).error;

test("a request goes out as the script describes it", async () => {
  const { headers, ...sent } = await echo("put", {
    query: "a=1&b=two%20words",
    body: "{}",
    headers: { "Content-Type": "application/json", "X-Own": "\u00e9", Host: "elsewhere", "Content-Length": "99" },
    cookies: { sid: "a1", theme: "dark" },
    auth: { user: "jane", pass: "p\u00e4ss" },
  });
  assert.deepEqual(sent, { method: "PUT", url: "/echo?a=1&b=two%20words", body: "{}" });
  assert.deepEqual(headers, {
    host: `localhost:${server.port}`,
    connection: "keep-alive",
    "accept-encoding": "gzip",
    "user-agent": "moonlatch",
    "content-type": "application/json",
    "content-length": "2",
    "x-own": "\u00e9",
    cookie: "sid=a1; theme=dark",
    authorization: `Basic ${Buffer.from("jane:p\u00e4ss", "latin1").toString("base64")}`,
  });
});

test("a form has its type, a body goes before it, and a body is sent byte for byte", async () => {
  const form = await echo("POST", { form: "a=1" });
  assert.deepEqual([form.body, form.headers["content-type"]], ["a=1", "application/x-www-form-urlencoded"]);
  const body = await echo("POST", { form: "a=1", body: "\u0000\u00ff" });
  assert.deepEqual([body.body, body.headers["content-type"]], ["\u0000\u00ff", undefined]);
  assert.equal((await echo("POST")).headers["content-length"], "0");
});

test("user and password of an address become its authorization and stand nowhere else", async () => {
  const { body, url } = await send("GET", `http://jane:p%40ss@localhost:${server.port}/echo`);
  assert.match(body, new RegExp(`Basic ${Buffer.from("jane:p@ss").toString("base64")}`));
  assert.equal(url, `${origin}/echo`);
});

test("a response has its status, canonical headers with their first values, cookies and bytes", async () => {
  const echoed = await send("GET", `${origin}/echo#part`);
  assert.equal(echoed.headers["X-Many"], "first");
  assert.deepEqual({ ...echoed.cookies }, { sid: "a1", theme: "dark" });
  assert.equal(echoed.url, `${origin}/echo`);
  const bytes = await send("GET", `${origin}/bytes`);
  assert.deepEqual([bytes.body, bytes.body_size], ["\u0000\u00ff\u0080\n\u0000", 5]);
  assert.deepEqual(
    [(await send("GET", `${origin}/teapot`)).status_code, (await send("GET", `${origin}/x`)).status_code],
    [418, 404],
  );
  const head = await send("HEAD", `${origin}/teapot`);
  assert.deepEqual([head.error, head.status_code, head.body], [undefined, 418, ""]);
  assert.equal((await send("DELETE", `${origin}/nothing`)).status_code, 204);
});

test("a packed answer is unpacked unless the script asked for it packed", async () => {
  const { body, headers } = await send("GET", `${origin}/gzip`);
  assert.deepEqual([body, headers["Content-Encoding"]], ["packed", undefined]);
  const raw = await send("GET", `${origin}/gzip`, { headers: { "Accept-Encoding": "gzip" } });
  assert.equal(raw.body, gzipSync("packed").toString("latin1"));
});

test("what a script describes wrongly is told without what it contains", async () => {
  for (const [request, message] of [
    [["GET", "not secret"], "the address is not a URL"],
    [["GET", "ftp://secret/"], "the address is neither http nor https"],
    [["GET", null], "the address must be text"],
    [["CONNECT", origin], "the method is none that can be sent"],
    [["GET", origin, "secret"], "the options must be a table"],
    [["POST", origin, { body: { a: 1 } }], "the body must be text"],
    [["GET", origin, { timeout: "soon" }], 'timeout must be seconds, or such as "5s"'],
    [["GET", origin, { timeout: 0 }], 'timeout must be seconds, or such as "5s"'],
    [["GET", origin, { cookies: { a: "1; b=2" } }], "a cookie has a character it cannot have"],
    [["GET", origin, { headers: { a: "secret\r\nb: c" } }], `ORIGIN: a header has a character it cannot have`],
    [["GET", origin, { headers: { "a b": "secret" } }], `ORIGIN: a header has a character it cannot have`],
  ] as const) {
    const [response] = await sendAll([request]);
    assert.equal(response?.error, message.replace("ORIGIN", origin));
  }
});

for (const [what, path, message] of [
  ["over 8 MB", "/huge", /the answer is over 8 MB/],
  ["that announces over 8 MB", "/says-huge", /the answer is over 8 MB/],
  ["that never ends", "/endless", /the answer is over 8 MB/],
  ["that grows over 8 MB when it is unpacked", "/bomb", /the answer is over 8 MB/],
  ["that is not the gzip it says it is", "/not-gzip", /is not the gzip it says it is/],
  ["with headers over 16 KB", "/big-head", /the headers of the answer are over 16 KB/],
  ["that stops in the middle", "/cut", /closed before the answer was complete/],
] as const) {
  test(`an answer ${what} is a failure that says so`, async () => {
    assert.match((await failure(path)) ?? "", message);
    assert.equal((await send("GET", `${origin}/bytes`)).body_size, 5);
  });
}

test("the requests of a batch share the limit of 8 MB, fail one by one, and are at most 32", async () => {
  const both = await sendAll(["/half", "/half"].map((path) => ["GET", origin + path]));
  assert.equal(both.filter(({ error }) => error?.includes("over 8 MB") === true).length, 1);
  const mixed = await sendAll([["GET", `${origin}/bytes`], ["GET"], ["GET", `${origin}/teapot`]]);
  assert.deepEqual(
    mixed.map(({ error, status_code }) => error ?? status_code),
    [200, "the address must be text", 418],
  );
  await assert.rejects(sendAll(Array.from({ length: 33 }, () => ["GET", origin])), { message: /over 32 requests/ });
});

test("a server that stays silent or stalls ends a request at its own timeout", async () => {
  for (const path of ["/silent", "/stalls"])
    assert.equal(await failure(path, { timeout: "50ms" }), `${origin}: no answer within 0.05 s`);
  assert.equal(await failure("/silent", { timeout: 0.05 }), `${origin}: no answer within 0.05 s`);
});

test("the end of a call ends its requests, those with a longer timeout too", async () => {
  const call = new AbortController();
  const requests = ["/silent", "/stalls"].flatMap((path) => [
    ["GET", origin + path],
    ["GET", origin + path, { timeout: "1h" }],
  ]);
  const asked = sendAll(requests, { signal: call.signal });
  call.abort();
  assert.equal(
    (await asked).every(({ error }) => error !== undefined),
    true,
  );
});

for (const [what, bytes, message] of [
  ["garbage", "\u0000\u0001garbage\r\n\r\n", /the answer is not HTTP/],
  ["nothing", "", /closed before the answer was complete/],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", /the answer is not HTTP/],
  ["another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", /another protocol/],
  [
    "a broken chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    /is not HTTP|before the answer was/,
  ],
] as const) {
  test(`a server that sends ${what} is a failure that says so`, async () => {
    const raw = createServer(
      (socket) => void socket.on("error", () => undefined).once("data", () => socket.end(bytes)),
    );
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = raw.address() as { port: number };
      const { error } = await send("GET", `http://localhost:${port}/`);
      assert.match(error ?? "", message);
    } finally {
      raw.close();
    }
  });
}

test("a port where nobody listens and a name nobody has are failures that say so", async () => {
  const gone = await startWebServer(() => undefined);
  await gone.close();
  assert.match((await send("GET", `http://localhost:${gone.port}/`)).error ?? "", /the connection was refused$/);
  assert.match(
    (await send("GET", "http://a.invalid/", null, ["a.invalid"])).error ?? "",
    /the name (does not|could not)/,
  );
});

test("32 requests at once use at most 16 connections, which are kept for the next", async () => {
  const own = createHttpService();
  const earlier = server.connections();
  try {
    const requests = Array.from({ length: 32 }, (_, index) => ["GET", `${origin}/echo?n=${index}`]);
    const grants = { hosts: ["localhost"] };
    for (let round = 0; round < 2; round += 1) {
      const answers = (await own.send(
        grants,
        requests,
        new AbortController().signal,
      )) as unknown as readonly Response[];
      assert.deepEqual(
        answers.map(({ body }) => (JSON.parse(body) as { url: string }).url),
        requests.map((_, index) => `/echo?n=${index}`),
      );
    }
    // Sixteen at first; the second round finds four of them.
    const made = server.connections() - earlier;
    assert.ok(made >= 16 && made <= 28, `${made} connections`);
  } finally {
    own.close();
  }
});

test("only GET and HEAD may be sent again", () => {
  const isReadOnly = (...methods: readonly string[]) => service.isReadOnly(methods.map((method) => [method, origin]));
  assert.equal(isReadOnly("get", "HEAD"), true);
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS"])
    assert.equal(isReadOnly("GET", method), false);
});

test("redirects are followed as RFC 9110 says", async () => {
  const to = encodeURIComponent("/echo");
  const after303 = await echo("POST", { body: "b", headers: { "Content-Type": "text/plain" } }, `/go/303/${to}`);
  assert.deepEqual([after303.method, after303.body, after303.headers["content-type"]], ["GET", "", undefined]);
  const after307 = await echo("POST", { body: "b", headers: { "Content-Type": "text/plain" } }, `/go/307/${to}`);
  assert.deepEqual([after307.method, after307.body, after307.headers["content-type"]], ["POST", "b", "text/plain"]);
  assert.equal((await send("GET", `${origin}/go/302/${to}`)).url, `${origin}/echo`);
  assert.equal((await send("GET", `${origin}/go/300/${to}`)).status_code, 300);
});

test("a redirect to another origin leaves everything behind that may be a credential", async () => {
  const to = encodeURIComponent(`http://x:y@127.0.0.1:${server.port}/echo`);
  const options = {
    headers: { Authorization: "Bearer secret", "X-Api-Key": "secret", Accept: "text/plain" },
    cookies: { sid: "secret" },
  };
  const { body } = await send("GET", `${origin}/go/302/${to}`, options, ["localhost", "127.0.0.1"]);
  assert.doesNotMatch(body, /secret|authorization/i);
  assert.match(body, /text\/plain/);
});

test("a redirect to what is not granted, or to no address, is refused", async () => {
  const go = async (target: string) => failure(`/go/302/${encodeURIComponent(target)}`);
  assert.equal(
    await go(`http://127.0.0.1:${server.port}/secret`),
    `${origin}: it redirects to http://127.0.0.1:${server.port}: the host is not granted; add "127.0.0.1:${server.port}" to allow.hosts of this backend`,
  );
  assert.equal(await go("file:///etc/passwd"), `${origin}: the address is neither http nor https`);
  assert.equal(await go("http://["), `${origin}: the address is not a URL`);
});

test("a circle of redirects ends after ten", async () => {
  const circle = await startWebServer((_, response) => void response.writeHead(302, { Location: "/" }).end());
  try {
    const { error } = await send("GET", `http://localhost:${circle.port}/`);
    assert.match(error ?? "", /it redirects over 10 times/);
    assert.equal(circle.connections(), 11);
  } finally {
    await circle.close();
  }
});

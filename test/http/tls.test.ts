import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { runCommand } from "../../src/cli/index.ts";
import { type Certified, certify, writePair } from "../support/certificates.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { andHear } from "../support/live-edit.ts";
import { closed, exchange, quietSocket } from "../support/raw-socket.ts";

const METRICS = "a-token-of-the-test-metrics";
const folder = mkdtempSync(join(tmpdir(), "moonlatch-tls-"));
const files = { cert_file: join(folder, "tls.crt"), key_file: join(folder, "tls.key") };

let idp: TestIdp;
let authority: Certified;
let [first, second]: Certified[] = [];
before(async () => {
  authority = await certify({ name: "Test authority", isAuthority: true });
  const middle = await certify({ name: "Test middle", isAuthority: true, by: authority });
  first = await certify({ name: "localhost", by: middle, until: 10 });
  first = { ...first, certificate: first.certificate + middle.certificate };
  second = await certify({ name: "localhost", by: middle, until: 60 });
  second = { ...second, certificate: second.certificate + middle.certificate };
  writePair(files, first);
  idp = await startIdp({
    script: SCRIPT,
    oidc: OIDC,
    folder,
    tls: files,
    rereadEvery: 50,
    patience: { headers: 10_000, request: 30_000, handshake: 500, idle: 5_000, look: 5_000 },
    more: `observability: { metrics: { token: ${METRICS} } }`,
  });
});
after(async () => {
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What a client that knows the authority alone gets. */
function ask(path: string, init: { readonly agent?: Agent; readonly bearer?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = init.bearer === undefined ? {} : { authorization: `Bearer ${init.bearer}` };
    const agent = init.agent ?? new Agent();
    const sent = request(`${idp.issuer}${path}`, {
      ca: authority.certificate,
      host: "127.0.0.1",
      servername: "localhost",
      headers: { host: `localhost:${idp.port}`, ...headers },
      agent,
    });
    sent.on("error", reject).on("response", (res) => {
      let body = "";
      res.on("data", (piece: Buffer) => (body += piece.toString()));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
    });
    sent.end();
  });
}

/** A handshake, with how it went. */
function shake(options: ConnectionOptions = {}): Promise<{ socket: TLSSocket; error: string | undefined }> {
  const socket = connect({
    port: idp.port,
    host: "127.0.0.1",
    servername: "localhost",
    ca: authority.certificate,
    ...options,
  });
  return new Promise((resolve) => {
    socket.once("secureConnect", () => resolve({ socket, error: undefined }));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve({ socket, error: error.code ?? error.message }));
  });
}

/** The serial number of the certificate new connections get. */
async function serial(): Promise<string> {
  const { socket, error } = await shake();
  assert.equal(error, undefined);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

interface Ready {
  readonly status: string;
  readonly components: Readonly<Record<string, string>>;
}
const ready = async (): Promise<Ready> => JSON.parse((await ask("/health/ready")).body) as Ready;
const gauge = async (name: string): Promise<number> =>
  Number(
    new RegExp(`^${name} (-?\\d+)$`, "m").exec((await ask("/metrics", { bearer: METRICS })).body)?.[1] ?? Number.NaN,
  );

test("a client that trusts the authority alone gets the chain and the page, with HSTS", async () => {
  const answer = await ask("/.well-known/openid-configuration");
  assert.equal(answer.status, 200);
  assert.equal((JSON.parse(answer.body) as { issuer: string }).issuer, idp.issuer);
  assert.match(String(answer.headers["strict-transport-security"]), /^max-age=\d{8}/);
});

test("the command health takes the program's own certificate as it is", async () => {
  const io = { environment: {}, cwd: ".", write: () => undefined, writeError: () => undefined };
  assert.equal(await runCommand(["health", `https://127.0.0.1:${idp.port}`], io), 0);
});

test("TLS 1.2 and 1.3 with forward secrecy are spoken, older versions and other ciphers are not", async () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const { socket, error } = await shake({
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    assert.equal(error, undefined);
    assert.equal(socket.getProtocol(), version);
    assert.equal(socket.alpnProtocol, "http/1.1");
    assert.match(socket.getCipher().standardName, /^TLS_(?:AES|CHACHA20|ECDHE).*(?:GCM|POLY1305)/);
    socket.destroy();
  }
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  const block = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" } as const;
  for (const options of [old, block, { ALPNProtocols: ["h2"] }]) assert.ok((await shake(options)).error !== undefined);
});

test("plain http on the port is told to come with https, and a silent connection is closed", async () => {
  const { text, statuses } = await exchange(idp.port, `GET / HTTP/1.1\r\nHost: localhost:${idp.port}\r\n\r\n`);
  assert.deepEqual(statuses, [400]);
  assert.match(text, /^Connection: close\r$/m);
  assert.match(text, /https:\/\//);
  const started = performance.now();
  await closed(quietSocket(idp.port));
  assert.ok(performance.now() - started < 5_000);
  assert.equal((await ask("/health/live")).status, 200);
});

test("the certificate's end is in the log with its days, warned about and a number", async () => {
  assert.ok(idp.log.some((line) => /"level":"info".*"days_left":9,.*certificate is in use/.test(line)));
  assert.ok(idp.log.some((line) => /"level":"warn".*"days_left":9,.*ends soon/.test(line)));
  const left = await gauge("moonlatch_certificate_expires_seconds");
  assert.ok(left > 9.9 * 86_400 && left <= 10 * 86_400, String(left));
});

test("a renewed certificate is served to new connections without a restart; open ones stay", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await ask("/health/live", { agent })).status, 200);
  const earlier = await serial();
  await andHear(idp, /certificate was read again/, () => writePair(files, second ?? assert.fail()));
  assert.notEqual(await serial(), earlier);
  assert.equal((await ask("/health/live")).status, 200);
  const [socket] = Object.values(agent.freeSockets).flat();
  assert.equal((await ask("/health/live", { agent })).status, 200);
  assert.equal((socket as TLSSocket).getPeerCertificate().serialNumber, earlier);
  agent.destroy();
  assert.equal((await ready()).components["certificates"], "ok");
  assert.ok((await gauge("moonlatch_certificate_expires_seconds")) > 50 * 86_400);
});

const ENDED = async () => certify({ name: "localhost", by: authority, until: -0.5 });
for (const [what, damage] of [
  [
    "a key of another certificate",
    async () => writeFileSync(files.key_file, (await certify({ name: "localhost" })).key),
  ],
  ["a certificate that is none", async () => writeFileSync(files.cert_file, "no certificate")],
  ["a certificate that ended", async () => writePair(files, await ENDED())],
  ["no key file", async () => rmSync(files.key_file)],
] as const) {
  test(`${what} changes nothing, and is told in log, health and metrics until it is mended`, async () => {
    const earlier = await serial();
    const line = await andHear(idp, /last good one stays/, damage);
    assert.match(line, /tls\.(?:crt|key)/);
    assert.equal(await serial(), earlier);
    assert.deepEqual([(await ready()).status, (await ready()).components["certificates"]], ["ready", "stale"]);
    assert.equal(await gauge("moonlatch_certificate_stale"), 1);
    await andHear(idp, /certificate was read again/, () => writePair(files, second ?? assert.fail()));
    assert.equal((await ready()).components["certificates"], "ok");
    assert.equal(await gauge("moonlatch_certificate_stale"), 0);
  });
}

test("no private key stands in the log, also when it could not be read", () => {
  chmodSync(files.key_file, 0o600);
  assert.doesNotMatch(idp.log.join(""), /PRIVATE KEY|MIGHAgEA/);
});

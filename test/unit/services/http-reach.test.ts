import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createHttpService, type HttpService } from "../../../src/lua/services/http-client/index.ts";
import { createReach } from "../../../src/lua/services/http-client/reach.ts";
import { certify } from "../../support/certificates.ts";
import { startWebServer, type WebServer } from "../../support/web-server.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-http-"));
const caFile = join(folder, "ca.pem");
/** What the names of these tests lead to; a list that is used up from the front down to its last entry. */
const names: Record<string, string[][]> = {};
let lookups = 0;
let service: HttpService;
let server: WebServer;
let secure: WebServer;
let wrongName: WebServer;

before(async () => {
  const authority = await certify({ name: "Test authority", isAuthority: true });
  writeFileSync(caFile, authority.certificate);
  service = createHttpService(async (name) => {
    lookups += 1;
    const answers = names[name] ?? [["127.0.0.1"]];
    const [addresses = []] = answers.length > 1 ? answers.splice(0, 1) : answers;
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  });
  server = await startWebServer((_, response) => void response.end("plain"));
  secure = await startWebServer(
    (request, response) => {
      if (request.url === "/out") response.writeHead(302, { Location: `http://localhost:${server.port}/` });
      response.end("secure");
    },
    await certify({ name: "localhost", by: authority }),
  );
  wrongName = await startWebServer(() => undefined, await certify({ name: "other.example.org", by: authority }));
});
after(async () => {
  service.close();
  await Promise.all([server.close(), secure.close(), wrongName.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The body, or why there is none. */
async function ask(url: string, hosts: readonly string[], ca_file?: string): Promise<string> {
  const answers = await service.send({ hosts, ca_file }, [["GET", url]], new AbortController().signal);
  const [{ error, body } = {}] = answers as unknown as readonly { error?: string; body?: string }[];
  return error ?? body ?? assert.fail();
}

for (const [url, hosts] of [
  ["https://intranet.example.org/", ["intranet.example.org"]],
  ["https://INTRANET.example.org.:8443/", ["intranet.example.org"]],
  ["http://localhost:8081/", ["localhost:8081"]],
  ["http://name.example.org/", ["name.example.org:80"]],
  ["https://name.example.org/", ["Name.Example.org:443"]],
  ["http://10.1.2.3:9/", ["10.1.0.0/16"]],
  ["http://10.1.2.3/", ["10.1.2.3"]],
  ["http://0x0a010203/", ["10.1.2.3:80"]],
  ["http://[::ffff:10.1.2.3]/", ["10.1.0.0/16"]],
  ["http://[fd00::1]:8080/", ["[fd00::1]:8080"]],
  ["http://[fd00:0::1]/", ["fd00::/8"]],
  ["https://b\u00fccher.example/", ["b\u00fccher.example"]],
  ["https://xn--bcher-kva.example/", ["b\u00fccher.example"]],
] as const) {
  test(`${url} is granted by ${hosts[0]}`, () => assert.equal(createReach(hosts).refusalOf(new URL(url)), undefined));
}

for (const [url, hosts, missing] of [
  ["https://intranet.example.org/", [], "intranet.example.org"],
  ["https://intranet.example.org:8443/", ["intranet.example.org:443"], "intranet.example.org:8443"],
  ["http://name.example.org/", ["name.example.org:443"], "name.example.org"],
  ["https://a.intranet.example.org/", ["intranet.example.org"], "a.intranet.example.org"],
  ["https://example.org/", ["intranet.example.org"], "example.org"],
  ["https://intranet.example.org@evil.example/", ["intranet.example.org"], "evil.example"],
  ["http://10.2.0.1:8080/", ["10.1.0.0/16"], "10.2.0.1:8080"],
  ["http://127.0.0.1/", ["localhost"], "127.0.0.1"],
  ["http://[::1]:8080/", ["127.0.0.1"], "[::1]:8080"],
  ["http://[fd00::1]/", ["fe80::/10"], "fd00::1"],
] as const) {
  test(`${url} is not granted by ${hosts[0] ?? "nothing"}, and ${missing} would grant it`, () => {
    assert.equal(
      createReach(hosts).refusalOf(new URL(url)),
      `the host is not granted; add "${missing}" to allow.hosts of this backend`,
    );
    assert.equal(createReach([missing]).refusalOf(new URL(url)), undefined);
  });
}

test("a granted name leads to public addresses, to granted ones, and as localhost to loopback", () => {
  const permitted = (name: string, hosts: readonly string[], ...addresses: readonly string[]) =>
    createReach(hosts)
      .permitted(
        name,
        443,
        addresses.map((address) => ({ address, family: 0 })),
      )
      .map(({ address }) => address);
  const inside = [
    "10.1.2.3",
    "127.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fd00::1",
    "fe80::1%eth0",
  ];
  const hidden = ["::ffff:10.1.2.3", "::ffff:7f00:1", "2002:a01:203::1", "64:ff9b::a01:203", "2001:0:a01:203::1"];
  assert.deepEqual(permitted("a.example", ["a.example"], "8.8.8.8", "2606:4700::1", ...inside, ...hidden), [
    "8.8.8.8",
    "2606:4700::1",
  ]);
  assert.deepEqual(permitted("a.example", ["a.example", "10.1.0.0/16", "[fd00::1]:443"], ...inside), [
    "10.1.2.3",
    "fd00::1",
  ]);
  assert.deepEqual(permitted("a.example", ["10.1.2.3:80"], "10.1.2.3"), []);
  for (const name of ["localhost", "app.localhost"])
    assert.deepEqual(permitted(name, [name], ...inside), ["127.0.0.1", "::1"]);
  assert.deepEqual(permitted("notlocalhost", ["notlocalhost"], "127.0.0.1"), []);
});

test("a name that leads inside needs the address granted too, and the refusal says which", async () => {
  const url = `http://intranet.example.org:${server.port}/`;
  assert.equal(
    await ask(url, ["intranet.example.org"]),
    `${url.slice(0, -1)}: the name leads to 127.0.0.1, which is not a public address; add "127.0.0.1" to allow.hosts of this backend`,
  );
  assert.equal(await ask(url, ["intranet.example.org", "127.0.0.1"]), "plain");
  assert.equal(await ask(url, ["intranet.example.org", "127.0.0.0/8"]), "plain");
});

test("the address that was looked at is the one connected to, and a second answer of DNS changes nothing", async () => {
  const url = `http://rebinding.example:${server.port}/`;
  // Loopback stands for a permitted address here, 127.0.0.2 for one that is not.
  names["rebinding.example"] = [["127.0.0.1"], ["127.0.0.2"]];
  const earlier = lookups;
  assert.equal(await ask(url, ["rebinding.example", "127.0.0.1", "10.9.9.9"]), "plain");
  assert.equal(lookups - earlier, 1);
  assert.match(await ask(url, ["rebinding.example", "127.0.0.1", "10.9.9.8"]), /leads to 127\.0\.0\.2, which/);
});

test("of several addresses only permitted ones are tried", async () => {
  names["mixed.example"] = [["127.0.0.2", "10.0.0.1", "127.0.0.1"]];
  assert.equal(await ask(`http://mixed.example:${server.port}/`, ["mixed.example", "127.0.0.1"]), "plain");
  names["empty.example"] = [[]];
  assert.match(await ask(`http://empty.example:${server.port}/`, ["empty.example"]), /the name has no address/);
});

test("a connection that other grants made is not used", async () => {
  const url = `http://kept.example:${server.port}/`;
  assert.equal(await ask(url, ["kept.example", "127.0.0.1"]), "plain");
  assert.match(await ask(url, ["kept.example"]), /is not a public address/);
});

test("many who want one name at a time cause one look-up", async () => {
  const earlier = lookups;
  const url = `http://shared.example:${server.port}/`;
  const grants = { hosts: ["shared.example", "127.0.0.1", "10.7.7.7"] };
  const requests = Array.from({ length: 10 }, () => ["GET", url]);
  const answers = (await service.send(grants, requests, new AbortController().signal)) as unknown as { body: string }[];
  assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(["plain"]));
  assert.equal(lookups - earlier, 1);
});

test("a certificate is accepted from a known authority alone, for its own name alone", async () => {
  const origin = `https://localhost:${secure.port}`;
  assert.equal(
    await ask(`${origin}/`, ["localhost"]),
    `${origin}: the certificate is from an authority nobody here knows; allow.ca_file of this backend names a file of more`,
  );
  assert.equal(await ask(`${origin}/`, ["localhost"], caFile), "secure");
  assert.match(
    await ask(`https://localhost:${wrongName.port}/`, ["localhost"], caFile),
    /the certificate is for another name/,
  );
  // Without a name in the certificate an address is another name too.
  assert.match(await ask(`https://127.0.0.1:${secure.port}/`, ["127.0.0.1"], caFile), /is for another name/);
});

test("no variable of the environment turns verification off or sends requests through a proxy", async () => {
  const kept = { ...process.env };
  const url = `https://localhost:${secure.port}/`;
  try {
    Object.assign(process.env, {
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      NODE_USE_ENV_PROXY: "1",
      HTTPS_PROXY: `http://127.0.0.1:${server.port}`,
      HTTP_PROXY: `http://127.0.0.1:${server.port}`,
    });
    const own = createHttpService();
    const grants = { hosts: ["localhost"] };
    const answers = await own.send(grants, [["GET", url]], new AbortController().signal);
    assert.match(JSON.stringify(answers), /an authority nobody here knows/);
    own.close();
  } finally {
    process.env = kept;
  }
});

test("a redirect does not lead out of TLS", async () => {
  assert.match(
    await ask(`https://localhost:${secure.port}/out`, ["localhost"], caFile),
    /it redirects from https to http$/,
  );
});

test("a file of authorities that is gone fails the request and names the file", async () => {
  await assert.rejects(ask(`https://localhost:${secure.port}/`, ["localhost"], join(folder, "gone.pem")), /gone\.pem/);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Secret } from "../../src/kernel/index.ts";
import type { LdapGrants } from "../../src/lua/services/ldap/index.ts";
import { freePort } from "../support/free-port.ts";
import { BASE, type LdapServer, person, SERVICE, startLdap } from "../support/ldap-server.ts";
import type { TestBackend } from "../support/lua.ts";
import { runOn, startCalls } from "../support/module-calls.ts";

type Grant = LdapGrants[string];

let server: LdapServer;
let backend: TestBackend;

before(async () => {
  const many = Array.from({ length: 1_200 }, (_, n) => person(`many${n}`, "none")).join("\n");
  server = await startLdap(
    `${person("demo", "right", "description: one\ndescription: two")}
${person("b(o)b", "right")}
${many}
${person("large", "none", `audio:: ${Buffer.alloc(9 * 1024 * 1024).toString("base64")}`)}
dn: ou=elsewhere,${BASE}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://192.0.2.1/ou=elsewhere
`,
  );
  backend = await start({ default: pool() });
});
after(async () => {
  await backend.stop();
  await server.stop();
});

const pool = (change: Partial<Grant> = {}): Grant => ({
  url: `ldap://127.0.0.1:${server.port}`,
  starttls: false,
  bind_dn: SERVICE.dn,
  bind_password: new Secret(SERVICE.password),
  connections: 4,
  ...change,
});
const start = (ldap: LdapGrants, settings = {}) => startCalls("nauthilus_ldap", { ldap }, settings);
const run = (chunk: string, on = backend) => runOn(on, chunk, "ldap");
const search = (more: string) => `ldap.ldap_search({ session = "s", basedn = "${BASE}", ${more} })`;
const bind = (dn: string, password: string, name = "default") =>
  `ldap.ldap_bind({ pool_name = "${name}", dn = "${dn}", password = ${password} })`;
const DEMO = `uid=demo,${BASE}`;

test("a search answers with the attributes, by the names they were asked for", async () => {
  assert.equal(
    await run(
      `return ${search('filter = "(uid=demo)", scope = "one", attributes = { "MAIL", "description", "title", "dn" }')}`,
    ),
    `{MAIL=[demo@example.org],description=[one,two],dn=[${DEMO}]}`,
  );
  assert.equal(
    await run(`return ${search('filter = "(uid=demo)", raw_result = true, attributes = { "uid" }')}`),
    `[{attributes={uid=[demo]},dn=${DEMO}}]`,
  );
  assert.equal(await run(`return ${search('filter = "(uid=nobody)", attributes = { "uid" }')}`), "{}");
});

test("a search brings all pages, and follows no referral", async () => {
  assert.equal(await run(`return #${search('filter = "(uid=*)", attributes = { "uid" }')}.uid`), "1203");
  assert.equal(
    await run(
      `return #${search('filter = "(objectClass=*)", scope = "one", raw_result = true, attributes = { "1.1" }')}`,
    ),
    "1203",
  );
  assert.match(
    await run(
      `return select(2, ldap.ldap_search({ basedn = "ou=x,ou=elsewhere,${BASE}", filter = "(uid=*)", attributes = {} }))`,
    ),
    /^LDAP error 10 /,
  );
});

test("an answer that is too large is an error, and the next one is not", async () => {
  const find = (attribute: string) => search(`filter = "(uid=large)", attributes = { "${attribute}" }`);
  assert.equal(
    await run(`return select(2, ${find("audio")}), ${find("uid")}.uid`),
    "the search found over 10000 entries or 8 MB; make its filter narrower|[large]",
  );
});

test("escaped text is a value and nothing else, in filters and in names", async () => {
  const hostile = '"*)(uid=demo" .. string.char(0) .. "\\\\"';
  assert.equal(
    await run(
      `return ldap.ldap_escape_filter(${hostile}), ldap.ldap_escape_dn(' a,b+c="d"<>;\\\\ '), ldap.ldap_escape_dn("#x")`,
    ),
    String.raw`\2a\29\28uid=demo\00\5c|\20a\2cb\2bc\3d\22d\22\3c\3e\3b\5c\20|\23x`,
  );
  for (const [name, count] of [
    ["b(o)b", 1],
    ["*", 0],
    ["demo)(uid=*", 0],
    ["de*", 0],
    ["Zoë", 0],
  ] as const)
    assert.equal(
      await run(
        `return #(${search(`filter = "(uid=" .. ldap.ldap_escape_filter("${name}") .. ")", attributes = { "uid" }`)}.uid or {})`,
      ),
      String(count),
      name,
    );
});

test("a password is checked by a bind, and what would let in nobody is no password", async () => {
  assert.equal(
    await run(
      `return ${[
        bind(DEMO, '"right"'),
        bind(DEMO, '"wrong"'),
        bind(DEMO, '""'),
        bind(DEMO, '"right\\0"'),
        bind("", '"right"'),
        bind(`uid=nobody,${BASE}`, '"right"'),
        bind(BASE, '"right"'),
      ]
        .map((one) => `(${one})`)
        .join(", ")}`,
    ),
    "true|false|false|false|false|false|false",
  );
  assert.match(await run(`return select(2, ${bind("no name", '"right"')})`), /^LDAP error 34 \(InvalidDNSyntax\)/);
});

test("changes are made together or not at all, and values are bytes", async () => {
  const modify = (more: string) => `ldap.ldap_modify({ session = "s", dn = "${DEMO}", ${more} })`;
  const read = search('filter = "(uid=demo)", attributes = { "description", "audio" }');
  assert.equal(
    await run(`local bytes = string.char(0, 255, 200, 10) .. "é"
      local ok = ${modify('operation = "add", attributes = { audio = { bytes } }')} return ok, ${read}.audio[1] == bytes`),
    "OK|true",
  );
  assert.match(
    await run(
      `return select(2, ${modify(`changes = { { operation = "replace", attributes = { description = "three" } },
      { operation = "delete", attributes = { description = { "one" } } } }`)})`,
    ),
    /^LDAP error 16 \(NoSuchAttribute\)/,
  );
  assert.equal(await run(`return ${read}.description`), "[one,two]");
  assert.equal(
    await run(`${modify('operation = "delete", attributes = { description = { "one" }, audio = {} }')} return ${read}`),
    "{description=[two]}",
  );
});

test("faults in a request are named", async () => {
  for (const [chunk, because] of [
    [search('filter = "(uid=demo", attributes = {}'), /^the filter is not one of RFC 4515/],
    [search('filter = "(uid=demo)", scope = "all"'), /^the scope must be one of base, one, sub$/],
    [search("attributes = {}"), /^the filter must be text$/],
    [`ldap.ldap_modify({ dn = "${DEMO}", operation = "move", attributes = {} })`, /^the operation must be one of/],
    ['ldap.ldap_search("x")', /^the request must be a table$/],
    [search('pool_name = "other", filter = "(uid=*)"'), /^the LDAP pool "other" is not granted; add it to allow\.ldap/],
  ] as const)
    assert.match(await run(`return select(2, ${chunk})`), because);
});

test("the endpoint is told, and a pool that is not granted has none", async () => {
  assert.equal(await run("return ldap.ldap_endpoint()"), `127.0.0.1|${server.port}`);
  assert.match(await run('return select(3, ldap.ldap_endpoint("other"))'), /^the LDAP pool "other" is not granted/);
});

test("LDAPS and StartTLS take a certificate of the named authority for the right host alone", async () => {
  const secure = (host: string, ca_file: string) => pool({ url: `ldaps://${host}:${server.securePort}`, ca_file });
  const upgraded = (host: string, ca_file: string) =>
    pool({ url: `ldap://${host}:${server.port}`, starttls: true, ca_file });
  const ldap = {
    secure: secure("localhost", server.authority),
    secure_host: secure("127.0.0.1", server.authority),
    secure_authority: secure("localhost", server.stranger),
    upgraded: upgraded("localhost", server.authority),
    upgraded_host: upgraded("127.0.0.1", server.authority),
    upgraded_authority: upgraded("localhost", server.stranger),
  };
  const asked = await start(ldap);
  try {
    for (const name of Object.keys(ldap)) {
      const told = await run(
        `return (${bind(DEMO, '"right"', name)}), (${search(`pool_name = "${name}", filter = "(uid=demo)", attributes = { "uid" }`)} or {}).uid,
          select(2, ${bind(DEMO, '"right"', name)})`,
        asked,
      );
      if (name === "secure" || name === "upgraded") assert.equal(told, "true|[demo]", name);
      else assert.match(told, /^nil\|nil\|the LDAP server .* cannot be used: .*certificate/i, name);
    }
  } finally {
    await asked.stop();
  }
});

test("32 searches and checks at once get their own answers", async () => {
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, n) =>
      run(
        `return ${search(`filter = "(uid=many${n})", attributes = { "mail" }`)}.mail[1], (${bind(DEMO, n % 2 ? '"right"' : '"wrong"')})`,
      ),
    ),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 32 }, (_, n) => `many${n}@example.org|${n % 2 === 1}`),
  );
});

for (const [what, change] of [
  ["plain", () => ({})],
  ["StartTLS", () => ({ url: `ldap://localhost:${server.port}`, starttls: true, ca_file: server.authority })],
] as const)
  test(`a server that is gone is told of at once, and one that is back is used at once (${what})`, async () => {
    const asked = await start({ default: pool(change()) });
    const find = `return ${search('filter = "(uid=demo)", attributes = { "uid" }')}.uid`;
    try {
      assert.equal(await run(find, asked), "[demo]");
      await server.kill();
      const told = await Promise.all(
        Array.from({ length: 8 }, () =>
          run(`return select(2, ${search('filter = "(uid=*)"')}), select(2, ${bind(DEMO, '"right"')})`, asked),
        ),
      );
      for (const one of told)
        assert.match(one, /^the LDAP server .* cannot be used: .*\|the LDAP server .* cannot be used: .*ECONNREFUSED/);
      await server.start();
      assert.equal(await run(find, asked), "[demo]");
    } finally {
      await asked.stop();
    }
  });

test("a server that does not answer costs a call its own time", async () => {
  const patient = await start({ default: pool() }, { call: 400 });
  const find = `return ${search('filter = "(uid=demo)", attributes = { "uid" }')}.uid`;
  try {
    await run(find, patient);
    server.signal("SIGSTOP");
    assert.match(await run(find, patient), /^ended: no answer within 400 ms/);
  } finally {
    server.signal("SIGCONT");
    await patient.stop();
  }
  assert.equal(await run(find), "[demo]");
});

test("wrong credentials of the service are named, and no password is told to anyone", async () => {
  const asked = await start({
    default: pool({ bind_password: new Secret("wrong-password-of-the-service") }),
    gone: pool({ url: `ldap://127.0.0.1:${await freePort()}` }),
  });
  try {
    const told = await run(
      `return select(2, ${search('filter = "(uid=demo)"')}), select(2, ${bind(DEMO, '"typed-password"', "gone")})`,
      asked,
    );
    assert.match(told, /bind_dn or bind_password is wrong\|.*ECONNREFUSED/);
    assert.doesNotMatch(`${told}${asked.log.join()}`, /password-of-the-service|typed-password/);
  } finally {
    await asked.stop();
  }
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { formatFaults } from "../../../src/config/index.ts";
import { SOUND, temporaryConfig } from "./temporary-config.ts";

const { folder, write, faults, config } = temporaryConfig();
const texts = (text: string, environment?: Readonly<Record<string, string>>): readonly string[] =>
  faults(text, environment).map(({ line, path, message }) => `${line} ${path}: ${message}`);

test("a fault has its file, line and column, the path, what is wrong and what would be right", () => {
  assert.deepEqual(faults(`${SOUND}login:\n  session: { idel: 1h }\n`), [
    {
      file: join(folder, "id.yaml"),
      line: 6,
      column: 14,
      path: "login.session.idel",
      message: 'unknown key "idel"',
      suggestion: 'did you mean "idle"?',
    },
  ]);
});

test("a fault prints as one line that an editor can jump to", () => {
  assert.equal(
    formatFaults(faults(`${SOUND}uii: {}\n`)),
    `${join(folder, "id.yaml")}:5: uii: unknown key "uii" (did you mean "ui"?)\n`,
  );
});

test("all faults are told at once, also those the schema does not see", () => {
  assert.deepEqual(
    texts(`issuer: http://id.example.org
server: { listen: [{ host: 127.0.0.1, port: 8080 }], trusted_proxies: [loopback, 10.0.0.0/33, "fe80::/10"] }
store: "memory:"
lua: { backends: [{ name: default, script: ./nowhere.lua }] }
loginn: {}
login: { attempt: soon }
oidc:
  clients:
    - { client_id: a, client_secret: "\${ENV:NOT_SET}", redirect_uris: ["https://a.example.org/*"] }
`),
    [
      "1 issuer: http is only for localhost; passwords would travel in the clear",
      "2 server.trusted_proxies[0]: must be an address or a range such as 10.0.0.0/8",
      "2 server.trusted_proxies[1]: must be an address or a range such as 10.0.0.0/8",
      `4 lua.backends[0].script: there is no file ${join(folder, "nowhere.lua")}`,
      '5 loginn: unknown key "loginn"',
      '6 login.attempt: must be a duration such as "90s", "15m", "12h" or "30d", at most ten years',
      "9 oidc.clients[0].client_secret: the environment variable NOT_SET is not set",
      "9 oidc.clients[0].redirect_uris[0]: wildcards are not supported; addresses are compared exactly",
    ],
  );
});

test("a faulty section hides no fault of another", () => {
  const text = `${SOUND.replace("backend.lua", "nowhere.lua")}oidc: { clients: [{ client_id: a, redirect_uris: [nonsense] }] }\n`;
  assert.deepEqual(texts(text), [
    `4 lua.backends[0].script: there is no file ${join(folder, "nowhere.lua")}`,
    "5 oidc.clients[0].redirect_uris[0]: must be an absolute address",
  ]);
});

test("one mistake is one fault: a misspelled key is not reported as missing, too", () => {
  assert.deepEqual(
    texts(`${SOUND}oidc:\n  clients: [{ client_id: a, client_secrt: x, redirect_uris: ["https://a.example"] }]\n`),
    ['6 oidc.clients[0].client_secrt: unknown key "client_secrt"'],
  );
});

test("an empty file misses everything it needs", () => {
  assert.deepEqual(
    faults("").map(({ path, message }) => [path, message.startsWith("is missing") || path === "issuer"]),
    [
      ["issuer", true],
      ["server", true],
      ["store", true],
      ["lua", true],
    ],
  );
});

for (const [what, text, message] of [
  ["a list", "- a\n", /expected object/],
  ["a tag nobody knows", `${SOUND}ui: !thing { product: x }\n`, /Unresolved tag: !thing/],
  ["two documents", `${SOUND}---\na: 1\n`, /one file holds one/],
  ["a key twice", `${SOUND}store: "memory:"\n`, /Map keys must be unique/],
  ["an alias without an anchor", `${SOUND}ui: *nowhere\n`, /alias/],
  ["aliases that multiply", `a: &a [1,2]\nb: &b [${"*a,".repeat(20)}]\nc: [${"*b,".repeat(20)}]\n`, /too many/],
  ["a tab for indentation", `${SOUND}ui:\n\tproduct: x\n`, /tab/i],
] as const) {
  test(`${what} is a fault, not a crash`, () => assert.match(formatFaults(faults(text)), message));
}

test("memory: without quotes is told how to be written", () => {
  const [fault] = faults(SOUND.replace('"memory:"', "memory:"));
  assert.deepEqual([fault?.line, fault?.suggestion], [3, 'a value that ends in a colon needs quotes, as in "memory:"']);
});

for (const [issuer, message] of [
  ["http://id.example.org", /http is only for localhost/],
  ["https://id.example.org/idp", /must be an origin/],
  ["https://id.example.org/?a=b", /must be an origin/],
  ["https://user:pass@id.example.org", /must be an origin/],
  ["ftp://id.example.org", /must be an http or https address/],
  ["id.example.org", /must be an http or https address/],
] as const) {
  test(`the issuer ${issuer} is refused`, () =>
    assert.match(formatFaults(faults(SOUND.replace("http://localhost:8080", issuer))), message));
}

for (const issuer of ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1", "https://id.example.org"]) {
  test(`the issuer ${issuer} is accepted, and loses its closing slash`, () =>
    assert.equal(config(SOUND.replace("http://localhost:8080", `${issuer}/`)).issuer, issuer));
}

for (const text of ["0s", "soon", "1.5h", "-1h", "1w", "99999999d", "'60'"]) {
  test(`${text} is no duration`, () =>
    assert.match(formatFaults(faults(`${SOUND}login: { attempt: ${text} }\n`)), /must be a duration/));
}

test("backends need a script that is a file, and a name of their own", () => {
  const [first, second] = faults(SOUND.replace("./backend.lua }", "./backend.lua }, { name: default, script: . }"));
  assert.equal(first?.message, 'the name "default" is used by lua.backends[0] already');
  assert.equal(second?.message, `there is no file ${folder}`);
});

test("init scripts are files, too", () => {
  const [fault] = faults(SOUND.replace("./backend.lua }", "./backend.lua, init: [./nowhere.lua] }"));
  assert.deepEqual(
    [fault?.path, fault?.message],
    ["lua.backends[0].init[0]", `there is no file ${join(folder, "nowhere.lua")}`],
  );
});

for (const [grant, isSound] of [
  ["sqlite3:./accounts.db", true],
  ["mysql:db.example.org:3306/accounts", true],
  ["mysql:[::1]:3306/accounts", true],
  ["mysql:unix(/run/mysqld/mysqld.sock)/accounts", true],
  ["postgres:db.example.org:5432/accounts", true],
  ["mysql:DB.example.org:3306/accounts", false],
  ["mysql:db.example.org/accounts", false],
  ["mysql:user:secret@tcp(db:3306)/accounts", false],
  ["postgres://user:secret@db:5432/accounts", false],
  ["oracle:db:1521/accounts", false],
] as const) {
  test(`"${grant}" ${isSound ? "grants" : "is refused as a grant of"} a database`, () => {
    const text = SOUND.replace("./backend.lua }", `./backend.lua, allow: { databases: ["${grant}"] } }`);
    if (isSound) assert.deepEqual(config(text).lua.backends[0]?.allow.databases.length, 1);
    else assert.match(formatFaults(faults(text)), /must be such as "sqlite3:.*stay in the script's DSN/);
  });
}

test("paths start at the folder of the file", () => {
  const { store, lua, observability } = config(
    `${SOUND.replace('"memory:"', "sqlite:./data/id.db").replace(
      "backend.lua }",
      'backend.lua, package_path: [lib], allow: { databases: ["sqlite3:a.db"] } }',
    )}observability: { audit: { file: audit.log } }\n`,
  );
  assert.deepEqual(
    [
      store,
      lua.backends[0]?.script,
      lua.backends[0]?.package_path,
      lua.backends[0]?.allow.databases,
      observability.audit,
    ],
    [
      `sqlite:${join(folder, "data/id.db")}`,
      join(folder, "backend.lua"),
      [join(folder, "lib")],
      [`sqlite3:${join(folder, "a.db")}`],
      { file: join(folder, "audit.log") },
    ],
  );
});

test("a secret file gives the secret without its closing line break, and nothing in it is expanded", () => {
  write("secret", "holds-${ENV:HOME}-literally\n");
  const client = 'client_id: a, client_secret_file: "${ENV:WHERE}", redirect_uris: ["https://a.example"]';
  const { oidc } = config(`${SOUND}oidc: { clients: [{ ${client} }] }\n`, { WHERE: "secret", HOME: "/root" });
  assert.equal(oidc.clients[0]?.client_secret?.expose(), "holds-${ENV:HOME}-literally");
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Secret } from "../../src/kernel/index.ts";
import { certify } from "../support/certificates.ts";
import { freePort } from "../support/free-port.ts";
import type { TestBackend } from "../support/lua.ts";
import { DEFAULTS, runOn, startRedisBackend } from "../support/module-calls.ts";
import { type RedisServer, standalone, startRedis } from "../support/redis-server.ts";

let server: RedisServer;
let backend: TestBackend;

before(async () => {
  server = await startRedis(standalone);
  backend = await startRedisBackend({ default: { ...DEFAULTS, servers: [server.address] } });
});
after(async () => {
  await backend.stop();
  await server.stop();
});
beforeEach(() => void server.cli("flushall"));

const run = (chunk: string, on = backend) => runOn(on, chunk);

test("what was encrypted is opened by the same secret alone, and nothing is left in clear without one", async () => {
  const pool = { ...DEFAULTS, servers: [server.address] };
  const secret = (text: string) => ({ ...pool, encryption_secret: new Secret(text.repeat(32)) });
  const sealed = await startRedisBackend({ default: pool, one: secret("1"), other: secret("2") });
  try {
    assert.match(
      await run(
        `local a, b = redis.redis_encrypt("one", "\\0text"), redis.redis_encrypt("one", "\\0text")
         return redis.redis_is_encryption_enabled("one"), redis.redis_is_encryption_enabled("default"), a ~= b,
           redis.redis_decrypt("one", a) == "\\0text", select(2, redis.redis_decrypt("other", a)),
           select(2, redis.redis_decrypt("one", "AAAA")), select(2, redis.redis_encrypt("default", "text"))`,
        sealed,
      ),
      /^true\|false\|true\|true\|the value was not encrypted with.*\|the value was not encrypted with.*\|the pool has no encryption_secret/,
    );
  } finally {
    await sealed.stop();
  }
});

test("only granted servers are reached, under whatever name", async () => {
  const register = (name: string, change = "") =>
    `redis.register_redis_pool("${name}", "standalone", { address = "${server.address}", db = 0, password = "ignored" ${change} })`;
  assert.equal(
    await run(`local ok = ${register("mine")}
      local handle = redis.get_redis_connection("mine")
      redis.redis_set(handle, "a", "1") return ok, handle, redis.redis_get("default", "a")`),
    "OK|mine|1",
  );
  assert.equal(
    await run(`return select(2, redis.redis_get("elsewhere", "a")), select(2, redis.get_redis_connection("toString"))`),
    'the Redis pool "elsewhere" is not granted; add it to allow.redis of this backend|' +
      'the Redis pool "toString" is not granted; add it to allow.redis of this backend',
  );
  for (const change of [", db = 1", ', address = "127.0.0.1:1"', ", tls_enabled = true", ', address = ""'])
    assert.match(
      await run(`return select(2, ${register("other", change)})`),
      /^no pool of allow\.redis of this backend has mode standalone, servers/,
      change,
    );
});

test("an init script registers a pool and uploads what calls run by name", async () => {
  const init = `local redis = require("nauthilus_redis")
    local function checked(value, err) if err ~= nil then error(err) end return value end
    function nauthilus_run_hook()
      checked(redis.register_redis_pool("mine", "standalone", { address = "${server.address}", db = 0 }))
      checked(redis.redis_upload_script(redis.get_redis_connection("mine"), "return ARGV[1] .. '!'", "shout"))
    end`;
  const asked = await startRedisBackend({ default: { ...DEFAULTS, servers: [server.address] } }, { init: [init] });
  try {
    assert.equal(await run(`return redis.redis_run_script("mine", "", "shout", {}, { "a" })`, asked), "a!");
  } finally {
    await asked.stop();
  }
});

test("32 calls at once get their own answers", async () => {
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, n) =>
      run(`redis.redis_set("default", "n${n}", "${n}") return redis.redis_get("default", "n${n}")`),
    ),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 32 }, (_, n) => String(n)),
  );
});

test("a server that is gone is told of at once, and one that is back is used at once, with the scripts it forgot", async () => {
  await run(`return redis.redis_upload_script("default", "return redis.call('GET', KEYS[1])", "read")`);
  await run(`return redis.redis_set("default", "kept", "value")`);
  await server.kill();
  const started = performance.now();
  const refused = await Promise.all(
    Array.from({ length: 32 }, () => run(`return select(2, redis.redis_get("default", "kept"))`)),
  );
  const took = performance.now() - started;
  for (const told of refused)
    assert.match(
      told,
      /^the Redis server 127\.0\.0\.1:\d+ cannot be used: connect ECONNREFUSED|^Socket closed unexpectedly/,
    );
  assert.ok(took < 1_500, `${took} ms`);
  await server.start();
  assert.equal(
    await run(
      `return redis.redis_get("default", "kept"), redis.redis_run_script("default", "", "read", { "kept" }, {})`,
    ),
    "value|value",
  );
});

test("a server that does not answer costs a call its own time and no other", async () => {
  const patient = await startRedisBackend({ default: { ...DEFAULTS, servers: [server.address] } }, { call: 300 });
  try {
    await run(`return redis.redis_ping("default")`, patient);
    server.signal("SIGSTOP");
    assert.match(await run(`return redis.redis_ping("default")`, patient), /^ended: no answer within 300 ms/);
  } finally {
    server.signal("SIGCONT");
    await patient.stop();
  }
  assert.equal(await run(`return redis.redis_ping("default")`), "PONG");
});

test("credentials open the server, wrong ones are refused, and neither is told to anyone", async () => {
  const closed = await startRedis((port) => [`port ${port}`, "requirepass right-password-of-the-test", 'save ""']);
  const pool = (password?: string) => ({
    ...DEFAULTS,
    servers: [closed.address],
    database: 3,
    password: password === undefined ? undefined : new Secret(password),
  });
  const asked = await startRedisBackend({
    right: pool("right-password-of-the-test"),
    wrong: pool("wrong-password-of-the-test"),
    none: pool(),
  });
  try {
    const told = await run(
      `return redis.redis_set("right", "a", "1"), select(2, redis.redis_get("wrong", "a")), select(2, redis.redis_get("none", "a"))`,
      asked,
    );
    assert.match(told, /^OK\|.*cannot be used: WRONGPASS.*\|.*cannot be used: NOAUTH Authentication required/);
    assert.equal(closed.cli("-a", "right-password-of-the-test", "-n", "3", "get", "a"), "1");
    assert.doesNotMatch(`${told}${asked.log.join()}`, /password-of-the-test/);
  } finally {
    await asked.stop();
    await closed.stop();
  }
});

test("TLS takes a certificate of the named authority for the right host alone", async () => {
  const authority = await certify({ name: "authority", isAuthority: true });
  const own = await certify({ name: "localhost", by: authority });
  const stranger = await certify({ name: "stranger", isAuthority: true });
  const secure = await startRedis((port, folder) => {
    writeFileSync(join(folder, "cert.pem"), own.certificate);
    writeFileSync(join(folder, "key.pem"), own.key, { mode: 0o600 });
    writeFileSync(join(folder, "ca.pem"), authority.certificate);
    writeFileSync(join(folder, "other.pem"), stranger.certificate);
    const file = (name: string) => join(folder, name);
    return [
      "port 0",
      `tls-port ${port}`,
      "tls-auth-clients no",
      `tls-cert-file ${file("cert.pem")}`,
      `tls-key-file ${file("key.pem")}`,
      `tls-ca-cert-file ${file("ca.pem")}`,
      'save ""',
    ];
  });
  const pool = (host: string, ca: string) => ({
    ...DEFAULTS,
    servers: [`${host}:${secure.port}`],
    tls: true,
    ca_file: join(secure.folder, ca),
  });
  const asked = await startRedisBackend({
    right: pool("localhost", "ca.pem"),
    host: pool("127.0.0.1", "ca.pem"),
    authority: pool("localhost", "other.pem"),
    missing: pool("localhost", "none.pem"),
  });
  try {
    assert.match(
      await run(
        `return redis.redis_ping("right"), select(2, redis.redis_ping("host")), select(2, redis.redis_ping("authority")),
          select(2, redis.redis_ping("missing"))`,
        asked,
      ),
      /^PONG\|.*not in the cert's list.*\|.*(unable to verify|self-signed|unable to get).*\|.*ENOENT/,
    );
  } finally {
    await asked.stop();
    await secure.stop();
  }
});

test("a cluster is asked for keys wherever they are", async () => {
  const node = await startRedis((port) => [`port ${port}`, "cluster-enabled yes", 'save ""']);
  node.cli("cluster", "addslotsrange", "0", "16383");
  for (let tries = 0; !node.cli("cluster", "info").includes("cluster_state:ok") && tries < 200; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const asked = await startRedisBackend({ default: { ...DEFAULTS, mode: "cluster", servers: [node.address] } });
  try {
    const use = `redis.redis_set("default", "a", "1") redis.redis_set("default", "b", "2")
      return redis.redis_get("default", "a"), redis.redis_get("default", "b"),
        redis.redis_run_script("default", "return redis.call('GET', KEYS[1])", "", { "b" }, {}),
        redis.redis_mget("default", "a", "b")`;
    assert.equal(await run(use, asked), "1|2|2|{a=1,b=2}");
  } finally {
    await asked.stop();
    await node.stop();
  }
});

test("sentinels name the server to ask", async () => {
  const watched = await startRedis(standalone);
  const sentinel = await startRedis(
    (port) => [`port ${port}`, `sentinel monitor accounts 127.0.0.1 ${watched.port} 1`],
    ["--sentinel"],
  );
  const pool = { ...DEFAULTS, mode: "sentinel", servers: [sentinel.address], master: "accounts" } as const;
  const asked = await startRedisBackend({
    default: pool,
    unknown: { ...pool, master: "nobody" },
    gone: { ...pool, servers: [`127.0.0.1:${await freePort()}`] },
  });
  try {
    assert.equal(await run(`redis.redis_set("default", "a", "1") return redis.redis_get("default", "a")`, asked), "1");
    assert.equal(watched.cli("get", "a"), "1");
    assert.match(
      await run(`return select(2, redis.redis_get("gone", "a"))`, asked),
      /^the Redis server .* cannot be used/,
    );
  } finally {
    await asked.stop();
    await sentinel.stop();
    await watched.stop();
  }
});

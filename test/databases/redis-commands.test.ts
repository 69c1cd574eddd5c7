import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
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
/** Calls in turn, on the pool `default`. */
const calls = (...list: readonly string[]) =>
  run(
    `local all = {} ${list.map((one) => `all[#all + 1] = { redis.redis_${one.replace("(", '("default", ').replace(", )", ")")} }`).join(" ")}
       local function s(v) if type(v) ~= "table" then return tostring(v) end return v end
       local out = {} for i, r in ipairs(all) do out[i] = r[2] and ("error " .. r[2]) or s(r[1]) end return unpack(out)`,
  );

test("keys and values: what is there, what is not, and what expires", async () => {
  assert.equal(
    await calls(
      "ping()",
      'get("a")',
      'set("a", "1")',
      'get("a")',
      'incr("a")',
      'exists("a", "b")',
      'rename("a", "b")',
      'expire("b", 100)',
      'expire("nothing", 100)',
      'del("b")',
      'get("b")',
    ),
    "PONG|nil|OK|1|2|1|OK|OK|nil|OK|nil",
  );
});

test("set takes a time to live or options", async () => {
  assert.equal(
    await calls(
      'set("a", "1", 100)',
      'set("a", "2", { nx = true })',
      'set("a", "3", { xx = true, get = true, keepttl = true })',
      'get("a")',
      'set("b", "1", { px = 90000 })',
      'set("c", "1", { ex = 0 })',
    ),
    "OK|nil|1|3|OK|error ERR invalid expire time in 'set' command",
  );
  assert.ok(Number(server.cli("ttl", "a")) > 90);
  assert.ok(Number(server.cli("ttl", "b")) > 80);
});

test("several keys, and names that begin alike", async () => {
  assert.equal(
    await calls('mset("k:1", "x", "k:2", 5, "other", true)', 'mget("k:1", "none", "k:2", "other")', 'keys("k:[1]")'),
    "OK|{k:1=x,k:2=5,other=1}|[k:1]",
  );
  assert.equal(
    await run(`local keys, cursor = {}, 0
      repeat
        local page = redis.redis_scan("default", cursor, "k:*", 1)
        for _, key in ipairs(page.keys) do keys[#keys + 1] = key end
        cursor = page.cursor
      until cursor == 0
      table.sort(keys) return keys`),
    "[k:1,k:2]",
  );
});

test("hashes", async () => {
  assert.equal(
    await calls(
      'hset("h", "a", 1)',
      'hset("h", { b = "2", c = "3" })',
      'hget("h", "a")',
      'hget("h", "z")',
      'hgetall("h")',
      'hgetall("none")',
      'hmget("h", "c", "z", "a")',
      'hincrby("h", "a", 4)',
      'hincrbyfloat("h", "a", 0.5)',
      'hexists("h", "a")',
      'hdel("h", "a", "b")',
      'hlen("h")',
    ),
    "1|2|1|nil|{a=1,b=2,c=3}|{}|{a=1,c=3}|5|5.5|1|2|1",
  );
});

test("sets, lists and counters of distinct values", async () => {
  assert.equal(
    await calls('sadd("s", "a", "b")', 'sismember("s", "a")', 'scard("s")', 'srem("s", { "a" })', 'smembers("s")'),
    "2|1|2|1|[b]",
  );
  assert.equal(
    await calls(
      'rpush("l", "b", "c")',
      'lpush("l", "a")',
      'llen("l")',
      'lrange("l", 0, -1)',
      'lpop("l")',
      'rpop("l")',
      'rpop("none")',
    ),
    "2|3|3|[a,b,c]|a|c|nil",
  );
  assert.equal(await calls('pfadd("p", "a", "b")', 'pfmerge("q", "p")', 'pfcount("q")'), "1|OK|2");
});

test("sorted sets", async () => {
  assert.equal(
    await calls(
      'zadd("z", { a = 1, b = 2.5, c = 3 })',
      'zrange("z", 0, -1)',
      'zrevrange("z", 0, 0)',
      'zrangebyscore("z", "-inf", 3, { offset = 1, count = 1 })',
      'zrank("z", "b")',
      'zrevrank("z", "none")',
      'zscore("z", "b")',
      'zscore("z", "none")',
      'zincrby("z", 2, "a")',
      'zcount("z", "(2.5", "+inf")',
      'zrem("z", { "a" })',
      'zremrangebyscore("z", 3, 3)',
      'zremrangebyrank("z", 0, 0)',
    ),
    "3|[a,b,c]|[c]|[b]|1|nil|2.5|nil|3|2|1|1|1",
  );
});

test("values are bytes", async () => {
  const all = "local all = {} for b = 0, 255 do all[#all + 1] = string.char(b) end all = table.concat(all)";
  assert.equal(
    await run(`${all} redis.redis_set("default", all, all) redis.redis_hset("default", "h", { [all] = all })
      return redis.redis_get("default", all) == all, redis.redis_hgetall("default", "h")[all] == all,
        redis.redis_run_script("default", "return ARGV[1]", "", {}, { all }) == all`),
    "true|true|true",
  );
});

test("errors are the second value and name what is wrong", async () => {
  assert.equal(
    await calls(
      'set("s", "text")',
      'incr("s")',
      'hget("s", "a")',
      'set("a", nil)',
      'set("a", {})',
      'zadd("z", { "a" })',
    ),
    "OK|error ERR value is not an integer or out of range|error WRONGTYPE Operation against a key holding the wrong kind of value|" +
      "error an argument is nil|error an argument is a table|error the members must be a table of scores by member",
  );
});

test("scripts run by text and by the name they were uploaded with", async () => {
  const script = "return { KEYS[1], ARGV[1], 7, false, { ok = 'fine' } }";
  assert.match(
    await run(`local sha = redis.redis_upload_script("default", "${script}", "mine")
      local result = redis.redis_run_script("default", "", "mine", { "key" }, { "argument" })
      return #sha, result[1], result[2], result[3], result[4], result[5],
        select(2, redis.redis_run_script("default", "", "other", {}, {})),
        select(2, redis.redis_run_script("default", "return redis.error_reply('no')", "", {}, {}))`),
    /^40\|key\|argument\|7\|nil\|fine\|no script was uploaded with the name "other"\|.*no$/,
  );
});

test("a pipeline answers for each command", async () => {
  assert.equal(
    await run(`redis.redis_upload_script("default", "return redis.call('INCRBY', KEYS[1], ARGV[1])", "add")
      return redis.redis_pipeline("default", "write", {
        { "set", "a", "1" }, { "run_script", "add", { "a" }, { 5 } }, { "hget", "a", "f" }, { "get", "none" }, { "hgetall", "none" } })`),
    "[{ok=true,value=OK},{ok=true,value=6},{err=WRONGTYPE Operation against a key holding the wrong kind of value,ok=false}," +
      "{ok=true},{ok=true,value={}}]",
  );
  for (const [kind, command, because] of [
    ["read", '{ "set", "b", "1" }', 'a pipeline of the kind "read" has no set'],
    ["read", '{ "run_script", "add", { "a" }, { 5 } }', 'a pipeline of the kind "read" runs no scripts'],
    ["write", '{ "flushall" }', "there is no command flushall"],
    ["both", '{ "get", "a" }', 'the kind of a pipeline must be "read" or "write"'],
  ])
    assert.equal(
      await run(`return select(2, redis.redis_pipeline("default", "${kind}", { { "set", "c", "1" }, ${command} }))`),
      kind === "read" ? 'a pipeline of the kind "read" has no set' : because,
    );
  assert.equal(server.cli("exists", "b", "c"), "0");
});

-- Redis on the servers of allow.redis. A handle is the name of a pool.
local host = (...).host

-- Pools that scripts registered by themselves, and the configured pool each of them is.
local registered, count = {}, 0
local MOST = 100

local function pool_of(handle) return registered[handle] or handle end

local function listed(first, ...)
  if type(first) == "table" then return first end
  return { first, ... }
end

local function by_name(names, values, err)
  if err ~= nil then return nil, err end
  local found = {}
  for index, name in ipairs(names) do found[name] = values[index] end
  return found
end

local redis = {
  --- register_redis_pool(name: string, mode: string, config: table): string?, string? -- Another name for a server of `allow.redis`: `OK`.
  register_redis_pool = function(name, mode, config)
    if type(name) ~= "string" then return nil, "the name of a Redis pool must be text" end
    if host("redis.pool", name) then return "OK" end
    local pool, err = host("redis.register", mode, config)
    if err ~= nil then return nil, err end
    if registered[name] == nil then
      if count >= MOST then return nil, "over " .. MOST .. " Redis pools were registered" end
      count = count + 1
    end
    registered[name] = pool
    return "OK"
  end,
  --- get_redis_connection(name: string): string?, string? -- What the other functions take first; the name of a pool will do.
  get_redis_connection = function(name)
    local _, err = host("redis.pool", pool_of(name))
    if err ~= nil then return nil, err end
    return name
  end,
  --- redis_is_encryption_enabled(handle: string): boolean?, string? -- Whether the pool has an `encryption_secret`.
  redis_is_encryption_enabled = function(handle) return host("redis.encrypts", pool_of(handle)) end,
  --- redis_mget(handle: string, ...: string|string[]): table<string, string>?, string? -- Values by key.
  redis_mget = function(handle, ...)
    local keys = listed(...)
    return by_name(keys, host("redis.mget", pool_of(handle), keys))
  end,
  --- redis_hmget(handle: string, key: string, ...: string|string[]): table<string, string>?, string? -- Values by field.
  redis_hmget = function(handle, key, ...)
    local fields = listed(...)
    return by_name(fields, host("redis.hmget", pool_of(handle), key, fields))
  end,
}

--- redis_ping(handle: string): string?, string? -- `PONG`.
--- redis_get(handle: string, key: string): string?, string? -- nil where there is nothing.
--- redis_set(handle: string, key: string, value: any, options?: number|table): string?, string? -- Seconds to live, or `{ nx, xx, get, keepttl, ex, px, exat, pxat }`.
--- redis_incr(handle: string, key: string): integer?, string? -- One more.
--- redis_del(handle: string, ...: string|string[]): string?, string? -- `OK`.
--- redis_rename(handle: string, from: string, to: string): string?, string? -- `OK`.
--- redis_expire(handle: string, key: string, seconds: integer): string?, string? -- `OK`; nil where there is no such key.
--- redis_exists(handle: string, ...: string|string[]): integer?, string? -- How many of the keys are there.
--- redis_mset(handle: string, ...: any): string?, string? -- Keys and values, or a table of them.
--- redis_keys(handle: string, pattern: string): string[]?, string? -- Reads all keys there are: take `redis_scan`.
--- redis_scan(handle: string, cursor?: integer|string, pattern?: string, count?: integer): { cursor: integer|string, keys: string[] }?, string? -- 0 is the first and the last cursor.
--- redis_hget(handle: string, key: string, field: string): string?, string? -- nil where there is nothing.
--- redis_hset(handle: string, key: string, ...: any): integer?, string? -- Fields and values, or a table of them; answers how many are new.
--- redis_hdel(handle: string, key: string, ...: string|string[]): integer?, string? -- How many fields were there.
--- redis_hlen(handle: string, key: string): integer?, string? -- How many fields.
--- redis_hgetall(handle: string, key: string): table<string, string>?, string? -- Values by field.
--- redis_hincrby(handle: string, key: string, field: string, by: integer): integer?, string? -- The new value.
--- redis_hincrbyfloat(handle: string, key: string, field: string, by: number): string?, string? -- The new value.
--- redis_hexists(handle: string, key: string, field: string): integer?, string? -- 1 or 0.
--- redis_sadd, redis_srem(handle: string, key: string, ...: any): integer?, string? -- How many members are new, were there.
--- redis_sismember(handle: string, key: string, member: any): integer?, string? -- 1 or 0.
--- redis_smembers(handle: string, key: string): string[]?, string? -- In any order.
--- redis_scard(handle: string, key: string): integer?, string? -- How many members.
--- redis_zadd(handle: string, key: string, scores: table<string, number>): integer?, string? -- Scores by member; answers how many are new.
--- redis_zrem(handle: string, key: string, ...: any): integer?, string? -- How many members were there.
--- redis_zrank, redis_zrevrank(handle: string, key: string, member: any): integer?, string? -- Counted from 0.
--- redis_zrange, redis_zrevrange(handle: string, key: string, first: integer, last: integer): string[]?, string? -- Members from rank to rank.
--- redis_zrangebyscore(handle: string, key: string, least: any, most: any, limit?: { offset: integer?, count: integer? }): string[]?, string? -- Members by score.
--- redis_zremrangebyscore(handle: string, key: string, least: any, most: any): integer?, string? -- How many members were removed.
--- redis_zremrangebyrank(handle: string, key: string, first: integer, last: integer): integer?, string? -- How many members were removed.
--- redis_zcount(handle: string, key: string, least: any, most: any): integer?, string? -- How many members have such a score.
--- redis_zscore(handle: string, key: string, member: any): number?, string? -- nil where there is none.
--- redis_zincrby(handle: string, key: string, by: number, member: any): number?, string? -- The new score.
--- redis_lpush, redis_rpush(handle: string, key: string, ...: any): integer?, string? -- How long the list is then.
--- redis_lpop, redis_rpop(handle: string, key: string): string?, string? -- nil where there is nothing.
--- redis_lrange(handle: string, key: string, first: integer, last: integer): string[]?, string? -- Counted from 0.
--- redis_llen(handle: string, key: string): integer?, string? -- How long the list is.
--- redis_pfadd(handle: string, key: string, ...: any): integer?, string? -- 1 when the estimate changed.
--- redis_pfcount(handle: string, ...: string|string[]): integer?, string? -- About how many different ones.
--- redis_pfmerge(handle: string, to: string, ...: string|string[]): string?, string? -- `OK`.
--- redis_upload_script(handle: string, script: string, name: string): string?, string? -- The digest.
--- redis_run_script(handle: string, script: string, name: string, keys?: string[], args?: any[]): any, string? -- A script, or `""` and the name of an uploaded one; what it returns.
--- redis_pipeline(handle: string, kind: string, commands: any[][]): { ok: boolean, value: any, err: string? }[]?, string? -- `read` or `write`; each command `{ "get", key }`. Not a transaction.
--- redis_encrypt, redis_decrypt(handle: string, text: string): string?, string? -- By the `encryption_secret` of the pool; a failure without one.
for name in string.gmatch([[
  ping get set incr del rename expire exists mset keys scan
  hget hset hdel hlen hgetall hincrby hincrbyfloat hexists sadd sismember smembers srem scard
  zadd zrem zrank zrevrank zrange zrevrange zrangebyscore zremrangebyscore zremrangebyrank zcount zscore zincrby
  lpush rpush lpop rpop lrange llen pfadd pfcount pfmerge run_script upload_script pipeline encrypt decrypt]], "%S+") do
  local operation = "redis." .. name
  redis["redis_" .. name] = function(handle, ...) return host(operation, pool_of(handle), ...) end
end

return redis

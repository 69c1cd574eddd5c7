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
  get_redis_connection = function(name)
    local _, err = host("redis.pool", pool_of(name))
    if err ~= nil then return nil, err end
    return name
  end,
  redis_is_encryption_enabled = function(handle) return host("redis.encrypts", pool_of(handle)) end,
  redis_mget = function(handle, ...)
    local keys = listed(...)
    return by_name(keys, host("redis.mget", pool_of(handle), keys))
  end,
  redis_hmget = function(handle, key, ...)
    local fields = listed(...)
    return by_name(fields, host("redis.hmget", pool_of(handle), key, fields))
  end,
}

for name in string.gmatch([[
  ping get set incr del rename expire exists mset keys scan
  hget hset hdel hlen hgetall hincrby hincrbyfloat hexists sadd sismember smembers srem scard
  zadd zrem zrank zrevrank zrange zrevrange zrangebyscore zremrangebyscore zremrangebyrank zcount zscore zincrby
  lpush rpush lpop rpop lrange llen pfadd pfcount pfmerge run_script upload_script pipeline encrypt decrypt]], "%S+") do
  local operation = "redis." .. name
  redis["redis_" .. name] = function(handle, ...) return host(operation, pool_of(handle), ...) end
end

return redis

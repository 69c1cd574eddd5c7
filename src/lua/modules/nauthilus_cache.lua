-- One cache for the whole process; what fails is raised.
local host = (...).host

local function cached(operation) return function(...) local value, err = host("cache." .. operation, ...) if err ~= nil then error(err, 2) end return value end end
local cache = {
  cache_set = cached("set"), cache_get = cached("get"), cache_exists = cached("exists"), cache_delete = cached("delete"), cache_keys = cached("keys"),
  cache_size = cached("size"), cache_flush = cached("flush"), cache_push = cached("push"), cache_pop_all = cached("pop_all"),
}
cache.cache_update = function(key, change)
  local value = change(cache.cache_get(key))
  cache.cache_set(key, value)
  return value
end
return cache

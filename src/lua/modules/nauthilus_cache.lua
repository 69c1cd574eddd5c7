-- One cache for the whole process; what fails is raised.
local host = (...).host

local function cached(operation) return function(...) local value, err = host("cache." .. operation, ...) if err ~= nil then error(err, 2) end return value end end
--- cache_set(key: string, value: any, seconds?: number): string -- Keeps it; for ever without `seconds`.
--- cache_get(key: string): any -- nil where there is nothing.
--- cache_exists(key: string): boolean -- Whether something is kept.
--- cache_delete(key: string): boolean -- Whether something was.
--- cache_keys(): string[] -- What is kept, by key.
--- cache_size(): integer -- How many keys.
--- cache_flush(): nil -- Forgets everything.
--- cache_push(key: string, value: any): integer -- Adds to the end of a list; answers its length.
--- cache_pop_all(key: string): any[] -- The list, which is gone then.
local cache = {
  cache_set = cached("set"), cache_get = cached("get"), cache_exists = cached("exists"), cache_delete = cached("delete"), cache_keys = cached("keys"),
  cache_size = cached("size"), cache_flush = cached("flush"), cache_push = cached("push"), cache_pop_all = cached("pop_all"),
}
--- cache_update(key: string, change: fun(value: any): any): any -- Keeps what `change` makes of the value, and answers it.
cache.cache_update = function(key, change)
  local value = change(cache.cache_get(key))
  cache.cache_set(key, value)
  return value
end
return cache

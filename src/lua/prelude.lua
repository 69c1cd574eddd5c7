-- What every script finds around it: the 5.1 names it may expect, the nauthilus_* modules, a fresh environment per call.
-- Runs once per worker; `host` and `js` come from the host and stay private to this file.
local host, js, defaults, list_fields = ...
local raw_load, raw_next, raw_select, raw_type, raw_tostring, raw_error = load, next, select, type, tostring, error
local setmetatable, rawget, rawset, ipairs, math, string, table = setmetatable, rawget, rawset, ipairs, math, string, table
local pcall, tonumber = pcall, tonumber

local function copy(source)
  local result = {}
  for key, value in raw_next, source do result[key] = value end
  return result
end

-- Table constructors are walked backwards by the VM; scripts expect 1..n first.
local function ordered_pairs(value)
  local meta = js.metafield(value, "__pairs")
  if meta ~= nil then return meta(value) end
  if raw_type(value) ~= "table" then raw_error("bad argument #1 to 'pairs' (table expected, got " .. raw_type(value) .. ")", 2) end
  local length, index, key = #value, 0, nil
  return function()
    while index < length do
      index = index + 1
      local item = rawget(value, index)
      if item ~= nil then return index, item end
    end
    while true do
      local item
      key, item = raw_next(value, key)
      if key == nil then return nil end
      if not (raw_type(key) == "number" and key >= 1 and key <= length and key % 1 == 0) then return key, item end
    end
  end, value, nil
end

string.dump = nil
string.gfind = string.gmatch
table.getn = function(value) return #value end
table.maxn = function(value)
  local most = 0
  for key in raw_next, value do if raw_type(key) == "number" and key > most then most = key end end
  return most
end
table.foreach = function(value, visit) for key, item in ordered_pairs(value) do local result = visit(key, item) if result ~= nil then return result end end end
table.foreachi = function(value, visit) for key, item in ipairs(value) do local result = visit(key, item) if result ~= nil then return result end end end
math.pow = function(base, exponent) return base ^ exponent end
math.mod = math.fmod
math.log10 = function(value) return math.log(value, 10) end
math.ldexp = function(fraction, exponent) return fraction * 2 ^ exponent end

local os = {
  time = function(parts) return js.os_time(parts) end,
  clock = function() return js.clock() end,
  date = function(format, when) return js.os_date(format or "%c", when) end,
  difftime = function(later, earlier) return later - (earlier or 0) end,
  getenv = function(name) return js.getenv(raw_tostring(name)) end,
}

-- nauthilus_builtin ----------------------------------------------------------------------------------------------------------
local builtin = {
  BACKEND_RESULT_OK = 0, BACKEND_RESULT_ERROR = 1, BACKEND_RESULT_FAIL = 1, BACKEND_RESULT_NOT_FOUND = 2, BACKEND_RESULT_DENIED = 3,
  FEATURE_TRIGGER_NO = false, FEATURE_TRIGGER_YES = true, FEATURES_ABORT_NO = false, FEATURES_ABORT_YES = true,
  FEATURE_RESULT_OK = 0, FEATURE_RESULT_FAIL = 1, FILTER_ACCEPT = false, FILTER_REJECT = true, FILTER_RESULT_OK = 0, FILTER_RESULT_FAIL = 1,
  ACTION_RESULT_OK = 0, ACTION_RESULT_FAIL = 1,
  ENVIRONMENT_TRIGGER_NO = false, ENVIRONMENT_TRIGGER_YES = true, ENVIRONMENT_RESULT_OK = 0, ENVIRONMENT_RESULT_FAIL = 1,
  SUBJECT_ACCEPT = false, SUBJECT_REJECT = true, SUBJECT_RESULT_OK = 0, SUBJECT_RESULT_FAIL = 1,
  custom_log_add = function(key, value) js.custom_log(raw_tostring(key), raw_tostring(value)) end,
  status_message_set = function(text) js.status_message(raw_tostring(text)) end,
}

-- nauthilus_backend_result ---------------------------------------------------------------------------------------------------
local GENUINE = {}
local BOOLEANS = { authenticated = true, user_found = true }
local FIELDS = { "authenticated", "user_found", "account_field", "totp_secret_field", "totp_recovery_field", "unique_user_id_field",
  "display_name_field", "webauthn_credentials", "attributes", "groups", "group_dns" }
local EXTRA = { unique_user_id = true, display_name = true, account = true }
local methods = {}
local function set_field(self, name, value)
  if BOOLEANS[name] and value ~= true then
    if value ~= nil and value ~= false then raw_error(name .. " must be a boolean, got " .. raw_type(value), 3) end
    value = false
  end
  self.__data[name] = value
end
for _, name in ipairs(FIELDS) do
  if BOOLEANS[name] then
    -- Setting nil must take a `true` back, so asking and setting to nil are told apart.
    methods[name] = function(self, ...)
      local value = ...
      if value == nil and raw_select("#", ...) == 0 then return self.__data[name] end
      set_field(self, name, value)
    end
  else
    methods[name] = function(self, value)
      if value == nil then return self.__data[name] end
      self.__data[name] = value
    end
  end
end
local result_meta = {
  __index = methods,
  __newindex = function(self, name, value)
    if methods[name] == nil and not EXTRA[name] then raw_error("a backend result has no field '" .. raw_tostring(name) .. "'", 2) end
    set_field(self, name, value)
  end,
  __metatable = "nauthilus_backend_result",
}
local backend_result = { new = function() return setmetatable({ __data = { [GENUINE] = true } }, result_meta) end }

-- Modules --------------------------------------------------------------------------------------------------------------------
local function raise(err)
  if err ~= nil and err ~= "redis: nil" and err ~= "OK" then raw_error(raw_tostring(err), 3) end
end

local function log_at(level)
  return function(logging, value, err)
    local line = value
    if raw_type(value) == "table" then line = js.json_encode(value) or "?" end
    js.log(level, raw_tostring(line) .. (err ~= nil and (": " .. raw_tostring(err)) or ""))
  end
end

local util = {
  getenv = function(name, default) local value = js.getenv(name) if value == nil or value == "" then return default end return value end,
  exists_in_table = function(list, wanted) for _, item in ordered_pairs(list) do if item == wanted then return true end end return false end,
  get_current_timestamp = function() return js.os_date("!%Y-%m-%dT%H:%M:%SZ") end,
  table_length = function(value) local count = 0 for _ in raw_next, value do count = count + 1 end return count end,
  if_error_raise = raise, raise_error = raise,
  is_table = function(value) return raw_type(value) == "table" end,
  is_string = function(value) return raw_type(value) == "string" end,
  is_number = function(value) return raw_type(value) == "number" end,
  get_redis_key = function(request, key) return (request.redis_prefix or "") .. key end,
  toboolean = function(value) return value == true or value == "true" or value == "1" or value == 1 or value == "yes" or value == "on" end,
  generate_random_string = function(length) return js.random_string(length) end,
  print_result = function(logging, result, err) log_at(err and "warn" or "info")(logging, result, err) end,
  log = function(logging, level, value, err) log_at("info")(logging, value, err) end,
  log_debug = log_at("debug"), log_info = log_at("info"), log_notice = log_at("info"), log_warn = log_at("warn"), log_error = log_at("error"),
}

local password = {
  compare_passwords = function(hash, plain)
    local value, err = host("password.compare", raw_tostring(hash), raw_tostring(plain))
    if err ~= nil then return false, err end
    return value
  end,
  check_password_policy = function(policy, plain)
    local function count(class) local _, found = string.gsub(plain, class, "") return found end
    return #plain >= (policy.min_length or 0) and count("%u") >= (policy.min_upper or 0) and count("%l") >= (policy.min_lower or 0)
      and count("%d") >= (policy.min_number or 0) and count("[^%w]") >= (policy.min_special or 0)
  end,
  generate_password_hash = function(plain) return js.short_hash(raw_tostring(plain)) end,
}

local function cached(operation) return function(...) local value, err = host("cache." .. operation, ...) if err ~= nil then raw_error(err, 2) end return value end end
local cache = {
  cache_set = cached("set"), cache_get = cached("get"), cache_exists = cached("exists"), cache_delete = cached("delete"), cache_keys = cached("keys"),
  cache_size = cached("size"), cache_flush = cached("flush"), cache_push = cached("push"), cache_pop_all = cached("pop_all"),
}
cache.cache_update = function(key, change)
  local value = change(cache.cache_get(key))
  cache.cache_set(key, value)
  return value
end

local statement = {}
statement.__index = statement
function statement:query(...) return host("db.query", self.__dsn, self.__sql, { ... }, raw_select("#", ...)) end
function statement:exec(...) return host("db.exec", self.__dsn, self.__sql, { ... }, raw_select("#", ...)) end
function statement:close() return nil end
local connection = {}
connection.__index = connection
function connection:query(sql) return host("db.query", self.__dsn, sql, {}, 0) end
connection.command = connection.query
function connection:exec(sql) return host("db.exec", self.__dsn, sql, {}, 0) end
function connection:stmt(sql)
  local _, err = host("db.prepare", self.__dsn, sql)
  if err ~= nil then return nil, err end
  return setmetatable({ __dsn = self.__dsn, __sql = sql }, statement)
end
function connection:close() return nil end
local db = {
  open = function(driver, dsn)
    local name = raw_tostring(driver) .. ":" .. raw_tostring(dsn)
    local _, err = host("db.open", name)
    if err ~= nil then return nil, err end
    return setmetatable({ __dsn = name }, connection)
  end,
}

local json = {
  encode = function(value) return js.json_encode(value) end,
  decode = function(text) return js.json_decode(text) end,
  tableIsObject = function(value) return value end,
}
local time = {
  unix = function() return js.unix() end,
  unix_nano = function() return js.unix() * 1e9 end,
  sleep = function(seconds) host("time.sleep", seconds) end,
  format = function(seconds, layout, zone) return js.time_format(seconds, layout or "Mon Jan 2 15:04:05 -0700 MST 2006", zone or "UTC") end,
  parse = function(text, layout, zone) return js.time_parse(text, layout, zone or "UTC") end,
}

local builtin_modules = {
  nauthilus_builtin = builtin, nauthilus_backend_result = backend_result, nauthilus_util = util, nauthilus_password = password,
  nauthilus_cache = cache, db = db, json = json, time = time, nauthilus_backend = {},
}

-- Operator's own modules: loaded once per worker, under an environment of their own.
local own_modules = {}

local base = {
  assert = assert, error = raw_error, ipairs = ipairs, next = raw_next, pairs = ordered_pairs, pcall = pcall, xpcall = xpcall, rawequal = rawequal,
  rawget = rawget, rawlen = rawlen, rawset = rawset, select = raw_select, setmetatable = setmetatable, getmetatable = getmetatable,
  tonumber = tonumber, tostring = raw_tostring, type = raw_type, unpack = table.unpack, _VERSION = "Lua 5.1",
  collectgarbage = function() return 0 end, dynamic_loader = function() end,
}
local libraries = { string = string, table = table, math = math, coroutine = coroutine, utf8 = utf8, os = os }

local function frozen(fields, name)
  return setmetatable({}, { __index = fields, __newindex = function() raw_error(name .. " cannot be changed", 2) end, __metatable = name,
    __pairs = function() return raw_next, fields, nil end })
end
for name, module in raw_next, builtin_modules do builtin_modules[name] = frozen(module, name) end

local fresh
local function load_own(name)
  local source, path = js.find_module(name)
  if source == nil then
    raw_error("module '" .. name .. "' is not available here, and no file of that name is on the package path", 3)
  end
  local chunk, err = raw_load("local _ENV=...;" .. source, "@" .. path, "t")
  if chunk == nil then raw_error(err, 3) end
  local value = chunk(fresh())
  if value == nil then value = true end
  return value
end

-- Globals come into an environment when they are first read: most scripts need few of them. What a call changes is its own.
local on_demand = {}
for name, library in raw_next, libraries do
  on_demand[name] = function(env) return copy(library) end
end
on_demand._G = function(env) return env end
on_demand.print = function()
  return function(...)
    local parts = {}
    for index = 1, raw_select("#", ...) do parts[index] = raw_tostring((raw_select(index, ...))) end
    js.log("info", table.concat(parts, "\t"))
  end
end
-- Nothing can interrupt the parser.
local LONGEST_SOURCE = 262144
on_demand.load = function(env)
  return function(source, name, mode, target)
    if raw_type(source) == "function" then
      local pieces = {}
      for piece in source do
        if piece == "" then break end
        pieces[#pieces + 1] = piece
      end
      source = table.concat(pieces)
    end
    if #source > LONGEST_SOURCE then return nil, "load: a source of over 256 KB" end
    if target == nil then target = env end
    return raw_load(source, name, "t", target)
  end
end
on_demand.loadstring = function(env) return env.load end
on_demand.package = function() return { loaded = {}, path = "", preload = {} } end
on_demand.require = function(env)
  local context = {}
  return function(name)
    name = raw_tostring(name)
    local loaded, preload = env.package.loaded, env.package.preload
    if loaded[name] ~= nil then return loaded[name] end
    local value = preload[name] and preload[name](name)
    if value == nil and libraries[name] ~= nil then value = env[name] end
    if value == nil and name == "nauthilus_context" then
      value = frozen({ context_set = function(key, item) context[key] = item end, context_get = function(key) return context[key] end,
        context_delete = function(key) context[key] = nil end }, name)
    end
    if value == nil then value = builtin_modules[name] end
    if value == nil then
      if own_modules[name] == nil then own_modules[name] = load_own(name) end
      value = own_modules[name]
    end
    loaded[name] = value
    return value
  end
end
base.nauthilus_builtin, base.nauthilus = builtin_modules.nauthilus_builtin, builtin_modules.nauthilus_builtin
base.nauthilus_backend_result, base.backend_result = builtin_modules.nauthilus_backend_result, builtin_modules.nauthilus_backend_result

local env_meta = {
  __index = function(env, name)
    local value = base[name]
    if value ~= nil then return value end
    local make = on_demand[name]
    if make == nil then return nil end
    value = make(env)
    rawset(env, name, value)
    return value
  end,
  __metatable = "environment",
}
local builtin_proxy, result_proxy = builtin_modules.nauthilus_builtin, builtin_modules.nauthilus_backend_result
fresh = function()
  -- Every script uses these two: there from the start, they cost no look-up.
  return setmetatable({ nauthilus_builtin = builtin_proxy, nauthilus_backend_result = result_proxy }, env_meta)
end

-- A request holds what is known; every other documented field is read from the defaults, so that none is ever nil.
local lists = {}
for _, name in ipairs(list_fields) do lists[name] = true end
local request_meta = {
  __index = function(request, name)
    local value = defaults[name]
    if value ~= nil then return value end
    if lists[name] then value = {} elseif name == "logging" then value = { log_format = "json", log_level = "info" } end
    if value ~= nil then rawset(request, name, value) end
    return value
  end,
  __pairs = function(request)
    local all = copy(defaults)
    for name in raw_next, lists do all[name] = request[name] end
    all.logging = request.logging
    for name, value in raw_next, request do all[name] = value end
    return raw_next, all, nil
  end,
}

-- One call: the script's top level, then the function. `found` is false when the script has no such function.
local function run(chunk, name, fields)
  local env = fresh()
  local request = setmetatable(fields, request_meta)
  chunk(env)
  local called = rawget(env, name)
  if raw_type(called) ~= "function" then return false end
  local code, value = called(request)
  local kind = raw_type(value)
  if kind ~= "table" then return true, code, kind, value end
  local data = rawget(value, "__data")
  if raw_type(data) ~= "table" or not data[GENUINE] then return true, code, kind, value end
  data[GENUINE] = nil
  return true, code, "result", data
end

-- Which of the contract's functions the script defines; its top level runs once for that.
local function probe(chunk, names)
  local env, found = fresh(), {}
  chunk(env)
  for _, name in ipairs(names) do if raw_type(rawget(env, name)) == "function" then found[#found + 1] = name end end
  return found
end

return run, probe

-- What every script finds around it: a fresh environment per call, and `require`. Runs once per worker; `host` and `js` come from the
-- host and stay private to this file and those of `modules/`. `names` says what `require` makes of a name (see modules.ts).
local host, js, sources, names, defaults, list_fields = ...
local raw_load, raw_next, raw_select, raw_type, raw_tostring, raw_error = load, next, select, type, tostring, error
local setmetatable, rawget, rawset, ipairs, table = setmetatable, rawget, rawset, ipairs, table

local function part(name, ...)
  local chunk, err = raw_load(sources[name], "=" .. name, "t")
  if chunk == nil then raw_error(err, 0) end
  return chunk(...)
end

local environments, libraries = part("dialect", js)

local function copy(source)
  local result = {}
  for key, value in raw_next, source do result[key] = value end
  return result
end

local function frozen(fields, name)
  return setmetatable({}, { __index = fields, __newindex = function() raw_error(name .. " cannot be changed", 2) end, __metatable = name,
    __pairs = function() return raw_next, fields, nil end })
end

-- A file of `modules/` gets this one table and returns the module.
-- What it puts into `first_use` under its name is called when a script first asks for it.
local core = { host = host, js = js, frozen = frozen, genuine = {}, first_use = {} }
local provided = {}
for name, entry in raw_next, names do
  if entry.file == name then
    local module = part("modules/" .. name, core)
    if name == "io" then libraries.io = module end
    provided[name] = frozen(module, name)
  end
end

-- Operator's own modules: loaded once per worker, under an environment of their own.
local own_modules = {}
local warned = {}
-- What is logged while the script is loaded reaches nobody.
local starting = false

--- rawlen(value: table|string): integer -- The length without metamethods.
--- dynamic_loader(...: any): nil -- Does nothing: `require` finds the modules.
local base = {
  assert = assert, error = raw_error, ipairs = ipairs, next = raw_next, pairs = pairs, pcall = pcall, xpcall = xpcall, rawequal = rawequal,
  rawget = rawget, rawlen = rawlen, rawset = rawset, select = raw_select, setmetatable = setmetatable, getmetatable = getmetatable,
  tonumber = tonumber, tostring = raw_tostring, type = raw_type, unpack = table.unpack, _VERSION = "Lua 5.1",
  newproxy = function(has_metatable) return has_metatable and setmetatable({}, {}) or {} end,
  collectgarbage = function() return 0 end, dynamic_loader = function() end,
}

local fresh
-- The operator's own file of that name, or nil.
local function own(name)
  if own_modules[name] ~= nil then return own_modules[name] end
  local source, path = js.find_module(name)
  if source == nil then return nil end
  local chunk, err = raw_load("local _ENV=...;" .. source, "@" .. path, "t")
  if chunk == nil then raw_error(err, 0) end
  local env = fresh()
  local value = chunk(env)
  -- What `module` made.
  if value == nil then value = env.package.loaded[name] end
  if value == nil then value = true end
  own_modules[name] = value
  return value
end

local function find(name)
  local entry = names[name]
  local file = entry and entry.file
  if file == nil or entry.overridable then
    local value = own(name)
    if value ~= nil then return value end
  end
  if file == nil then
    raw_error("module '" .. name .. "' is not available here" .. (entry and (": " .. entry.refused) or
      ", and no file of that name is on the package path"), 3)
  end
  if entry.inert and not starting and not warned[name] then
    warned[name] = true
    js.log("warn", "the module " .. name .. " does nothing here: " .. entry.inert)
  end
  local first_use = core.first_use[file]
  if first_use ~= nil then
    core.first_use[file] = nil
    first_use()
  end
  return provided[file]
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
for name, make in raw_next, environments do on_demand[name] = make end
on_demand.loadstring = function(env) return env.load end
on_demand.package = function(env)
  local function seeall(module)
    local meta = getmetatable(module) or {}
    meta.__index = env
    setmetatable(module, meta)
  end
  return { loaded = {}, path = "", preload = {}, seeall = seeall }
end
on_demand.require = function(env)
  return function(name)
    name = raw_tostring(name)
    local loaded, preload = env.package.loaded, env.package.preload
    if loaded[name] ~= nil then return loaded[name] end
    local value = preload[name] and preload[name](name)
    if value == nil and libraries[name] ~= nil then value = env[name] end
    if value == nil then value = find(name) end
    loaded[name] = value
    return value
  end
end
--- nauthilus_builtin, nauthilus: nauthilus_builtin -- Result codes, and what a call may leave for the log and for the person.
--- nauthilus_backend_result, backend_result: nauthilus_backend_result -- Makes the object that a lookup or password check returns.
base.nauthilus_builtin, base.nauthilus = provided.nauthilus_builtin, provided.nauthilus_builtin
base.nauthilus_backend_result, base.backend_result = provided.nauthilus_backend_result, provided.nauthilus_backend_result

-- The environment of init scripts: the globals they set are there in every call of this thread.
local init_env
local env_meta = {
  __index = function(env, name)
    local value = base[name]
    if value ~= nil then return value end
    local make = on_demand[name]
    if make == nil then
      if init_env == nil then return nil end
      return rawget(init_env, name)
    end
    value = make(env)
    rawset(env, name, value)
    return value
  end,
  __metatable = "environment",
}
local builtin_proxy, result_proxy = provided.nauthilus_builtin, provided.nauthilus_backend_result
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
  if fields.http_request ~= nil then js.call_table().http = fields.http_request end
  fields.http_request = nil
  local request = setmetatable(fields, request_meta)
  chunk(env)
  local called = rawget(env, name)
  if raw_type(called) ~= "function" then return false end
  local code, value = called(request)
  local kind = raw_type(value)
  if kind ~= "table" then return true, code, kind, value end
  local data = rawget(value, "__data")
  if raw_type(data) ~= "table" or not data[core.genuine] then return true, code, kind, value end
  data[core.genuine] = nil
  return true, code, "result", data
end

-- Which of the contract's functions the script defines; its top level runs once for that.
local function probe(chunk, names)
  local env, found = fresh(), {}
  starting = true
  chunk(env)
  starting = false
  for _, name in ipairs(names) do if raw_type(rawget(env, name)) == "function" then found[#found + 1] = name end end
  return found
end

-- An init script: its top level, then the function that older ones have for it.
local function initialize(chunk)
  init_env = init_env or fresh()
  chunk(init_env)
  local hook = rawget(init_env, "nauthilus_run_hook")
  rawset(init_env, "nauthilus_run_hook", nil)
  if raw_type(hook) == "function" then hook(setmetatable({}, request_meta)) end
end

return run, probe, initialize

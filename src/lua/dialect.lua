-- The libraries as scripts of Lua 5.1 expect them, made of those of 5.3. Runs once per worker, before everything else; what it sets in
-- the global table is seen by the files of `modules/`, never by a script.
local js = ...
local next, rawget, type, tostring, error = next, rawget, type, tostring, error
local ipairs, math, string, table, setmetatable = ipairs, math, string, table, setmetatable
local raw_globals, debug_library = _ENV, debug
debug = nil

-- Table constructors are walked backwards by the VM; scripts expect 1..n first.
local function ordered_pairs(value)
  local meta = js.metafield(value, "__pairs")
  if meta ~= nil then return meta(value) end
  if type(value) ~= "table" then error("bad argument #1 to 'pairs' (table expected, got " .. type(value) .. ")", 2) end
  local length, index, key = #value, 0, nil
  return function()
    while index < length do
      index = index + 1
      local item = rawget(value, index)
      if item ~= nil then return index, item end
    end
    while true do
      local item
      key, item = next(value, key)
      if key == nil then return nil end
      if not (type(key) == "number" and key >= 1 and key <= length and key % 1 == 0) then return key, item end
    end
  end, value, nil
end
pairs = ordered_pairs

-- Environments of functions ---------------------------------------------------------------------------------------------------
-- In 5.3 the environment of a function is its upvalue _ENV; at the top of a script it is a local of that name.
local function environment_upvalue(fn)
  for index = 1, 255 do
    local name, value = debug_library.getupvalue(fn, index)
    if name == nil then return nil end
    if name == "_ENV" then return index, value end
  end
end

local function is_own(fn)
  local source = debug_library.getinfo(fn, "S").source
  return source == "=[C]" or source == "=moonlatch" or source == "=dialect" or source:find("^=modules/") ~= nil
end

local function replace_environment(fn, env)
  if is_own(fn) then return false end
  local index, old = environment_upvalue(fn)
  -- What the host made has the real globals, and is shared by all calls.
  if index == nil or old == raw_globals then return index == nil end
  local function holder() return env end
  debug_library.upvaluejoin(fn, index, holder, 1)
  return true
end

-- Levels count from the function that called the one that calls these.
local function set_level(level, env)
  local info = debug_library.getinfo(level + 2, "f")
  if info == nil then error("bad argument #1 (invalid level)", 3) end
  if debug_library.getlocal(level + 2, 1) == "_ENV" then
    debug_library.setlocal(level + 2, 1, env)
    return info.func
  end
  return replace_environment(info.func, env) and info.func or nil
end

local function get_level(level)
  local info = debug_library.getinfo(level + 2, "f")
  if info == nil then error("bad argument #1 (invalid level)", 3) end
  local name, value = debug_library.getlocal(level + 2, 1)
  if name == "_ENV" then return value end
  local _, env = environment_upvalue(info.func)
  return env
end

local environments = {}

function environments.setfenv(_)
  return function(target, env)
    if type(env) ~= "table" then error("bad argument #2 to 'setfenv' (table expected, got " .. type(env) .. ")", 2) end
    local fn
    if type(target) == "number" then fn = target >= 1 and set_level(target, env) or nil
    elseif type(target) == "function" then fn = replace_environment(target, env) and target or nil end
    if fn == nil then error("'setfenv' cannot change environment of given object", 2) end
    return fn
  end
end

function environments.getfenv(globals)
  return function(target)
    local env
    if type(target) == "function" then
      local _, value = environment_upvalue(target)
      env = value
    elseif target ~= 0 then env = get_level(target or 1) end
    if env == nil or env == raw_globals then return globals end
    return env
  end
end

function environments.module(globals)
  return function(name, ...)
    local loaded = globals.package.loaded
    local made = loaded[name]
    if type(made) ~= "table" then
      made = globals
      for part in name:gmatch("[^.]+") do
        if rawget(made, part) == nil then made[part] = {} end
        made = made[part]
        if type(made) ~= "table" then error("name conflict for module '" .. name .. "'", 2) end
      end
      loaded[name] = made
    end
    if made._NAME == nil then made._M, made._NAME, made._PACKAGE = made, name, name:match("^(.*%.)") or "" end
    if set_level(1, made) == nil then error("'module' not called from a Lua function", 2) end
    for _, option in ipairs({ ... }) do option(made) end
  end
end

-- What 5.3 brings along:
--- string.pack(format: string, ...: any): string -- Values as bytes, as in Lua 5.3.
--- string.packsize(format: string): integer -- How many bytes `pack` makes.
--- string.unpack(format: string, text: string, place?: integer): any ... -- The values of packed bytes, then where they end.
--- table.pack(...: any): table -- A list with its length in `n`.
--- table.unpack(list: table, from?: integer, to?: integer): any ... -- As `unpack`.
--- table.move(from: table, first: integer, last: integer, place: integer, to?: table): table -- Copies a part of a list.
--- math.maxinteger, math.mininteger: integer -- Of 32 bits.
--- math.tointeger(value: any): integer? -- The number, where it is whole.
--- math.type(value: any): string? -- `integer`, `float` or nil.
--- math.ult(a: integer, b: integer): boolean -- Less, without sign.
--- coroutine.isyieldable(): boolean -- Whether this may yield.
--- utf8.char(...: integer): string -- The characters of code points.
--- utf8.charpattern: string -- Matches one character.
--- utf8.codes(text: string): (fun(): integer, integer) -- Walks places and code points.
--- utf8.codepoint(text: string, from?: integer, to?: integer): integer ... -- The code points.
--- utf8.len(text: string, from?: integer, to?: integer): integer?, integer? -- Characters; nil and the place where it is no UTF-8.
--- utf8.offset(text: string, count: integer, from?: integer): integer? -- Where a character begins.
string.dump = nil
--- string.gfind(text: string, pattern: string): fun(): string -- Older name of `gmatch`.
string.gfind = string.gmatch
--- table.getn(value: table): integer -- Its length.
table.getn = function(value) return #value end
table.maxn = function(value)
  local most = 0
  for key in next, value do if type(key) == "number" and key > most then most = key end end
  return most
end
--- table.foreach, table.foreachi(value: table, visit: fun(key: any, item: any): any): any -- Until `visit` returns something.
table.foreach = function(value, visit) for key, item in ordered_pairs(value) do local result = visit(key, item) if result ~= nil then return result end end end
table.foreachi = function(value, visit) for key, item in ipairs(value) do local result = visit(key, item) if result ~= nil then return result end end end
math.atan2 = math.atan
math.pow = function(base, exponent) return base ^ exponent end
--- math.mod(a: number, b: number): number -- Older name of `fmod`.
math.mod = math.fmod
math.log10 = function(value) return math.log(value, 10) end
math.frexp = function(value)
  if value == 0 or value ~= value or value == math.huge or value == -math.huge then return value, 0 end
  local exponent = math.floor(math.log(math.abs(value), 2)) + 1
  local fraction = value / 2 ^ exponent
  if math.abs(fraction) >= 1 then return fraction / 2, exponent + 1 end
  if math.abs(fraction) < 0.5 then return fraction * 2, exponent - 1 end
  return fraction, exponent
end
math.cosh = function(value) return (math.exp(value) + math.exp(-value)) / 2 end
math.sinh = function(value) return (math.exp(value) - math.exp(-value)) / 2 end
math.tanh = function(value)
  if value > 20 then return 1 elseif value < -20 then return -1 end
  local squared = math.exp(2 * value)
  return (squared - 1) / (squared + 1)
end
math.ldexp = function(fraction, exponent) return fraction * 2 ^ exponent end

local os = {
  --- os.time(parts?: table): number -- Seconds since 1970; of a date in local time.
  time = function(parts)
    local seconds, err = js.os_time(parts)
    if err ~= nil then error(err, 2) end
    return seconds
  end,
  --- os.clock(): number -- Seconds that pass, from any start.
  clock = function() return js.clock() end,
  --- os.date(format?: string, when?: number): string|table -- As in Lua; `*t` makes a table.
  date = function(format, when) return js.os_date(format or "%c", when) end,
  --- os.difftime(later: number, earlier?: number): number -- Seconds between.
  difftime = function(later, earlier) return later - (earlier or 0) end,
  --- os.getenv(name: string): string? -- A variable that `allow.env` names.
  getenv = function(name) return js.getenv(tostring(name)) end,
}

return environments, { string = string, table = table, math = math, coroutine = coroutine, utf8 = utf8, os = os }

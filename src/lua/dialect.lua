-- The libraries as scripts of Lua 5.1 expect them, made of those of 5.3. Runs once per worker, before everything else; what it sets in
-- the global table is seen by the files of `modules/`, never by a script.
local js = ...
local next, rawget, type, tostring, error = next, rawget, type, tostring, error
local ipairs, math, string, table = ipairs, math, string, table

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

string.dump = nil
string.gfind = string.gmatch
table.getn = function(value) return #value end
table.maxn = function(value)
  local most = 0
  for key in next, value do if type(key) == "number" and key > most then most = key end end
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
  getenv = function(name) return js.getenv(tostring(name)) end,
}

return { string = string, table = table, math = math, coroutine = coroutine, utf8 = utf8, os = os }

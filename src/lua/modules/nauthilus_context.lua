-- What the modules of one call share. Values are copied on their way in and out, so that nothing else is shared with them.
local js = (...).js

local DEEPEST = 20
local KEPT = { string = true, number = true, boolean = true, ["nil"] = true }

local function copy(value, depth)
  local kind = type(value)
  if KEPT[kind] then return value end
  if kind ~= "table" then error("a " .. kind .. " cannot be kept in the context", 0) end
  if depth == DEEPEST then error("a table is nested too deep for the context, or contains itself", 0) end
  local result = {}
  for key, item in next, value do result[copy(key, depth + 1)] = copy(item, depth + 1) end
  return result
end

local function kept()
  local call = js.call_table()
  call.context = call.context or {}
  return call.context
end

return {
  --- context_set(key: any, value: any): nil -- Keeps a copy for the rest of this call.
  context_set = function(key, value) kept()[key] = copy(value, 0) end,
  --- context_get(key: any): any -- A copy of what is kept.
  context_get = function(key) return copy(kept()[key], 0) end,
  --- context_delete(key: any): nil -- Forgets it.
  context_delete = function(key) kept()[key] = nil end,
}

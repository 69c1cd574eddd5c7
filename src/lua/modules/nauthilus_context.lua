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

return {
  context_set = function(key, value) js.call_table()[key] = copy(value, 0) end,
  context_get = function(key) return copy(js.call_table()[key], 0) end,
  context_delete = function(key) js.call_table()[key] = nil end,
}

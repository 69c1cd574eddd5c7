-- RE2 syntax, as Go has it.
local core = ...
local js = core.js

-- Loading takes long: mostly it is done when the script itself is loaded.
core.first_use.regexp = function() js.regexp_compile("") end

local compiled = {}
compiled.__index = compiled
compiled.__metatable = "regexp"
function compiled:match(text) return js.regexp_match(self.__source, text) end
function compiled:find_all_string_submatch(text) return js.regexp_find_all(self.__source, text) end

return {
  match = function(source, text) return js.regexp_match(source, text) end,
  find_all_string_submatch = function(source, text) return js.regexp_find_all(source, text) end,
  compile = function(source)
    local _, err = js.regexp_compile(source)
    if err ~= nil then return nil, err end
    return setmetatable({ __source = source }, compiled)
  end,
}

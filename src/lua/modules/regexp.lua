-- RE2 syntax, as Go has it.
local core = ...
local js = core.js

-- Loading takes long: mostly it is done when the script itself is loaded.
core.first_use.regexp = function() js.regexp_compile("") end

local compiled = {}
compiled.__index = compiled
compiled.__metatable = "regexp"
--- Pattern:match(text: string): boolean?, string? -- Whether it occurs in the text.
function compiled:match(text) return js.regexp_match(self.__source, text) end
--- Pattern:find_all_string_submatch(text: string): string[][]?, string? -- All places with their groups.
function compiled:find_all_string_submatch(text) return js.regexp_find_all(self.__source, text) end

return {
  --- match(pattern: string, text: string): boolean?, string? -- Whether it occurs in the text.
  match = function(source, text) return js.regexp_match(source, text) end,
  --- find_all_string_submatch(pattern: string, text: string): string[][]?, string? -- All places with their groups.
  find_all_string_submatch = function(source, text) return js.regexp_find_all(source, text) end,
  --- compile(pattern: string): Pattern?, string? -- The same as methods.
  compile = function(source)
    local _, err = js.regexp_compile(source)
    if err ~= nil then return nil, err end
    return setmetatable({ __source = source }, compiled)
  end,
}

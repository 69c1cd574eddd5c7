-- Mustache: variables, sections, inverted sections and comments. No partials and no other delimiters.
local core = ...

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&#34;", ["'"] = "&#39;" }

local function lookup(stack, name)
  if name == "." then return stack[#stack] end
  for level = #stack, 1, -1 do
    local value = stack[level]
    if type(value) == "table" and value[name:match("^[^.]+")] ~= nil then
      for part in name:gmatch("[^.]+") do
        if type(value) ~= "table" then return nil end
        value = value[part]
      end
      return value
    end
  end
  return nil
end

local render

-- Where the section that begins at `from` ends: its content's end, and what follows the closing tag.
local function section_end(text, name, from)
  local depth = 1
  while true do
    local first, last, mark, inner = text:find("{{%s*([#^/])%s*(.-)%s*}}", from)
    if first == nil then error("the section " .. name .. " is not closed", 0) end
    if inner == name then depth = depth + (mark == "/" and -1 or 1) end
    if depth == 0 then return first - 1, last + 1 end
    from = last + 1
  end
end

local function section(content, value, stack, output)
  if value == nil or value == false then return end
  local items = { value }
  if type(value) == "table" and (value[1] ~= nil or next(value) == nil) then items = value end
  for _, item in ipairs(items) do
    stack[#stack + 1] = item
    render(content, stack, output)
    stack[#stack] = nil
  end
end

local function is_empty(value) return value == nil or value == false or type(value) == "table" and next(value) == nil end

render = function(text, stack, output)
  local from = 1
  while true do
    local first, last, mark, name = text:find("{{([{#^/!&>=]?)%s*(.-)%s*}}", from)
    if first == nil then break end
    output[#output + 1] = text:sub(from, first - 1)
    from = last + 1
    if mark == "#" or mark == "^" then
      local stop, after = section_end(text, name, from)
      local content, value = text:sub(from, stop), lookup(stack, name)
      if mark == "#" then section(content, value, stack, output)
      elseif is_empty(value) then render(content, stack, output) end
      from = after
    elseif mark == "/" then error("the section " .. name .. " was not opened", 0)
    elseif mark == ">" or mark == "=" then error("partials and other delimiters are not available", 0)
    elseif mark ~= "!" then
      if mark == "{" and text:sub(from, from) == "}" then from = from + 1 end
      local value = lookup(stack, name)
      if value ~= nil then
        local shown = tostring(value)
        output[#output + 1] = mark == "" and shown:gsub("[&<>\"']", ESCAPES) or shown
      end
    end
  end
  output[#output + 1] = text:sub(from)
end

--- Template:render(text: string, values: any): string?, string? -- Fills in the values.
local mustache = core.frozen({
  render = function(_, text, values)
    local output = {}
    local ok, err = pcall(render, text, { values }, output)
    if not ok then return nil, err end
    return table.concat(output)
  end,
}, "template")

return {
  --- choose(engine: string): Template?, string? -- `mustache`; no partials.
  choose = function(engine)
    if engine ~= "mustache" then return nil, "unknown template engine: " .. tostring(engine) end
    return mustache
  end,
}

local CHARACTER = "[%z\1-\127\194-\244][\128-\191]*"

local function has_prefix(text, prefix) return text:sub(1, #prefix) == prefix end
local function has_suffix(text, suffix) return suffix == "" or text:sub(-#suffix) == suffix end

local function check(text, place)
  if type(text) ~= "string" and type(text) ~= "number" then
    error("bad argument #" .. place .. " (string expected, got " .. type(text) .. ")", 3)
  end
  return tostring(text)
end

local strings = {}

--- split(text: string, separator?: string): string[] -- Into characters without a separator.
function strings.split(text, separator)
  text = check(text, 1)
  local parts = {}
  if separator == nil or separator == "" then
    for character in text:gmatch(CHARACTER) do parts[#parts + 1] = character end
    return parts
  end
  separator = check(separator, 2)
  local from = 1
  while true do
    local first, last = text:find(separator, from, true)
    if first == nil then break end
    parts[#parts + 1] = text:sub(from, first - 1)
    from = last + 1
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

--- fields(text: string): string[] -- Words between white space.
function strings.fields(text)
  local parts = {}
  for part in check(text, 1):gmatch("%S+") do parts[#parts + 1] = part end
  return parts
end

--- trim(text: string, set: string): string -- Without the characters of the set at both ends.
function strings.trim(text, set)
  text, set = check(text, 1), check(set, 2)
  local wanted = {}
  for character in set:gmatch(CHARACTER) do wanted[character] = true end
  local first, last = 1, #text
  while true do
    local character = text:match("^" .. CHARACTER, first)
    if character == nil or not wanted[character] then break end
    first = first + #character
  end
  while last >= first do
    local start = last
    while start > first and text:byte(start) >= 128 and text:byte(start) < 192 do start = start - 1 end
    if not wanted[text:sub(start, last)] then break end
    last = start - 1
  end
  return text:sub(first, last)
end

--- trim_prefix(text: string, prefix: string): string -- Without it, where it begins so.
function strings.trim_prefix(text, prefix)
  text, prefix = check(text, 1), check(prefix, 2)
  return has_prefix(text, prefix) and text:sub(#prefix + 1) or text
end

--- trim_suffix(text: string, suffix: string): string -- Without it, where it ends so.
function strings.trim_suffix(text, suffix)
  text, suffix = check(text, 1), check(suffix, 2)
  return has_suffix(text, suffix) and text:sub(1, #text - #suffix) or text
end

--- has_prefix, has_suffix(text: string, part: string): boolean -- Whether it begins or ends so.
function strings.has_prefix(text, prefix) return has_prefix(check(text, 1), check(prefix, 2)) end
function strings.has_suffix(text, suffix) return has_suffix(check(text, 1), check(suffix, 2)) end
--- contains(text: string, part: string): boolean -- Whether it occurs.
function strings.contains(text, part) return check(text, 1):find(check(part, 2), 1, true) ~= nil end

return strings

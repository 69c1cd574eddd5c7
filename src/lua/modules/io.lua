-- Files that the backend may read (allow.files), as a whole: what stands in them when they are opened is what is read.
local core = ...
local host, js = core.host, core.js

local contents, places = {}, {}
local file = {}

-- What is read is kept in the object itself, under keys no script has.
local function content(self)
  local text = rawget(self, contents)
  if text == nil then error("attempt to use a closed file", 3) end
  return text
end

local function read_number(text, place)
  local first, last = text:find("^%s*[+-]?%d*%.?%d*[eE]?[+-]?%d*", place)
  if first == nil then return nil, place end
  return tonumber(text:sub(first, last)), last + 1
end

local function read_line(text, place, keeps_end)
  if place > #text then return nil, place end
  local stop = text:find("\n", place, true)
  if stop == nil then return text:sub(place), #text + 1 end
  return text:sub(place, keeps_end and stop or stop - 1), stop + 1
end

local function read_one(text, place, format)
  if type(format) == "number" then
    if place > #text then return nil, place end
    return text:sub(place, place + format - 1), math.min(place + format, #text + 1)
  end
  local letter = tostring(format):match("^%*?(%a)")
  if letter == "a" then return text:sub(place), #text + 1 end
  if letter == "n" then return read_number(text, place) end
  if letter == "l" or letter == "L" then return read_line(text, place, letter == "L") end
  error("bad argument #1 to 'read' (invalid format)", 3)
end

--- File:read(...: string|number): any ... -- Formats as in Lua: `"l"`, `"a"`, `"n"`, a number of bytes.
function file:read(...)
  local text = content(self)
  local results, count = {}, select("#", ...)
  for index = 1, math.max(count, 1) do
    local value, place = read_one(text, rawget(self, places), count == 0 and "l" or (select(index, ...)))
    rawset(self, places, place)
    results[index] = value
    if value == nil then break end
  end
  return table.unpack(results, 1, math.max(count, 1))
end

--- File:lines(): fun(): string? -- Walks what is left line by line.
function file:lines()
  content(self)
  return function() return self:read("l") end
end

--- File:seek(whence?: string, offset?: integer): integer?, string?, integer? -- `set`, `cur` or `end`.
function file:seek(whence, offset)
  local text = content(self)
  local bases = { set = 0, cur = rawget(self, places) - 1, ["end"] = #text }
  local base = bases[whence or "cur"]
  if base == nil then error("bad argument #1 to 'seek' (invalid option)", 2) end
  local place = base + (offset or 0)
  if place < 0 then return nil, "Invalid argument", 22 end
  rawset(self, places, place + 1)
  return place
end

--- File:close(): boolean -- Whoever reads it afterwards gets an error.
function file:close()
  content(self)
  rawset(self, contents, nil)
  return true
end

--- File:write(...: any): nil, string, integer -- Always a failure: files can only be read.
function file:write() return nil, "files can only be read", 9 end
--- File:flush, File:setvbuf(...: any): boolean -- Nothing to do.
function file:flush() return true end
function file:setvbuf() return true end

local meta = { __index = file, __metatable = "file", __newindex = function() error("a file has no fields", 2) end }
meta.__tostring = function(self) return rawget(self, contents) == nil and "file (closed)" or "file" end

local function open(name, mode)
  if not tostring(mode or "r"):find("^rb?$") then return nil, tostring(name) .. ": files can only be read", 13 end
  local text, err = host("file.read", tostring(name))
  if err ~= nil then return nil, err, 2 end
  return setmetatable({ [contents] = text, [places] = 1 }, meta)
end

return {
  --- open(name: string, mode?: string): File?, string?, integer? -- A file of `allow.files`, up to 8 MB; `mode` is `r`.
  open = open,
  --- lines(name: string): fun(): string? -- Walks a file line by line; raises where it cannot be read.
  lines = function(name)
    local opened, err = open(name)
    if opened == nil then error(err, 2) end
    return opened:lines()
  end,
  --- type(value: any): string? -- `file`, `closed file` or nil.
  type = function(value)
    if type(value) ~= "table" or rawget(value, places) == nil then return nil end
    return rawget(value, contents) == nil and "closed file" or "file"
  end,
  --- write(...: any): boolean -- Goes to the log.
  write = function(...)
    local parts = { ... }
    for index = 1, select("#", ...) do parts[index] = tostring(parts[index]) end
    js.log("info", table.concat(parts))
    return true
  end,
  --- popen(...: any): nil -- Always raises: a script runs no programs.
  popen = function() error("io.popen is not available: a script runs no programs", 2) end,
}

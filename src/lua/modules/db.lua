local host = (...).host

local statement = {}
statement.__index = statement
function statement:query(...) return host("db.query", self.__dsn, self.__sql, { ... }, select("#", ...), self.__options) end
function statement:exec(...) return host("db.exec", self.__dsn, self.__sql, { ... }, select("#", ...), self.__options) end
function statement:close() return nil end
-- Without a list of values the statement is sent as text, and a server may answer in text.
local connection = {}
connection.__index = connection
function connection:query(sql) return host("db.query", self.__dsn, sql, nil, 0, self.__options) end
connection.command = connection.query
function connection:exec(sql) return host("db.exec", self.__dsn, sql, nil, 0, self.__options) end
function connection:stmt(sql)
  local _, err = host("db.prepare", self.__dsn, sql)
  if err ~= nil then return nil, err end
  return setmetatable({ __dsn = self.__dsn, __sql = sql, __options = self.__options }, statement)
end
function connection:close() return nil end
return {
  open = function(driver, dsn, options)
    local name = tostring(driver) .. ":" .. tostring(dsn)
    local _, err = host("db.open", name)
    if err ~= nil then return nil, err end
    -- Only what the host knows: the rest may hold anything.
    local known = type(options) == "table" and { max_connections = options.max_connections, read_only = options.read_only } or nil
    return setmetatable({ __dsn = name, __options = known }, connection)
  end,
}

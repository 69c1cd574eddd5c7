local host = (...).host

local statement = {}
statement.__index = statement
function statement:query(...) return host("db.query", self.__dsn, self.__sql, { ... }, select("#", ...)) end
function statement:exec(...) return host("db.exec", self.__dsn, self.__sql, { ... }, select("#", ...)) end
function statement:close() return nil end
local connection = {}
connection.__index = connection
function connection:query(sql) return host("db.query", self.__dsn, sql, {}, 0) end
connection.command = connection.query
function connection:exec(sql) return host("db.exec", self.__dsn, sql, {}, 0) end
function connection:stmt(sql)
  local _, err = host("db.prepare", self.__dsn, sql)
  if err ~= nil then return nil, err end
  return setmetatable({ __dsn = self.__dsn, __sql = sql }, statement)
end
function connection:close() return nil end
return {
  open = function(driver, dsn)
    local name = tostring(driver) .. ":" .. tostring(dsn)
    local _, err = host("db.open", name)
    if err ~= nil then return nil, err end
    return setmetatable({ __dsn = name }, connection)
  end,
}

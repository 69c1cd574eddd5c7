local host = (...).host

--- Result.columns: string[] -- Their names; take the width of a row from here.
--- Result.rows: any[][] -- Each a list; a NULL is nil.
--- Done.rows_affected: integer -- How many rows were changed.
--- Done.last_insert_id: integer -- Of the last row that was added.
local statement = {}
statement.__index = statement
--- Statement:query(...: any): Result?, string? -- Runs it with a value for each place, and reads the rows.
function statement:query(...) return host("db.query", self.__dsn, self.__sql, { ... }, select("#", ...), self.__options) end
--- Statement:exec(...: any): Done?, string? -- Runs it with a value for each place.
function statement:exec(...) return host("db.exec", self.__dsn, self.__sql, { ... }, select("#", ...), self.__options) end
--- Statement:close(): nil -- Statements are kept; there is nothing to wait for.
function statement:close() return nil end
-- Without a list of values the statement is sent as text, and a server may answer in text.
local connection = {}
connection.__index = connection
--- Connection:query, Connection:command(sql: string): Result?, string? -- Runs a text without values and reads the rows.
function connection:query(sql) return host("db.query", self.__dsn, sql, nil, 0, self.__options) end
connection.command = connection.query
--- Connection:exec(sql: string): Done?, string? -- Runs a text without values.
function connection:exec(sql) return host("db.exec", self.__dsn, sql, nil, 0, self.__options) end
--- Connection:stmt(sql: string): Statement?, string? -- Prepares a statement; `?` is the place of a value.
function connection:stmt(sql)
  local _, err = host("db.prepare", self.__dsn, sql)
  if err ~= nil then return nil, err end
  return setmetatable({ __dsn = self.__dsn, __sql = sql, __options = self.__options }, statement)
end
--- Connection:close(): nil -- Connections are kept and shared.
function connection:close() return nil end
return {
  --- Options.max_connections?: integer -- 10 unless set, at most 100.
  --- Options.read_only?: boolean -- true: what changes something fails.
  --- open(driver: string, address: string, options?: Options): Connection?, string? -- A database that `allow.databases` names.
  open = function(driver, dsn, options)
    local name = tostring(driver) .. ":" .. tostring(dsn)
    local _, err = host("db.open", name)
    if err ~= nil then return nil, err end
    -- Only what the host knows: the rest may hold anything.
    local known = type(options) == "table" and { max_connections = options.max_connections, read_only = options.read_only } or nil
    return setmetatable({ __dsn = name, __options = known }, connection)
  end,
}

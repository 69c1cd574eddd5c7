-- The helpers nearly every script takes. A file of this name on the package path is taken instead.
local js = (...).js

local function raise(err)
  if err ~= nil and err ~= "redis: nil" and err ~= "OK" then error(tostring(err), 3) end
end

local function log_at(level)
  return function(logging, value, err)
    local line = value
    if type(value) == "table" then line = js.json_encode(value) or "?" end
    js.log(level, tostring(line) .. (err ~= nil and (": " .. tostring(err)) or ""))
  end
end

return {
  --- getenv(name: string, default?: any): any -- A variable that `allow.env` names; `default` where it is empty.
  getenv = function(name, default) local value = js.getenv(name) if value == nil or value == "" then return default end return value end,
  --- exists_in_table(list: table, wanted: any): boolean -- Whether it is one of the values.
  exists_in_table = function(list, wanted) for _, item in pairs(list) do if item == wanted then return true end end return false end,
  --- get_current_timestamp(): string -- Now in UTC, such as `2026-01-31T12:00:00Z`.
  get_current_timestamp = function() return js.os_date("!%Y-%m-%dT%H:%M:%SZ") end,
  --- table_length(value: table): integer -- How many keys.
  table_length = function(value) local count = 0 for _ in next, value do count = count + 1 end return count end,
  --- if_error_raise, raise_error(err: any): nil -- Raises it unless it is nil.
  if_error_raise = raise, raise_error = raise,
  --- is_table, is_string, is_number(value: any): boolean -- Whether it is of that type.
  is_table = function(value) return type(value) == "table" end,
  is_string = function(value) return type(value) == "string" end,
  is_number = function(value) return type(value) == "number" end,
  --- get_redis_key(request: BackendRequest, key: string): string -- The key behind the prefix of the request.
  get_redis_key = function(request, key) return (request.redis_prefix or "") .. key end,
  --- toboolean(value: any): boolean -- true for `true`, `1`, `yes` and `on`.
  toboolean = function(value) return value == true or value == "true" or value == "1" or value == 1 or value == "yes" or value == "on" end,
  --- is_routable_ip(address: string): boolean -- Whether it is an address of the public internet.
  is_routable_ip = function(address) return js.is_routable(address) end,
  --- generate_random_string(length: integer): string -- Letters and digits.
  generate_random_string = function(length) return js.random_string(length) end,
  --- print_result(logging: table, result: any, err?: any): nil -- Logs it; as a warning with `err`.
  print_result = function(logging, result, err) log_at(err and "warn" or "info")(logging, result, err) end,
  --- log(logging: table, level: string, value: any, err?: any): nil -- Logs it.
  log = function(logging, level, value, err) log_at("info")(logging, value, err) end,
  --- log_debug, log_info, log_notice, log_warn, log_error(logging: table, value: any, err?: any): nil -- Logs a text, or a table as JSON.
  log_debug = log_at("debug"), log_info = log_at("info"), log_notice = log_at("info"), log_warn = log_at("warn"), log_error = log_at("error"),
}

-- The object a lookup or password check returns. Fields are set by methods or by assignment.
local core = ...

local BOOLEANS = { authenticated = true, user_found = true }
local FIELDS = { "authenticated", "user_found", "account_field", "totp_secret_field", "totp_recovery_field", "unique_user_id_field",
  "display_name_field", "webauthn_credentials", "attributes", "groups", "group_dns" }
local EXTRA = { unique_user_id = true, display_name = true, account = true }
local methods = {}
local function set_field(self, name, value)
  if BOOLEANS[name] and value ~= true then
    if value ~= nil and value ~= false then error(name .. " must be a boolean, got " .. type(value), 3) end
    value = false
  end
  self.__data[name] = value
end
for _, name in ipairs(FIELDS) do
  if BOOLEANS[name] then
    -- Setting nil must take a `true` back, so asking and setting to nil are told apart.
    methods[name] = function(self, ...)
      local value = ...
      if value == nil and select("#", ...) == 0 then return self.__data[name] end
      set_field(self, name, value)
    end
  else
    methods[name] = function(self, value)
      if value == nil then return self.__data[name] end
      self.__data[name] = value
    end
  end
end
local result_meta = {
  __index = methods,
  __newindex = function(self, name, value)
    if methods[name] == nil and not EXTRA[name] then error("a backend result has no field '" .. tostring(name) .. "'", 2) end
    set_field(self, name, value)
  end,
  __metatable = "nauthilus_backend_result",
}
return { new = function() return setmetatable({ __data = { [core.genuine] = true } }, result_meta) end }

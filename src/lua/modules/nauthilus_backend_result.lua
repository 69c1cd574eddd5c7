-- The object a lookup or password check returns. Fields are set by methods or by assignment.
local core = ...

local BOOLEANS = { authenticated = true, user_found = true }
local FIELDS = { "authenticated", "user_found", "account_field", "totp_secret_field", "totp_recovery_field", "unique_user_id_field",
  "display_name_field", "webauthn_credentials", "attributes", "groups", "group_dns" }
local EXTRA = { unique_user_id = true, display_name = true, account = true }
--- Result:authenticated(value?: boolean): boolean? -- Whether the password matches. This and the following read without an argument and set with one.
--- Result:user_found(value?: boolean): boolean? -- Whether there is such an account.
--- Result:account_field(name?: string): string? -- The name of the attribute that holds the account.
--- Result:unique_user_id_field(name?: string): string? -- The name of the attribute that becomes `sub`.
--- Result:display_name_field(name?: string): string? -- The name of the attribute with the name to show.
--- Result:totp_secret_field(name?: string): string? -- The name of the attribute with the secret of the authenticator app.
--- Result:totp_recovery_field(name?: string): string? -- The name of the attribute with the recovery codes.
--- Result:webauthn_credentials(credentials?: string[]): string[]? -- The stored texts of the security keys.
--- Result:attributes(attributes?: table<string, any>): table<string, any>? -- Texts, numbers, truth values or lists of them.
--- Result:groups(names?: string[]): string[]? -- Joined with the attributes `groups` and `memberOf`.
--- Result:group_dns(names?: string[]): string[]? -- Joined with the attribute `group_dns` and what `memberOf` names.
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
--- new(): Result -- An empty one: no account was found.
return { new = function() return setmetatable({ __data = { [core.genuine] = true } }, result_meta) end }

-- LDAP on the servers of allow.ldap. Beside the functions of Nauthilus: a check of somebody's password, and escaping.
local host = (...).host

local function hex(character) return string.format("\\%02x", string.byte(character)) end

return {
  ldap_search = function(request) return host("ldap.search", request) end,
  ldap_modify = function(request) return host("ldap.modify", request) end,
  ldap_bind = function(request) return host("ldap.bind", request) end,
  ldap_endpoint = function(pool)
    local found, err = host("ldap.endpoint", { pool_name = pool or "default" })
    if err ~= nil then return nil, nil, err end
    return found.host, found.port
  end,
  -- Text as a value in a filter (RFC 4515 section 3).
  ldap_escape_filter = function(text) return (string.gsub(tostring(text), "[%z*()\\]", hex)) end,
  -- Text as a value in a name (RFC 4514 section 2.4).
  ldap_escape_dn = function(text)
    local escaped = string.gsub(tostring(text), '[%z"+,;<>=\\]', hex)
    return (string.gsub(string.gsub(escaped, "^[ #]", hex), " $", hex))
  end,
}

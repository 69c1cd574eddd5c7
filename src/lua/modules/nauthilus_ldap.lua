-- LDAP on the servers of allow.ldap. Beside the functions of Nauthilus: a check of somebody's password, and escaping.
local host = (...).host

local function hex(character) return string.format("\\%02x", string.byte(character)) end

return {
  --- Search.pool_name?: string -- Of `allow.ldap`; `default` unless set.
  --- Search.basedn: string
  --- Search.filter: string -- RFC 4515; take `ldap_escape_filter` for values.
  --- Search.scope?: string -- `sub` (unless set), `one` or `base`.
  --- Search.attributes?: string[]
  --- Search.raw_result?: boolean -- true: a list of entries.
  --- Entry.dn: string
  --- Entry.attributes: table<string, string[]> -- By their names as they were asked for.
  --- ldap_search(search: Search): (table<string, string[]>|Entry[])?, string? -- The values of all entries by attribute; with `raw_result` a list of entries.
  ldap_search = function(request) return host("ldap.search", request) end,
  --- Modification.pool_name?: string -- Of `allow.ldap`; `default` unless set.
  --- Modification.dn: string
  --- Modification.operation?: string -- `add`, `delete` or `replace`.
  --- Modification.attributes?: table<string, string|string[]>
  --- Modification.changes?: { operation: string, attributes: table<string, string|string[]> }[] -- Instead of these two: all of them or none.
  --- ldap_modify(modification: Modification): string?, string? -- `OK`.
  ldap_modify = function(request) return host("ldap.modify", request) end,
  --- Bind.pool_name?: string -- Of `allow.ldap`; `default` unless set.
  --- Bind.dn: string
  --- Bind.password: string
  --- ldap_bind(bind: Bind): boolean?, string? -- Whether it is the password of that entry; never true for an empty name or password.
  ldap_bind = function(request) return host("ldap.bind", request) end,
  --- ldap_endpoint(pool?: string): string?, integer?, string? -- Host, port, error.
  ldap_endpoint = function(pool)
    local found, err = host("ldap.endpoint", { pool_name = pool or "default" })
    if err ~= nil then return nil, nil, err end
    return found.host, found.port
  end,
  -- Text as a value in a filter (RFC 4515 section 3).
  --- ldap_escape_filter(text: string): string -- Text that is a value and nothing else in a filter.
  ldap_escape_filter = function(text) return (string.gsub(tostring(text), "[%z*()\\]", hex)) end,
  -- Text as a value in a name (RFC 4514 section 2.4).
  --- ldap_escape_dn(text: string): string -- Text that is a value and nothing else in a name.
  ldap_escape_dn = function(text)
    local escaped = string.gsub(tostring(text), '[%z"+,;<>=\\]', hex)
    return (string.gsub(string.gsub(escaped, "^[ #]", hex), " $", hex))
  end,
}

-- The client of gopher-lua-libs. It keeps no cookies, and certificates are verified whatever a script says.
local core = ...
local host, js = core.host, core.js

--- Settings.timeout?: number -- Seconds; 10 unless set.
--- Settings.headers?: table<string, string> -- Of every request; they win over its own.
--- Settings.user_agent?: string
--- Settings.basic_auth_user?: string
--- Settings.basic_auth_password?: string
--- Response.code: integer -- The status.
--- Response.body: string
--- Response.headers: table<string, string> -- The first value of each.
local Request = {}
Request.__index = Request
--- Request:header_set(name: string, value: string): nil -- Sets a header.
function Request:header_set(name, value) self.headers[string.lower(tostring(name))] = tostring(value) end
--- Request:set_basic_auth(user: string, password: string): nil -- HTTP Basic.
function Request:set_basic_auth(user, pass) self.auth = { user = tostring(user), pass = tostring(pass) } end

local Client = {}
Client.__index = Client
--- Client:do_request(request: Request): Response?, string? -- Sends it.
function Client:do_request(request)
  local config, headers = self.config, {}
  for name, value in next, request.headers do headers[name] = value end
  local auth = request.auth
  if config.basic_auth_user ~= nil and config.basic_auth_password ~= nil then
    auth = { user = config.basic_auth_user, pass = config.basic_auth_password }
  end
  if auth ~= nil then headers.authorization = nil end
  headers["user-agent"] = config.user_agent or headers["user-agent"]
  for name, value in next, config.headers or {} do headers[string.lower(tostring(name))] = value end
  local options = { headers = headers, auth = auth, body = request.body, timeout = config.timeout or 10 }
  local answers, err = host("http.send", { { request.method, request.url, options } })
  if err ~= nil then return nil, err end
  local answer = answers[1]
  if answer.error ~= nil then return nil, answer.error end
  return { code = answer.status_code, body = answer.body, headers = answer.headers }
end

-- They would change whom the script talks to, or read files.
local REFUSED = { "proxy", "root_cas_pem_file", "client_public_cert_pem_file", "client_private_key_pem_file" }

return {
  --- client(settings?: Settings): Client -- Raises for settings that are refused.
  client = function(config)
    config = config or {}
    for _, name in ipairs(REFUSED) do
      if config[name] ~= nil then error("http.client: " .. name .. " is not available; authorities are named in allow.ca_file", 2) end
    end
    return setmetatable({ config = config }, Client)
  end,
  --- request(method: string, url: string, body?: string): Request -- A request to be sent by a client.
  request = function(method, url, body)
    return setmetatable({ method = tostring(method), url = url, body = body, headers = {} }, Request)
  end,
  --- query_escape(text: string): string -- As in a query: a space is `+`.
  query_escape = function(text)
    local escaped = string.gsub(tostring(text), "[^%w%-_%.~ ]", function(byte) return string.format("%%%02X", string.byte(byte)) end)
    return (string.gsub(escaped, " ", "+"))
  end,
  --- query_unescape(text: string): string?, string? -- The text of what was escaped.
  query_unescape = function(text)
    text = string.gsub(tostring(text), "%+", " ")
    if string.find(string.gsub(text, "%%%x%x", ""), "%", 1, true) then return nil, "a % is not followed by two hexadecimal digits" end
    return (string.gsub(text, "%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
  end,
  --- Parts.scheme: string
  --- Parts.host: string -- With its port where one is written.
  --- Parts.port: string
  --- Parts.path: string
  --- Parts.raw_query: string
  --- Parts.query: table<string, string[]>
  --- Parts.user?: { username: string, password: string? }
  --- parse_url(url: string): Parts?, string? -- Takes a URL apart.
  parse_url = function(url) return js.parse_url(url) end,
  --- build_url(parts: Parts): string?, string? -- Makes a URL of its parts.
  build_url = function(parts) return js.build_url(parts) end,
}

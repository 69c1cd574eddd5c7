-- The client of gopher-lua-libs. It keeps no cookies, and certificates are verified whatever a script says.
local core = ...
local host, js = core.host, core.js

local Request = {}
Request.__index = Request
function Request:header_set(name, value) self.headers[string.lower(tostring(name))] = tostring(value) end
function Request:set_basic_auth(user, pass) self.auth = { user = tostring(user), pass = tostring(pass) } end

local Client = {}
Client.__index = Client
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
  client = function(config)
    config = config or {}
    for _, name in ipairs(REFUSED) do
      if config[name] ~= nil then error("http.client: " .. name .. " is not available; authorities are named in allow.ca_file", 2) end
    end
    return setmetatable({ config = config }, Client)
  end,
  request = function(method, url, body)
    return setmetatable({ method = tostring(method), url = url, body = body, headers = {} }, Request)
  end,
  query_escape = function(text)
    local escaped = string.gsub(tostring(text), "[^%w%-_%.~ ]", function(byte) return string.format("%%%02X", string.byte(byte)) end)
    return (string.gsub(escaped, " ", "+"))
  end,
  query_unescape = function(text)
    text = string.gsub(tostring(text), "%+", " ")
    if string.find(string.gsub(text, "%%%x%x", ""), "%", 1, true) then return nil, "a % is not followed by two hexadecimal digits" end
    return (string.gsub(text, "%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
  end,
  parse_url = function(url) return js.parse_url(url) end,
  build_url = function(parts) return js.build_url(parts) end,
}

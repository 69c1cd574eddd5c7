-- The browser's request behind this call, without its cookies and credentials. Functions raise where there is none.
local js = (...).js

local function request()
  local kept = js.call_table()
  if type(kept.http) == "string" then kept.http = js.json_decode(kept.http) end
  if kept.http == nil then error("there is no HTTP request behind this call", 3) end
  return kept.http
end

local function values(list)
  local copied = {}
  for index, value in ipairs(list or {}) do copied[index] = value end
  return copied
end

return {
  --- get_http_method(): string -- Such as `POST`. Every function here raises where no browser is behind the call.
  get_http_method = function() return request().method end,
  --- get_http_path(): string -- Without the query.
  get_http_path = function() return request().path end,
  --- get_http_query_param(name: string): string -- The first value of a parameter, `""` without one.
  get_http_query_param = function(name) return (request().query[name] or { "" })[1] end,
  --- get_http_request_header(name: string): string[] -- The values of a header; cookies and credentials are left out.
  get_http_request_header = function(name) return values(request().headers[tostring(name):lower()]) end,
  --- get_all_http_request_headers(): table<string, string[]> -- All of them, by small letters.
  get_all_http_request_headers = function()
    local all = {}
    for name, list in next, request().headers do all[name] = values(list) end
    return all
  end,
  --- get_http_request_body(): nil -- Always raises: the body is not for scripts.
  get_http_request_body = function()
    error("the body of the request is not for scripts; what was typed stands in the fields of the request", 2)
  end,
}

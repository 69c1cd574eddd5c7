-- Requests to hosts that the backend is granted. What fails is the second value; a status is no failure.
local host = (...).host

--- Options.query?: string -- Put after `?`.
--- Options.body?: string -- Sent as it is.
--- Options.form?: string -- Sent as `application/x-www-form-urlencoded`.
--- Options.headers?: table<string, string>
--- Options.cookies?: table<string, string>
--- Options.timeout?: number|string -- Seconds, or `"5s"`, `"500ms"`.
--- Options.auth?: { user: string, pass: string } -- HTTP Basic.
--- Response.status_code: integer -- A status such as 404 is an answer and no failure.
--- Response.body: string
--- Response.body_size: integer -- Bytes.
--- Response.headers: table<string, string> -- As in `Content-Type`; the first value of each.
--- Response.cookies: table<string, string>
--- Response.url: string -- Where the answer came from in the end.
local function request(method, url, options)
  local answers, err = host("http.send", { { tostring(method), url, options } })
  if err ~= nil then return nil, err end
  if answers[1].error ~= nil then return nil, answers[1].error end
  return answers[1]
end

local function by(method) return function(url, options) return request(method, url, options) end end

return {
  --- get, delete, head, patch, post, put(url: string, options?: Options): Response?, string? -- A request by that method.
  get = by("GET"), delete = by("DELETE"), head = by("HEAD"), patch = by("PATCH"), post = by("POST"), put = by("PUT"),
  --- request(method: string, url: string, options?: Options): Response?, string? -- A request by any method.
  request = request,
  --- request_batch(requests: any[][]): Response[]?, (table<integer, string>|string)? -- Each `{ method, url, options }`.
  -- All at once. The errors are nil when there are none; otherwise each stands where its response would be.
  request_batch = function(requests)
    local list = {}
    for index, one in ipairs(requests) do
      one = type(one) == "table" and one or {}
      list[index] = { one[1], one[2], one[3] }
    end
    local answers, err = host("http.send", list)
    if err ~= nil then return nil, err end
    local responses, errors, failed = {}, {}, false
    for index, answer in ipairs(answers) do
      if answer.error ~= nil then errors[index], failed = answer.error, true else responses[index] = answer end
    end
    if failed then return responses, errors end
    return responses
  end,
}

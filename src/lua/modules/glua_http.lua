-- Requests to hosts that the backend is granted. What fails is the second value; a status is no failure.
local host = (...).host

local function request(method, url, options)
  local answers, err = host("http.send", { { tostring(method), url, options } })
  if err ~= nil then return nil, err end
  if answers[1].error ~= nil then return nil, answers[1].error end
  return answers[1]
end

local function by(method) return function(url, options) return request(method, url, options) end end

return {
  get = by("GET"), delete = by("DELETE"), head = by("HEAD"), patch = by("PATCH"), post = by("POST"), put = by("PUT"),
  request = request,
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

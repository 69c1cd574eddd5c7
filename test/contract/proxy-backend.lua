-- A backend that asks another service, written in the habits of scripts for Nauthilus 2: tracing, timers and logging around one request.
local nauthilus_util = require("nauthilus_util")
local json = require("json")
local http = require("glua_http")
local prometheus = require("nauthilus_prometheus")
local telemetry = require("nauthilus_opentelemetry")

local N = "proxy_backend"
local TARGET = nauthilus_util.getenv("PROXY_BACKEND_URL", "")

prometheus.create_histogram_vec(N .. "_duration_seconds", "Time of requests to the other service", { "task" })
prometheus.create_counter_vec(N .. "_requests_total", "Requests to the other service", { "outcome" })

local function ask(request)
  local payload, encode_err = json.encode({
    username = request.username, password = request.password, no_auth = request.no_auth,
    protocol = request.protocol, client_ip = request.client_ip,
  })
  nauthilus_util.if_error_raise(encode_err)

  local function send(span)
    local timer = prometheus.start_histogram_timer(N .. "_duration_seconds", { task = "verify" })
    local response, err = http.post(TARGET, {
      timeout = nauthilus_util.getenv("PROXY_BACKEND_TIMEOUT", "10s"),
      headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json", ["User-Agent"] = N },
      body = payload,
    })
    prometheus.stop_timer(timer)
    if span then
      span:set_attributes(telemetry.semconv.http_client_attrs({ method = "POST", url = TARGET, status_code = response and response.status_code }))
      span:set_attributes(telemetry.semconv.peer_service(N))
      if err then span:record_error(err) end
    end
    return response, err
  end

  if telemetry and telemetry.is_enabled() then
    return telemetry.tracer("nauthilus/lua/" .. N):with_span("proxy.request", send, { kind = "client" })
  end
  telemetry.semconv.http_client_attrs({ method = "POST", url = TARGET })
  return send(nil)
end

function nauthilus_backend_verify_password(request)
  local result = nauthilus_backend_result.new()
  local response, err = ask(request)
  if err ~= nil or (response.status_code ~= 200 and response.status_code ~= 403) then
    prometheus.increment_counter(N .. "_requests_total", { outcome = "error" })
    nauthilus_util.log_error(request.logging, { caller = N, session = request.session }, err or ("status " .. response.status_code))
    return nauthilus_builtin.BACKEND_RESULT_ERROR, result
  end
  prometheus.increment_counter(N .. "_requests_total", { outcome = "ok" })
  nauthilus_builtin.custom_log_add(N .. "_status", response.status_code)

  if not string.find(response.headers["Content-Type"] or "", "application/json", 1, true) then
    return nauthilus_builtin.BACKEND_RESULT_ERROR, result
  end
  local answer, decode_err = json.decode(response.body)
  nauthilus_util.if_error_raise(decode_err)

  if not answer.ok then
    result:user_found(true)
    result:authenticated(false)
    result:account_field(answer.account_field)
    result:attributes({ [answer.account_field] = request.username })
    return nauthilus_builtin.BACKEND_RESULT_OK, result
  end
  result:user_found(true)
  result:authenticated(not request.no_auth)
  result:account_field(answer.account_field)
  local attributes = {}
  for name, value in pairs(answer.attributes) do attributes[name] = value end
  result:attributes(attributes)
  if request.debug and nauthilus_util.table_length(attributes) > 0 then nauthilus_util.print_result(request.logging, { caller = N }) end
  return nauthilus_builtin.BACKEND_RESULT_OK, result
end

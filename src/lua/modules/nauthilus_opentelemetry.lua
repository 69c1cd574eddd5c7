-- Tracing is off: spans take everything and keep nothing, and the semantic conventions are plain tables, as upstream without tracing.
local core = ...

local function nothing() end

local span = core.frozen({
  set_attribute = nothing, set_attributes = nothing, add_event = nothing, set_status = nothing, record_error = nothing,
  finish = nothing, ["end"] = nothing,
}, "span")

local tracer = core.frozen({
  start_span = function() return span end,
  with_span = function(_, _, work) return work(span) end,
}, "tracer")

local function renamed(names)
  return function(given)
    local attributes = {}
    if type(given) ~= "table" then return attributes end
    for from, to in next, names do attributes[to] = given[from] end
    return attributes
  end
end

return {
  is_enabled = function() return false end,
  tracer = function() return tracer end, default_tracer = function() return tracer end,
  baggage_set = nothing, baggage_get = function() return nil end, baggage_all = function() return {} end, baggage_clear = nothing,
  inject_headers = nothing, extract_headers = nothing,
  semconv = core.frozen({
    peer_service = function(name) return { ["peer.service"] = name } end,
    http_client_attrs = renamed({ method = "http.method", url = "url.full", status_code = "http.status_code" }),
    db_attrs = renamed({ system = "db.system", name = "db.name", operation = "db.operation", statement = "db.statement" }),
    net_attrs = renamed({ peer_name = "server.address", peer_port = "server.port" }),
  }, "semconv"),
}

-- Tracing is off: spans take everything and keep nothing, and the semantic conventions are plain tables, as upstream without tracing.
local core = ...

local function nothing() end

--- Span:set_attribute, Span:set_attributes, Span:add_event, Span:set_status, Span:record_error(...: any): nil -- Nothing is kept.
--- Span:finish, Span:end(): nil -- Nothing is kept.
local span = core.frozen({
  set_attribute = nothing, set_attributes = nothing, add_event = nothing, set_status = nothing, record_error = nothing,
  finish = nothing, ["end"] = nothing,
}, "span")

--- Tracer:start_span(name: string, options?: table): Span -- A span that keeps nothing.
--- Tracer:with_span(name: string, work: (fun(span: Span): any), options?: table): any ... -- Runs `work` and returns what it returns.
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
  --- is_enabled(): boolean -- Tracing is off: false.
  is_enabled = function() return false end,
  --- tracer(name: string): Tracer -- One that keeps nothing.
  --- default_tracer(): Tracer -- One that keeps nothing.
  tracer = function() return tracer end, default_tracer = function() return tracer end,
  --- baggage_set, baggage_clear, inject_headers, extract_headers(...: any): nil -- Nothing is kept.
  --- baggage_get(key: string): nil -- Nothing is kept.
  --- baggage_all(): table -- Always empty.
  baggage_set = nothing, baggage_get = function() return nil end, baggage_all = function() return {} end, baggage_clear = nothing,
  inject_headers = nothing, extract_headers = nothing,
  --- Semconv.peer_service(name: string): table -- The name of the other side as an attribute.
  --- Semconv.http_client_attrs, Semconv.db_attrs, Semconv.net_attrs(values: table): table -- Values under the names of the conventions.
  --- semconv: Semconv -- The semantic conventions.
  semconv = core.frozen({
    peer_service = function(name) return { ["peer.service"] = name } end,
    http_client_attrs = renamed({ method = "http.method", url = "url.full", status_code = "http.status_code" }),
    db_attrs = renamed({ system = "db.system", name = "db.name", operation = "db.operation", statement = "db.statement" }),
    net_attrs = renamed({ peer_name = "server.address", peer_port = "server.port" }),
  }, "semconv"),
}

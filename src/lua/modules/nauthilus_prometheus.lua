-- Series of the script's own beside the provider's. Making one raises what is wrong with it; changing one never fails a call.
local core = ...
local host, js = core.host, core.js

local made, warned = {}, {}

local function create(kind)
  return function(name, help, labels)
    local key = kind .. " " .. tostring(name)
    if made[key] then return end
    local _, err = host("metrics.create", kind, tostring(name), tostring(help), labels or {})
    if err ~= nil then error(err, 2) end
    made[key] = true
  end
end

local function change(kind, action, name, value, labels)
  local texts = {}
  for label, text in next, labels or {} do texts[tostring(label)] = tostring(text) end
  local _, err = host("metrics.change", kind, tostring(name), action, value, texts)
  if err ~= nil and not warned[err] then
    warned[err] = true
    js.log("warn", "a metric was not changed: " .. err)
  end
end

local function start_timer(kind)
  return function(name, labels) return { kind = kind, name = name, labels = labels, from = js.clock() } end
end

return {
  --- create_counter_vec, create_gauge_vec, create_histogram_vec, create_summary_vec(name: string, help: string, labels?: string[]): nil -- Makes a metric once; raises what is wrong with it.
  create_counter_vec = create("counter"), create_gauge_vec = create("gauge"),
  create_histogram_vec = create("histogram"), create_summary_vec = create("summary"),
  --- start_histogram_timer, start_summary_timer(name: string, labels?: table<string, string>): table -- Begins to measure.
  start_histogram_timer = start_timer("histogram"), start_summary_timer = start_timer("summary"),
  --- stop_timer(timer: table): nil -- Records the seconds since it began to measure.
  stop_timer = function(timer)
    if type(timer) ~= "table" or timer.from == nil then return end
    change(timer.kind, "observe", timer.name, js.clock() - timer.from, timer.labels)
  end,
  --- increment_counter, touch_counter(name: string, labels?: table<string, string>): nil -- One more; `touch`: none more, but it is shown.
  increment_counter = function(name, labels) change("counter", "add", name, 1, labels) end,
  touch_counter = function(name, labels) change("counter", "add", name, 0, labels) end,
  --- add_gauge, sub_gauge, set_gauge(name: string, value: number, labels?: table<string, string>): nil -- Changes or sets a value.
  add_gauge = function(name, value, labels) change("gauge", "add", name, value, labels) end,
  sub_gauge = function(name, value, labels) change("gauge", "add", name, -value, labels) end,
  set_gauge = function(name, value, labels) change("gauge", "set", name, value, labels) end,
  --- increment_gauge, decrement_gauge(name: string, labels?: table<string, string>): nil -- One more, one less.
  increment_gauge = function(name, labels) change("gauge", "add", name, 1, labels) end,
  decrement_gauge = function(name, labels) change("gauge", "add", name, -1, labels) end,
}

local core = ...
local host, js = core.host, core.js

return {
  unix = function() return js.unix() end,
  unix_nano = function() return js.unix() * 1e9 end,
  sleep = function(seconds) host("time.sleep", seconds) end,
  format = function(seconds, layout, zone) return js.time_format(seconds, layout or "Mon Jan 2 15:04:05 -0700 MST 2006", zone or "UTC") end,
  parse = function(text, layout, zone) return js.time_parse(text, layout, zone or "UTC") end,
}

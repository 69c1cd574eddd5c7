local core = ...
local host, js = core.host, core.js

return {
  --- unix(): number -- Seconds since 1970, with fractions.
  unix = function() return js.unix() end,
  --- unix_nano(): number -- Nanoseconds since 1970.
  unix_nano = function() return js.unix() * 1e9 end,
  --- sleep(seconds: number): nil -- Other calls go on meanwhile.
  sleep = function(seconds) host("time.sleep", seconds) end,
  --- format(seconds: number, layout?: string, zone?: string): string?, string? -- With a layout of Go, such as `2006-01-02`.
  format = function(seconds, layout, zone) return js.time_format(seconds, layout or "Mon Jan 2 15:04:05 -0700 MST 2006", zone or "UTC") end,
  --- parse(text: string, layout: string, zone?: string): number?, string? -- Seconds since 1970.
  parse = function(text, layout, zone) return js.time_parse(text, layout, zone or "UTC") end,
}

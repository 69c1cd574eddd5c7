local core = ...
local host, js = core.host, core.js

return {
  --- get_country_name(code: string): string, string? -- The name of a country by its two letters.
  get_country_name = function(code)
    local name = js.country_name(code)
    if name == nil then return "Unknown", "no country has the code " .. tostring(code) end
    return name
  end,
  --- wait_random(least: number, most: number): integer?, string? -- Waits that many milliseconds; answers how many it were.
  wait_random = function(least, most)
    least, most = tonumber(least), tonumber(most)
    if least == nil or most == nil or least < 0 or least >= most then return nil, "invalid wait range" end
    local milliseconds = math.floor(least + js.random() * (most - least))
    host("time.sleep", milliseconds / 1000)
    return milliseconds
  end,
  --- scoped_ip(...: string): string -- The last argument as it is.
  -- Addresses are not scoped here. The first of two arguments is what they would be scoped for.
  scoped_ip = function(...) return (select(select("#", ...), ...)) end,
}

local core = ...
local host, js = core.host, core.js

return {
  get_country_name = function(code)
    local name = js.country_name(code)
    if name == nil then return "Unknown", "no country has the code " .. tostring(code) end
    return name
  end,
  -- Milliseconds; answers how many it were.
  wait_random = function(least, most)
    least, most = tonumber(least), tonumber(most)
    if least == nil or most == nil or least < 0 or least >= most then return nil, "invalid wait range" end
    local milliseconds = math.floor(least + js.random() * (most - least))
    host("time.sleep", milliseconds / 1000)
    return milliseconds
  end,
  -- Addresses are not scoped here. The first of two arguments is what they would be scoped for.
  scoped_ip = function(...) return (select(select("#", ...), ...)) end,
}

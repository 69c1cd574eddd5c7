local core = ...
local js = core.js

local function encoding(is_url, is_raw)
  return core.frozen({
    encode_to_string = function(_, data) return js.base64_encode(data, is_url, is_raw) end,
    decode_string = function(_, text) return js.base64_decode(text, is_url, is_raw) end,
  }, "base64")
end

return {
  StdEncoding = encoding(false, false), URLEncoding = encoding(true, false),
  RawStdEncoding = encoding(false, true), RawURLEncoding = encoding(true, true),
}

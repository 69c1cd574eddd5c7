local core = ...
local js = core.js

--- Encoding:encode_to_string(data: string): string -- Bytes as Base64.
--- Encoding:decode_string(text: string): string?, string? -- The bytes of a Base64 text.
local function encoding(is_url, is_raw)
  return core.frozen({
    encode_to_string = function(_, data) return js.base64_encode(data, is_url, is_raw) end,
    decode_string = function(_, text) return js.base64_decode(text, is_url, is_raw) end,
  }, "base64")
end

return {
  --- StdEncoding, URLEncoding, RawStdEncoding, RawURLEncoding: Encoding -- `URL`: with `-` and `_`; `Raw`: without `=` at the end.
  StdEncoding = encoding(false, false), URLEncoding = encoding(true, false),
  RawStdEncoding = encoding(false, true), RawURLEncoding = encoding(true, true),
}

local js = (...).js

return {
  encode_to_string = function(data) return js.hex_encode(data) end,
  decode_string = function(text) return js.hex_decode(text) end,
}

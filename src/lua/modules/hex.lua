local js = (...).js

return {
  --- encode_to_string(data: string): string -- Bytes as hexadecimal digits.
  encode_to_string = function(data) return js.hex_encode(data) end,
  --- decode_string(text: string): string?, string? -- The bytes of hexadecimal digits.
  decode_string = function(text) return js.hex_decode(text) end,
}

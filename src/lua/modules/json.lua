local js = (...).js

return {
  encode = function(value) return js.json_encode(value) end,
  decode = function(text) return js.json_decode(text) end,
  tableIsObject = function(value) return value end,
}

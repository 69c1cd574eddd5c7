local js = (...).js

return {
  --- encode(value: any): string?, string? -- An empty table is `[]`; keys are sorted.
  encode = function(value) return js.json_encode(value) end,
  --- decode(text: string): any, string? -- null is nil.
  decode = function(text) return js.json_decode(text) end,
  --- tableIsObject(value: table): table -- The table as it is.
  tableIsObject = function(value) return value end,
}

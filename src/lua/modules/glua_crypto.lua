-- Digests and ciphers. Text that is not asked for raw is hexadecimal.
local js = (...).js

local RAW_DATA, ZERO_PADDING = 1, 2

local function digest(algorithm) return function(data, raw) return js.digest(algorithm, data, raw) end end

local function has(options, flag) return math.floor((tonumber(options) or 0) / flag) % 2 == 1 end

return {
  --- RAW_DATA: integer -- Flag of `encrypt` and `decrypt`: the sealed text is bytes and not hexadecimal.
  --- ZERO_PADDING: integer -- Flag of `encrypt` and `decrypt`: filled up with zeros.
  RAW_DATA = RAW_DATA, ZERO_PADDING = ZERO_PADDING,
  --- md5, sha1, sha256, sha512(data: string, raw?: boolean): string -- The digest in hexadecimal; as bytes when `raw` is true.
  md5 = digest("md5"), sha1 = digest("sha1"), sha256 = digest("sha256"), sha512 = digest("sha512"),
  --- crc32(data: string, raw?: boolean): string -- The checksum in hexadecimal; as bytes when `raw` is true.
  crc32 = function(data, raw) return js.crc32(data, raw) end,
  --- hmac(algorithm: string, data: string, key: string, raw?: boolean): string?, string? -- `md5`, `sha1`, `sha256` or `sha512`.
  hmac = function(algorithm, data, key, raw) return js.hmac(algorithm, data, key, raw) end,
  --- base64_encode, base64_url_encode(data: string): string -- Bytes as Base64.
  base64_encode = function(data) return js.base64_encode(data) end,
  --- base64_decode, base64_url_decode(text: string): string?, string? -- The bytes of a Base64 text.
  base64_decode = function(text) return js.base64_decode(text) end,
  base64_url_encode = function(data) return js.base64_encode(data, true) end,
  base64_url_decode = function(text) return js.base64_decode(text, true) end,
  --- encrypt, decrypt(data: string, method: string, key: string, flags: integer, iv: string): string?, string? -- `aes-cbc`, `des-cbc` or `des-ecb`; `flags` is a sum.
  encrypt = function(data, method, key, options, iv)
    local sealed, err = js.encrypt(data, method, key, iv, has(options, ZERO_PADDING))
    if err ~= nil then return nil, err end
    if has(options, RAW_DATA) then return sealed end
    return js.hex_encode(sealed)
  end,
  decrypt = function(data, method, key, options, iv)
    if not has(options, RAW_DATA) then
      local err
      data, err = js.hex_decode(data)
      if err ~= nil then return nil, err end
    end
    return js.decrypt(data, method, key, iv, has(options, ZERO_PADDING))
  end,
}

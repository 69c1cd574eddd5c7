-- Digests and ciphers. Text that is not asked for raw is hexadecimal.
local js = (...).js

local RAW_DATA, ZERO_PADDING = 1, 2

local function digest(algorithm) return function(data, raw) return js.digest(algorithm, data, raw) end end

local function has(options, flag) return math.floor((tonumber(options) or 0) / flag) % 2 == 1 end

return {
  RAW_DATA = RAW_DATA, ZERO_PADDING = ZERO_PADDING,
  md5 = digest("md5"), sha1 = digest("sha1"), sha256 = digest("sha256"), sha512 = digest("sha512"),
  crc32 = function(data, raw) return js.crc32(data, raw) end,
  hmac = function(algorithm, data, key, raw) return js.hmac(algorithm, data, key, raw) end,
  base64_encode = function(data) return js.base64_encode(data) end,
  base64_decode = function(text) return js.base64_decode(text) end,
  base64_url_encode = function(data) return js.base64_encode(data, true) end,
  base64_url_decode = function(text) return js.base64_decode(text, true) end,
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

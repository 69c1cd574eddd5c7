-- AES by mode: 1 is GCM, 2 is CBC, 3 is CTR.
local js = (...).js

-- Everything in and out as hexadecimal.
local function in_hex(cipher)
  return function(mode, ...)
    local values = { ... }
    for index = 1, 3 do
      local value, err = js.hex_decode(values[index])
      if err ~= nil then return nil, err end
      values[index] = value
    end
    local result, err = cipher(mode, values[1], values[2], values[3])
    if err ~= nil then return nil, err end
    return js.hex_encode(result)
  end
end

local function encrypt(mode, key, iv, data) return js.aes_encrypt(mode, key, iv, data) end
local function decrypt(mode, key, iv, data) return js.aes_decrypt(mode, key, iv, data) end

return {
  --- md5, sha256(data: string): string -- The digest in hexadecimal.
  md5 = function(data) return js.digest("md5", data) end,
  sha256 = function(data) return js.digest("sha256", data) end,
  --- aes_encrypt, aes_decrypt(mode: integer, key: string, iv: string, data: string): string?, string? -- Mode 1 is GCM, 2 CBC, 3 CTR; all are bytes.
  --- aes_encrypt_hex, aes_decrypt_hex(mode: integer, key: string, iv: string, data: string): string?, string? -- The same with everything in hexadecimal.
  aes_encrypt = encrypt, aes_decrypt = decrypt, aes_encrypt_hex = in_hex(encrypt), aes_decrypt_hex = in_hex(decrypt),
}

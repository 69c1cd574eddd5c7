-- On 32 bits, without sign: negative numbers count as their two's complement.
local WORD = 4294967296

local function word(value)
  local number = tonumber(value)
  if number == nil then error("bad argument: number expected, got " .. type(value), 3) end
  return math.floor(number) % WORD
end

-- The machine's own operators know 32 bits with a sign; by halves nothing of it shows.
local function halves(operation)
  return function(a, b)
    a, b = word(a), word(b)
    return operation(math.floor(a / 65536), math.floor(b / 65536)) * 65536 + operation(a % 65536, b % 65536)
  end
end

return {
  --- band, bor, bxor(a: number, b: number): number -- On 32 bits, without sign.
  band = halves(function(a, b) return a & b end),
  bor = halves(function(a, b) return a | b end),
  bxor = halves(function(a, b) return a ~ b end),
  --- bnot(value: number): number -- All 32 bits the other way.
  bnot = function(value) return WORD - 1 - word(value) end,
  --- lshift, rshift(value: number, count: number): number -- Shifted by that many bits; zeros come in.
  lshift = function(value, count)
    value, count = word(value), word(count)
    if count > 31 then return 0 end
    return value % 2 ^ (32 - count) * 2 ^ count
  end,
  rshift = function(value, count)
    value, count = word(value), word(count)
    if count > 31 then return 0 end
    return math.floor(value / 2 ^ count)
  end,
}

local core = ...
local host, js = core.host, core.js

return {
  --- compare_passwords(hash: string, plain: string): boolean, string? -- Whether it is the password of that hash.
  compare_passwords = function(hash, plain)
    local value, err = host("password.compare", tostring(hash), tostring(plain))
    if err ~= nil then return false, err end
    return value
  end,
  --- Policy.min_length?: integer -- Bytes.
  --- Policy.min_upper?: integer
  --- Policy.min_lower?: integer
  --- Policy.min_number?: integer
  --- Policy.min_special?: integer
  --- check_password_policy(policy: Policy, plain: string): boolean -- Whether it has enough of each.
  check_password_policy = function(policy, plain)
    local function count(class) local _, found = string.gsub(plain, class, "") return found end
    return #plain >= (policy.min_length or 0) and count("%u") >= (policy.min_upper or 0) and count("%l") >= (policy.min_lower or 0)
      and count("%d") >= (policy.min_number or 0) and count("[^%w]") >= (policy.min_special or 0)
  end,
  --- generate_password_hash(plain: string): string -- A short mark for the log, not for storing.
  generate_password_hash = function(plain) return js.short_hash(tostring(plain)) end,
}

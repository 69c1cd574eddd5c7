-- The smallest backend: one account, written here. For a first look at the contract, not for people.
local accounts = { demo = { password = "change-me", mail = "demo@example.org", name = "Demo" } }

---@param request BackendRequest
function nauthilus_backend_verify_password(request)
  local found = accounts[request.username]
  if found == nil then return nauthilus_builtin.BACKEND_RESULT_NOT_FOUND end

  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(not request.no_auth and request.password == found.password)
  b:account_field("account")
  b:display_name_field("display_name")
  b:attributes({ account = request.username, mail = found.mail, display_name = found.name })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end

function nauthilus_backend_list_accounts()
  local names = {}
  for name in pairs(accounts) do names[#names + 1] = name end
  return nauthilus_builtin.BACKEND_RESULT_OK, names
end

return {
  register_connection_target = function() end,
  get_connection_target = function() return 0 end,
}

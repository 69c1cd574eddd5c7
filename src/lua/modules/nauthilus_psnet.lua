return {
  --- register_connection_target(target: string, direction: string, description: string): nil -- Does nothing.
  register_connection_target = function() end,
  --- get_connection_target(target: string): integer -- Always 0.
  get_connection_target = function() return 0 end,
}

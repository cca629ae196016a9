-- The other name of the module systemd.
local module = builtin("systemd")
module.name = "systemd_service"
return module

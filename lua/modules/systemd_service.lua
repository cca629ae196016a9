-- The other name of the module systemd.
local module = builtin("systemd")
module.name = "systemd_service"
for _, example in ipairs(module.examples) do example[2] = example[2]:gsub('"systemd"', '"systemd_service"') end
return module

-- The elder sister of dnf: decides as it does, by the program yum.
local module = builtin("dnf", "yum")
module.name = "yum"
module.doc = "Keeps packages of Red Hat and its kin installed, up to date or away, by rpm and yum. Nothing else is needed on the host."
module.args.use_backend = { "str", default = "auto", choices = { "auto", "yum", "yum4", "dnf" },
	doc = "Has no effect: the program yum is run, whichever it is." }
module.examples = {
	{ "A web server", [[{ "yum": { "name": "httpd", "state": "present" } }]] },
	{ "All packages up to date", [[{ "yum": { "name": "*", "state": "latest" } }]] },
}
return module

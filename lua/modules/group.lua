-- Keeps a group on a host, or takes it away.

local function create(want, tools)
	local command
	if tools.groupadd then
		command = { "groupadd" }
		if want.gid then command[#command + 1], command[#command + 2] = "-g", want.gid end
		if want.gid and want.non_unique then command[#command + 1] = "-o" end
		if want.system then command[#command + 1] = "-r" end
	else
		command = { "addgroup" }
		if want.gid then command[#command + 1], command[#command + 2] = "-g", want.gid end
		if want.system then command[#command + 1] = "-S" end
	end
	command[#command + 1] = want.name
	return command
end

local function change(want, tools)
	if not tools.groupmod then fail("the gid of group %s cannot be changed: there is no groupmod on this host", want.name) end
	local command = { "groupmod", "-g", want.gid }
	if want.non_unique then command[#command + 1] = "-o" end
	command[#command + 1] = want.name
	return command
end

return {
	name = "group",
	doc = "Keeps a group on a host, or takes it away. Works with groupadd and its like, and with busybox.",
	args = {
		name = { "str", required = true, doc = "The group." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the group shall be there." },
		gid = { "int", doc = "The number it shall have." },
		["local"] = { "bool", default = false, doc = "Taken, and without effect: only groups of the host's own files are ever changed." },
		system = { "bool", default = false, doc = "A new group gets a number from the range for the system." },
		non_unique = { "bool", default = false, doc = "Lets the group have a gid that another has. Needs gid." },
	},
	required_if = { { "non_unique", true, { "gid" } } },
	returns = {
		name = { "str", doc = "The group." },
		state = { "str", doc = "What state was wanted." },
		gid = { "int", doc = "Its number, where it is there." },
		system = { "bool", doc = "As it was given." },
	},
	examples = {
		{ "A group for those who deploy", [[{ "group": { "name": "deploy" } }]] },
		{ "A group of the system with a number of its own", [[{ "group": { "name": "backup2", "gid": 850, "system": true } }]] },
	},
	decide = function(want, known)
		local old = known:group(want.name)
		local tools_run = known:run{ sh = "for t in groupadd groupmod groupdel addgroup delgroup; do command -v $t >/dev/null && echo $t; done; :" }
		need(old, tools_run)
		local tools = {}
		for _, name in ipairs(text.split(tools_run.stdout, "\n")) do tools[name] = true end
		result.name, result.state = want.name, want.state
		local command
		if want.state == "absent" then
			if not old then return end
			command = { tools.groupdel and "groupdel" or "delgroup", want.name }
		else
			result.system = want.system
			if old then result.gid = old.gid end
			if old and (not want.gid or want.gid == old.gid) then return end
			command = old and change(want, tools) or create(want, tools)
			result.gid = want.gid or result.gid
		end
		need(step.run(command))
		if want.state == "present" and not want.gid then
			local new = need(known:group(want.name))
			result.gid = new and new.gid
		end
	end,
}

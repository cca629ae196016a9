-- Keeps a kernel parameter at a value: in a file for the next start, and in the running kernel.

local words = { y = "1", yes = "1", on = "1", t = "1", ["true"] = "1", n = "0", no = "0", off = "0", f = "0", ["false"] = "0" }

-- One space between numbers, as the kernel does not tell tabs from spaces; and words for yes and no as numbers.
local function squeeze(value)
	return words[value:lower()] or (text.trim(value):gsub("%s+", " "))
end

-- The value that a line of a sysctl file gives a key, or nil. A leading "-" says that errors do not matter.
local function value_in(line, name)
	local key, value = line:match("^%s*%-?%s*([^#;=%s][^=]-)%s*=%s*(.-)%s*$")
	if key and key:gsub("/", ".") == name:gsub("/", ".") then return value end
end

-- The file's text with the one line that is wanted in place of all that are there for the key.
local function edit(want, content, value)
	local kept, placed = {}, want.state == "absent"
	for _, line in ipairs(text.lines(content)) do
		if not value_in(line, want.name) then
			kept[#kept + 1] = line
		elseif not placed then
			placed = true
			local same = squeeze(value_in(line, want.name)) == value
			kept[#kept + 1] = same and line or want.name .. "=" .. value .. "\n"
		end
	end
	if not placed then
		if #kept > 0 and not text.ends(kept[#kept], "\n") then kept[#kept] = kept[#kept] .. "\n" end
		kept[#kept + 1] = want.name .. "=" .. value .. "\n"
	end
	return table.concat(kept)
end

return {
	name = "sysctl",
	collection = "ansible.posix",
	doc = "Keeps a kernel parameter at a value, in a file for the next start and, if wanted, in the running kernel.",
	args = {
		name = { "str", required = true, aliases = { "key" }, doc = "The parameter, e.g. net.ipv4.ip_forward." },
		value = { "str", aliases = { "val" }, doc = "The value it shall have. Required for state present." },
		state = { "str", default = "present", choices = { "present", "absent" }, doc = "Whether the file shall have the parameter." },
		sysctl_file = { "path", default = "/etc/sysctl.conf", doc = "The file that keeps the value over a restart." },
		sysctl_set = { "bool", default = false, doc = "Sets the value in the running kernel by sysctl -w as well." },
		reload = { "bool", default = true, doc = "Has the kernel read the file again, by sysctl -p, when it has changed." },
		ignoreerrors = { "bool", default = false, doc = "Goes on where the kernel does not know a key, by sysctl -e." },
	},
	required_if = { { "state", "present", { "value" } } },
	examples = {
		{ "This host forwards packets", [[
{ "sysctl": { "name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true } }]] },
		{ "A value in a file of its own", [[
{ "sysctl": { "name": "vm.swappiness", "value": "10", "sysctl_file": "/etc/sysctl.d/60-swap.conf" } }]] },
	},
	decide = function(want, known)
		local value = squeeze(want.value or "")
		if text.trim(want.name) == "" then fail("name cannot be blank") end
		if want.state == "present" and value == "" then fail("value cannot be blank") end
		local live = not want.sysctl_set or known:run{ "sysctl", "-n", want.name }
		local stat, before = file.load(known, want.sysctl_file)
		need(live)
		local after = edit(want, before or "", value)
		local in_file = after ~= (before or "")
		local in_kernel = want.sysctl_set and want.state == "present" and squeeze(live.stdout) ~= value
		local function sysctl(option, argument)
			need(step.run{ "sysctl", option, argument, want.ignoreerrors and "-e" or nil })
		end
		if in_kernel then sysctl("-w", want.name .. "=" .. value) end -- a value that the kernel refuses is not written down
		if in_file then need(file.save(known, { path = want.sysctl_file }, stat, before, after)) end
		if in_file and want.reload then sysctl("-p", want.sysctl_file) end
	end,
}

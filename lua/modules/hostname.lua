-- Sets the name of a host, now and for the next start.

-- The name in a file: its first line that is no comment.
local function name_in(content)
	for _, line in ipairs(text.lines(content or "")) do
		line = text.trim(line)
		if line ~= "" and line:sub(1, 1) ~= "#" then return line end
	end
end

return {
	name = "hostname",
	doc = "Sets the name of a host: in /etc/hostname for the next start, and in the running kernel.",
	args = {
		name = { "str", required = true, doc = "The name, short or full." },
		use = { "str", choices = { "systemd", "debian", "alpine", "generic" },
			doc = "How the name is set: systemd by hostnamectl, the others by /etc/hostname and hostname(1). "
				.. "By default hostnamectl where systemd runs." },
	},
	returns = {
		name = { "str", doc = "The name." },
		ansible_facts = { "dict", doc = "ansible_hostname, ansible_nodename, ansible_fqdn and ansible_domain." },
	},
	examples = {
		{ "This host is called web1", [[{ "hostname": { "name": "web1.example.org" } }]] },
	},
	decide = function(want, known)
		local live = known:run{ "uname", "-n" }
		local file = known:read("/etc/hostname")
		local systemd = known:run{ sh = "[ -d /run/systemd/system ] && command -v hostnamectl" }
		need(live, file, systemd)
		local short, domain = want.name:match("^([^.]*)%.?(.*)$")
		result.name = want.name
		result.ansible_facts = {
			ansible_hostname = short, ansible_nodename = want.name, ansible_fqdn = want.name, ansible_domain = domain,
		}
		local by_systemd = want.use == "systemd" or not want.use and systemd.ok
		local kept = name_in(file) == want.name
		local now = live.stdout == want.name
		if kept and now then return end
		diff("hostname", { hostname = name_in(file) or live.stdout }, { hostname = want.name })
		if by_systemd then
			need(step.run{ "hostnamectl", "set-hostname", want.name })
			return
		end
		if not kept then step.put{ path = "/etc/hostname", content = want.name .. "\n", mode = not file and "0644" or nil } end
		if not now then need(step.run{ "hostname", want.name, touches = "/proc/sys/kernel" }) end
	end,
}

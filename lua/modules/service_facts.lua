-- Tells which services a host has and how they are, as the fact services.

-- One round asks all of systemd, OpenRC, System V and chkconfig, whichever are there; a line with @ begins each part.
local question = [[
LC_ALL=C; export LC_ALL
if command -v rc-status >/dev/null && command -v rc-update >/dev/null; then
	echo @openrc; rc-status -a -s -m 2>&1 | grep '^ ' | tr -d '[]'
	echo @runlevels; rc-update show -v 2>&1 | grep '|'
elif command -v chkconfig >/dev/null; then
	echo @chkconfig
	chkconfig --list 2>/dev/null | while read -r name levels; do
		case $levels in *:on*|*:off*) ;; *) continue ;; esac
		service "$name" status >/dev/null 2>&1 && state=running || state=stopped
		echo "$name $state $levels"
	done
elif command -v service >/dev/null; then
	echo @sysv; service --status-all 2>/dev/null
fi
if grep -q systemd /proc/1/comm 2>/dev/null && command -v systemctl >/dev/null; then
	echo @units; systemctl list-units --no-pager --type service --all
	echo @files; systemctl list-unit-files --no-pager --type service --all
	echo @states; systemctl list-unit-files --no-pager --no-legend --type service --all | while read -r name rest; do
		case $name in *@.service) echo "$name"; continue ;; esac
		echo "$name $(systemctl show "$name" --property=ActiveState)"
	done
fi
:]]

-- The parts by name, each a list of lines.
local function parts_of(output)
	local parts, part = {}, nil
	for _, line in ipairs(text.split(output, "\n")) do
		local name = line:match("^@(%l+)$")
		if name then
			part = {}
			parts[name] = part
		elseif part then
			part[#part + 1] = line
		end
	end
	return parts
end

local function add_sysv(services, lines)
	for _, line in ipairs(lines) do
		local sign, name = line:match("^%s*%[ ([+-]) %]%s+(.+)$")
		if name then services[name] = { name = name, state = sign == "+" and "running" or "stopped", source = "sysv" } end
	end
end

local function add_chkconfig(services, lines)
	for _, line in ipairs(lines) do
		local name, state, levels = line:match("^(%S+) (%l+) (.*)$")
		if name then
			services[name] = { name = name, state = state, status = levels:find("3:on") and "enabled" or "disabled", source = "sysv" }
		end
	end
end

local function add_openrc(services, lines, level_lines)
	local runlevels = {}
	for _, line in ipairs(level_lines) do
		local name, levels = line:match("^%s*(.-)%s*|%s*(.-)%s*$")
		if name then runlevels[name] = levels ~= "" and list(text.split(levels)) or null end
	end
	for _, line in ipairs(lines) do
		local words = text.split(line)
		if words[2] then
			services[words[1]] = { name = words[1], runlevels = runlevels[words[1]] or null, state = words[2], source = "openrc" }
		end
	end
end

local bad_states = { ["not-found"] = true, masked = true, failed = true }

-- The units that systemd has in memory: "● name load active sub description", the mark only where something is wrong.
local function add_units(services, lines)
	for _, line in ipairs(lines) do
		if line:find(".service", 1, true) then
			local words, status = text.split(line), nil
			if not words[1]:find("%w") then table.remove(words, 1) end
			for i = 2, 4 do
				if words[i] and bad_states[words[i]] and not status then status = words[i] end
			end
			services[words[1]] = {
				name = words[1], state = words[4] == "running" and "running" or "stopped", status = status or words[3], source = "systemd",
			}
		end
	end
end

local function add_files(services, lines, state_lines)
	local states = {}
	for _, line in ipairs(state_lines) do
		local name, state = line:match("^(%S+) ActiveState=(%S*)")
		if name then states[name] = state end
	end
	for _, line in ipairs(lines) do
		local words = text.split(line)
		if words[2] and words[1]:find(".service", 1, true) then
			local service = services[words[1]]
			if not service then
				services[words[1]] = { name = words[1], state = states[words[1]] or "unknown", status = words[2], source = "systemd" }
			elseif not bad_states[service.status] then
				service.status = words[2]
			end
		end
	end
end

local function service_facts(_, known)
	local answer = need(known:run{ sh = question })
	local parts, services = parts_of(answer.stdout), {}
	add_sysv(services, parts.sysv or {})
	add_chkconfig(services, parts.chkconfig or {})
	add_openrc(services, parts.openrc or {}, parts.runlevels or {})
	add_units(services, parts.units or {})
	add_files(services, parts.files or {}, parts.states or {})
	local any = false
	for _ in pairs(services) do any = true end
	if not any then
		skip("Failed to find any services. This can be due to privileges or some other configuration issue.")
	end
	result.ansible_facts = { services = services }
end

return {
	name = "service_facts",
	doc = "Tells which services a host has and how they are, as the fact services, by systemd, OpenRC and System V's scripts.",
	args = {},
	returns = {
		ansible_facts = { "dict", doc = "services: by name, dictionaries with name, state, source and, where it is known, status or runlevels." },
	},
	examples = {
		{ "Services as facts", [[{ "service_facts": {} }]] },
	},
	decide = service_facts,
}

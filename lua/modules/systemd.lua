-- Starts, stops, enables and masks units of systemd, and has it read its unit files again.

-- systemctl's words in the scope that is wanted. For --user, systemctl must know where the user's manager listens.
local function systemctl(want, ...)
	local words = { "systemctl" }
	if want.scope ~= "system" then words[#words + 1] = "--" .. want.scope end
	if want.no_block then words[#words + 1] = "--no-block" end
	if want.force then words[#words + 1] = "--force" end
	for _, word in ipairs{ ... } do words[#words + 1] = word end
	if want.scope == "system" then return words end
	return { sh = 'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"; exec ' .. text.words(words) }
end

-- What `systemctl show` says, as keys. An Exec line's value may go on over lines until its brace is closed.
local function parse_show(output)
	local status, key, value = {}, nil, nil
	for _, line in ipairs(text.split(output, "\n")) do
		if key then
			value = value .. "\n" .. line
		else
			key, value = line:match("^([^=]*)=(.*)$")
		end
		local open = key and text.starts(key, "Exec") and value:find("^%s*{") and not value:find("}%s*$")
		if key and not open then
			status[key] = text.trim(value)
			key = nil
		end
	end
	return status
end

local function was_ignored(output)
	return not output:find("=", 1, true) and (output:find("ignoring request", 1, true) or output:find("ignoring command", 1, true))
end

-- All that is asked about a unit, in one round.
local function look(want, known)
	local show = known:run(systemctl(want, "show", want.name))
	local enabled = known:run(systemctl(want, "is-enabled", want.name, "-l"))
	local listed = known:run(systemctl(want, "list-unit-files", want.name))
	local script = known:stat("/etc/init.d/" .. want.name, { follow = true })
	local links = known:glob("/etc/rc?.d/S??" .. want.name)
	need(show, enabled, listed, script, links)
	if show.rc == 127 then fail("there is no systemctl on this host: systemd does not manage it") end
	local seen = { enabled = enabled, script = script.exists, links = #links > 0, status = {} }
	if show.ok and not was_ignored(show.stdout) and not was_ignored(show.stderr) then
		seen.status = parse_show(show.raw)
		local load = seen.status.LoadState
		seen.unit = load ~= nil and load ~= "not-found"
		seen.error = seen.unit and load ~= "masked" and seen.status.LoadError
	else
		local words = " enabled enabled-runtime linked linked-runtime masked masked-runtime static indirect disabled generated transient "
		seen.unit = enabled.stdout ~= "" and words:find(" " .. enabled.stdout .. " ", 1, true) ~= nil or listed.ok
	end
	seen.found = seen.unit or seen.script
	return seen
end

local function is_enabled(want, seen)
	local said = seen.enabled.stdout
	if seen.enabled.ok then return said ~= "indirect" and said ~= "alias" end
	return seen.enabled.rc == 1 and want.scope == "system" and seen.script and not text.ends(said, "disabled") and seen.links
end

-- The verb that brings a unit to the state that is wanted, or nil.
local function state_verb(want, status)
	local running = status.ActiveState == "active" or status.ActiveState == "activating"
	if want.state == "started" then return not running and "start" or nil end
	if want.state == "stopped" then return (running or status.ActiveState == "deactivating") and "stop" or nil end
	return not running and "start" or want.state:gsub("ed$", "")
end

-- The verbs that are to be done, in order; what stands against them is the second value.
local function plan(want, seen)
	local verbs = {}
	local missing = not seen.found and ("Could not find the requested service %s: host"):format(want.name) or nil
	if want.masked ~= nil and want.masked ~= (seen.enabled.stdout == "masked") then
		verbs[1] = want.masked and "mask" or "unmask"
	end
	if want.enabled ~= nil then
		if missing then return verbs, missing end
		if want.enabled ~= is_enabled(want, seen) then verbs[#verbs + 1] = want.enabled and "enable" or "disable" end
	end
	if want.state then
		if missing then return verbs, missing end
		if not seen.status.ActiveState then return verbs, "Service is in unknown state" end
		verbs[#verbs + 1] = state_verb(want, seen.status)
	end
	return verbs
end

-- Has systemd read its files again before anything else. In check mode nothing is known behind that, so what is known
-- now says whether there would be a change.
local function reload(want, known)
	if not want.daemon_reload and not want.daemon_reexec then return end
	local likely = want.name and #plan(want, look(want, known)) > 0
	local done = true
	for _, verb in ipairs{ want.daemon_reload and "daemon-reload" or "", want.daemon_reexec and "daemon-reexec" or "" } do
		if verb ~= "" then
			local words = systemctl(want, verb)
			words.changes, words.may_fail = false, true
			done = step.run(words)
			if not done and likely then changed() end
			if not need(done).ok then fail("failure %d during %s: %s", done.rc, verb, done.stderr) end
		end
	end
end

local failures = {
	mask = false, unmask = false,
	enable = "Unable to enable service %s: %s", disable = "Unable to disable service %s: %s",
}

local function act(want, seen, verb)
	local words = systemctl(want, verb, want.name)
	words.may_fail = true
	local done = need(step.run(words))
	if done.ok then return end
	if failures[verb] == false then
		if not seen.found then fail("Could not find the requested service %s: host", want.name) end
		return
	end
	fail{ msg = (failures[verb] or "Unable to " .. verb .. " service %s: %s"):format(want.name, done.stdout .. done.stderr), rc = done.rc }
end

local function systemd(want, known)
	result.name = want.name or null
	result.status = {}
	if want.name and want.name:find("[*?%[]") then
		fail("This module does not currently support using glob patterns, found '%s' in service name: %s",
			want.name:match("[*?%[]"), want.name)
	end
	reload(want, known)
	if not want.name then return end
	local seen = look(want, known)
	result.status = seen.status
	if seen.error then fail("Error loading unit file '%s': %s", want.name, seen.error) end
	if seen.script and not seen.unit then
		warn("The service (" .. want.name .. ") is actually an init script but the system is managed by systemd")
	end
	local verbs, fault = plan(want, seen)
	if want.enabled ~= nil then result.enabled = want.enabled end
	if want.state then result.state = (want.state == "restarted" or want.state == "reloaded") and "started" or want.state end
	if #verbs > 0 then changed() end
	for _, verb in ipairs(verbs) do
		if verb == "enable" or verb == "disable" then
			diff(want.name, { enabled = not want.enabled }, { enabled = want.enabled })
		end
		act(want, seen, verb)
	end
	if fault then fail("%s", fault) end
end

return {
	name = "systemd",
	doc = "Starts, stops, restarts, enables and masks units of systemd, and has it read its unit files again.",
	args = {
		name = { "str", aliases = { "service", "unit" }, doc = "The unit; without a suffix it is a service." },
		state = { "str", choices = { "reloaded", "restarted", "started", "stopped" },
			doc = "started and stopped change only what is not so; restarted and reloaded always act." },
		enabled = { "bool", doc = "Whether it shall start with the host." },
		masked = { "bool", doc = "Whether it shall be impossible to start." },
		force = { "bool", doc = "Overwrites links that are in the way." },
		daemon_reload = { "bool", default = false, aliases = { "daemon-reload" },
			doc = "Has systemd read its unit files again, before anything else." },
		daemon_reexec = { "bool", default = false, aliases = { "daemon-reexec" }, doc = "Has systemd start itself again, before anything else." },
		scope = { "str", default = "system", choices = { "system", "user", "global" }, doc = "Whose manager: the system's, the user's, all users'." },
		no_block = { "bool", default = false, doc = "Does not wait until what was asked for is done." },
	},
	required_one_of = { { "state", "enabled", "masked", "daemon_reload", "daemon_reexec" } },
	required_by = { { "state", { "name" } }, { "enabled", { "name" } }, { "masked", { "name" } } },
	returns = {
		name = { "str", doc = "The unit." },
		state = { "str", doc = "The state it has now, if one was wanted." },
		enabled = { "bool", doc = "Whether it starts with the host, if that was wanted." },
		status = { "dict", doc = "What `systemctl show` said of it before." },
	},
	examples = {
		{ "A unit file is new: read it, start the service now and with the host", [[
{ "systemd": { "name": "tides", "daemon_reload": true, "enabled": true, "state": "started" } }]] },
		{ "A service that cannot be started", [[{ "systemd": { "name": "rpcbind", "masked": true, "state": "stopped" } }]] },
		{ "A timer of the user's own", [[{ "systemd": { "name": "backup.timer", "scope": "user", "state": "started" } }]] },
	},
	decide = systemd,
}

-- Starts, stops, restarts and enables a service: by systemd, OpenRC or System V's scripts, whichever the host has.

-- One question finds out which of them is there and how the service is.
local question = [[
name=%s runlevel=%s
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
	echo manager=systemd
elif command -v rc-service >/dev/null; then
	echo manager=openrc
	[ -e "/etc/init.d/$name" ] && echo LoadState=loaded || echo LoadState=not-found
	rc-service "$name" status >/dev/null 2>&1 && echo ActiveState=active || echo ActiveState=inactive
	rc-update show "$runlevel" 2>/dev/null | grep -q "^ *$name " && echo UnitFileState=enabled || echo UnitFileState=disabled
else
	echo manager=sysv
	[ -e "/etc/init.d/$name" ] && echo LoadState=loaded || echo LoadState=not-found
	if command -v service >/dev/null; then service "$name" status; else "/etc/init.d/$name" status; fi >/dev/null 2>&1 &&
		echo ActiveState=active || echo ActiveState=inactive
	set -- /etc/rc[2345].d/S*"$name"
	[ -e "$1" ] && echo UnitFileState=enabled || echo UnitFileState=disabled
fi]]

local function state_of(want, known)
	local answer = need(known:run{ sh = question:format(quote(want.name), quote(want.runlevel)) })
	local state = {}
	for _, line in ipairs(text.split(answer.stdout, "\n")) do
		local key, value = line:match("^(%w+)=(.*)$")
		if key then state[key] = value end
	end
	if not state.manager then fail("no manager of services was found: %s", answer.stderr) end
	return state
end

local function command(want, manager, verb)
	if manager == "openrc" then return { "rc-service", want.name, verb } end
	return { sh = ("if command -v service >/dev/null; then exec service %s %s %s; fi; exec /etc/init.d/%s %s %s"):format(
		quote(want.name), verb, want.arguments or "", quote(want.name), verb, want.arguments or "") }
end

local function enable_command(want, manager)
	local name, on = want.name, want.enabled
	if manager == "openrc" then return { "rc-update", on and "add" or "delete", name, want.runlevel } end
	return { sh = ("if command -v update-rc.d >/dev/null; then update-rc.d %s defaults && exec update-rc.d %s %s; fi; exec chkconfig %s %s"):format(
		quote(name), quote(name), on and "enable" or "disable", quote(name), on and "on" or "off") }
end

-- What to do for the state that is wanted: verbs in order.
local function verbs(want, running)
	if want.state == "started" and not running then return { "start" } end
	if want.state == "stopped" and running then return { "stop" } end
	if want.state == "restarted" then
		if not running then return { "start" } end
		return want.sleep and { "stop", "start" } or { "restart" }
	end
	if want.state == "reloaded" then return { running and "reload" or "start" } end
	return {}
end

-- On a host of systemd's, the module systemd decides.
local function by_systemd(want, known)
	for _, name in ipairs{ "sleep", "arguments" } do
		if want[name] then warn(('Ignoring "%s" as it is not used in "systemd"'):format(name)) end
	end
	builtin("systemd").decide({
		name = want.name, state = want.state, enabled = want.enabled,
		scope = "system", daemon_reload = false, daemon_reexec = false, no_block = false,
	}, known)
end

local function service(want, known)
	local state = state_of(want, known)
	if state.manager == "systemd" then return by_systemd(want, known) end
	if state.LoadState == "not-found" then fail("Could not find the requested service %s: host", want.name) end
	local running = state.ActiveState == "active"
	local enabled = state.UnitFileState == "enabled"
	result.name = want.name
	if want.state then result.state = want.state == "stopped" and "stopped" or "started" end
	if want.enabled ~= nil then
		result.enabled = want.enabled
		if want.enabled ~= enabled then
			diff(want.name, { enabled = enabled }, { enabled = want.enabled })
			step.run(enable_command(want, state.manager))
		end
	end
	for i, verb in ipairs(verbs(want, running)) do
		if i > 1 and want.sleep then step.wait(want.sleep) end
		step.run(command(want, state.manager, verb))
	end
end

return {
	name = "service",
	doc = "Starts, stops, restarts, reloads and enables a service, by systemd, OpenRC or System V's scripts, whichever the host has.",
	args = {
		name = { "str", required = true, doc = "The service." },
		state = { "str", choices = { "reloaded", "restarted", "started", "stopped" },
			doc = "started and stopped change only what is not so; restarted and reloaded always act." },
		enabled = { "bool", doc = "Whether it shall start with the host." },
		sleep = { "int", doc = "Seconds between stop and start of a restart. systemd needs none." },
		arguments = { "str", aliases = { "args" }, doc = "More words for a System V script." },
		runlevel = { "str", default = "default", doc = "OpenRC's runlevel for enabled." },
	},
	required_one_of = { { "state", "enabled" } },
	returns = {
		name = { "str", doc = "The service." },
		state = { "str", doc = "started or stopped." },
		enabled = { "bool", doc = "As it was given." },
		status = { "dict", doc = "What `systemctl show` said of it before, on a host of systemd's." },
	},
	examples = {
		{ "The web server runs, now and after a restart", [[{ "service": { "name": "nginx", "state": "started", "enabled": true } }]] },
		{ "A handler that has it read its configuration again", [[{ "service": { "name": "nginx", "state": "reloaded" } }]] },
	},
	decide = service,
}

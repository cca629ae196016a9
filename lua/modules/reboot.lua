-- Restarts a host and waits until it is back: the connection is lost, made again, and the host asked whether it has started anew.

-- The command and where it is; shutdown's on most systems, reboot where there is no shutdown.
local find = [[
PATH=%s
export PATH
if [ -n %s ]; then command -v %s; else command -v shutdown || command -v reboot; fi]]

-- The words of a restart by a program that was found.
local function restart_words(want, program)
	if file.name(program) ~= "shutdown" then return quote(program) end
	local minutes = math.max(want.pre_reboot_delay, 0) // 60
	return ("%s -r %d %s"):format(quote(program), minutes, quote(want.msg))
end

local function restart_command(want, known)
	local given, rest = (want.reboot_command or ""):match("^(%S*)%s*(.*)$")
	if given:sub(1, 1) == "/" then return want.reboot_command end
	local found = need(known:run{ sh = find:format(quote(table.concat(want.search_paths, ":")), quote(given), quote(given)) })
	if found.stdout == "" then
		fail('Unable to find command "%s" in search paths: %s', given ~= "" and given or "shutdown", table.concat(want.search_paths, ", "))
	end
	if given ~= "" then return quote(found.stdout) .. " " .. rest end
	return restart_words(want, found.stdout)
end

-- Fails, and tells how far it came.
local function give_up(...)
	changed(false)
	result.msg = string.format(...)
	fail(result)
end

local function reboot(want, known)
	local before = known:run{ sh = want.boot_time_command }
	local command = restart_command(want, known)
	need(before)
	if not before.ok then
		fail("reboot: failed to get host boot time info, rc: %d, stdout: %s, stderr: %s", before.rc, before.stdout, before.stderr)
	end
	result.rebooted, result.elapsed = true, 0
	local started = step.run{ sh = command, ends_connection = true, may_fail = true }
	if started and text.starts(started.how, "exit status") and not started.ok then
		result.rebooted = false
		give_up("Reboot command failed. Error was: '%s, %s'", started.stdout, started.stderr)
	end
	need(started)
	local timeout = math.max(want.reboot_timeout, 1)
	local back = need(step.reconnect{
		sh = want.boot_time_command, differs = text.trim(before.stdout), timeout = timeout,
		delay = math.max(want.post_reboot_delay, 0), connect_timeout = want.connect_timeout or 0,
	})
	result.elapsed = back.elapsed
	if not back.ok then give_up("Timed out waiting for last boot time check (timeout=%d)", timeout) end
	local ready = need(step.reconnect{
		sh = want.test_command, timeout = timeout, keep = true, connect_timeout = want.connect_timeout or 0,
	})
	result.elapsed = back.elapsed + ready.elapsed
	if not ready.ok then give_up("Timed out waiting for post-reboot test command (timeout=%d)", timeout) end
end

return {
	name = "reboot",
	doc = "Restarts a host and waits until it is back and a command works there.",
	args = {
		reboot_command = { "str", doc = "What restarts the host, with its arguments; shutdown -r by default, or reboot where there is none." },
		search_paths = { "list", elements = "str", default = { "/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin" },
			doc = "Where that command is looked for, unless it is a whole path." },
		msg = { "str", default = "Reboot initiated by Ansible", doc = "What users on the host are told." },
		pre_reboot_delay = { "int", default = 0, aliases = { "pre_reboot_delay_sec" },
			doc = "Seconds until the restart, in whole minutes." },
		post_reboot_delay = { "int", default = 0, aliases = { "post_reboot_delay_sec" },
			doc = "Seconds after the restart before the first try to connect." },
		reboot_timeout = { "int", default = 600, aliases = { "reboot_timeout_sec" },
			doc = "Seconds that the host has to come back, and then again for the test to succeed." },
		connect_timeout = { "int", aliases = { "connect_timeout_sec" }, doc = "Seconds that one try to connect may take; as configured by default." },
		test_command = { "str", default = "whoami", doc = "What must work on the host afterwards." },
		boot_time_command = { "str", default = "cat /proc/sys/kernel/random/boot_id",
			doc = "What says something else after a restart than before." },
	},
	returns = {
		rebooted = { "bool", doc = "Whether the host was restarted." },
		elapsed = { "int", doc = "Seconds from the restart until the host was back." },
	},
	examples = {
		{ "Restart, where a new kernel waits for it", [[{ "reboot": { "reboot_timeout": 900 }, "when": "kernel.changed" }]] },
	},
	decide = reboot,
}

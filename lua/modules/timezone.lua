-- Sets the time zone of a host, and whether its hardware clock is in it.

-- Where the zone's rules are.
local function rules(name) return "/usr/share/zoneinfo/" .. name end

-- The third line of /etc/adjtime.
local function clock_in(content)
	local line = text.lines(content or "")[3]
	return line and text.trim(line) == "LOCAL" and "local" or "UTC"
end

local function adjtime(content, hwclock)
	local lines = text.lines(content or "")
	local word = hwclock == "local" and "LOCAL\n" or "UTC\n"
	if #lines < 3 then lines = { "0.0 0 0.0\n", "0\n" } end
	lines[3] = word
	return table.concat(lines)
end

-- /etc/localtime leads to the rules of the zone; Debian keeps its name in /etc/timezone as well.
local function by_files(want, known)
	local link, written = known:stat("/etc/localtime"), known:read("/etc/timezone")
	local zone = want.name and known:stat(rules(want.name), { follow = true })
	local clock = known:read("/etc/adjtime")
	need(link, written, zone == nil and want.name and zone or true, clock)
	local is = link.target and link.target:match("zoneinfo/(.+)$") or text.trim(written or "")
	if want.name then
		if zone.type ~= "file" then fail("%s is not a known time zone on this host: there is no %s", want.name, rules(want.name)) end
		if is ~= want.name then diff("timezone", { name = is }, { name = want.name }) end
		if link.target ~= rules(want.name) and link.target ~= ".." .. rules(want.name) then
			step.link{ path = "/etc/localtime", target = rules(want.name), replace = true }
		end
		if written and text.trim(written) ~= want.name then step.put{ path = "/etc/timezone", content = want.name .. "\n" } end
	end
	if want.hwclock and clock_in(clock) ~= want.hwclock then
		diff("timezone", { hwclock = clock_in(clock) }, { hwclock = want.hwclock })
		step.put{ path = "/etc/adjtime", content = adjtime(clock, want.hwclock) }
	end
end

local function status(answer, key)
	return ("\n" .. answer.stdout):match("\n%s*" .. key .. "%s*:?=?%s*([^%s(]+)")
end

-- systemd's own program keeps all places in step.
local function by_timedatectl(want, answer, zones)
	local zone, in_local = status(answer, "Time zone"), status(answer, "RTC in local TZ") == "yes"
	if want.name and zone ~= want.name then
		if not ("\n" .. zones.stdout .. "\n"):find("\n" .. want.name .. "\n", 1, true) then
			fail("given timezone \"%s\" is not available", want.name)
		end
		diff("timezone", { name = zone }, { name = want.name })
		step.run{ "timedatectl", "set-timezone", want.name, touches = "/etc" }
	end
	if want.hwclock and in_local ~= (want.hwclock == "local") then
		diff("timezone", { hwclock = in_local and "local" or "UTC" }, { hwclock = want.hwclock })
		step.run{ "timedatectl", "set-local-rtc", want.hwclock == "local" and "yes" or "no", touches = "/etc" }
	end
end

return {
	name = "timezone",
	collection = "community.general",
	doc = "Sets the time zone of a host, by timedatectl where systemd runs and in /etc/localtime elsewhere.",
	args = {
		name = { "str", doc = "The zone, e.g. Europe/Vienna." },
		hwclock = { "str", aliases = { "rtc" }, choices = { "local", "UTC" }, doc = "The time of the hardware clock." },
	},
	required_one_of = { { "hwclock", "name" } },
	examples = {
		{ "Universal time", [[{ "timezone": { "name": "Etc/UTC" } }]] },
	},
	decide = function(want, known)
		local answer = known:run{ "timedatectl", "status", env = { LC_ALL = "C" } }
		local zones = want.name and known:run{ "timedatectl", "list-timezones", "--no-pager" }
		need(answer)
		if not answer.ok then return by_files(want, known) end
		if want.name then need(zones) end
		by_timedatectl(want, answer, zones)
	end,
}

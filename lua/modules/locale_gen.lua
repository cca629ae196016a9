-- Keeps a locale generated on a host of Debian's family, or takes it away.

local list, local_list = "/etc/locale.gen", "/var/lib/locales/supported.d/local"

-- Names as `locale -a` and people write them: de_AT.utf8 is de_AT.UTF-8.
local function plain(name)
	return (name:gsub("%.[^@]*", function(charset) return charset:lower():gsub("[-_]", "") end))
end

local function is_there(name, output)
	for _, line in ipairs(text.split(output, "\n")) do
		if plain(line) == plain(name) then return true end
	end
	return false
end

-- The lines with the locale's own line in force, or behind a #; false if there is none for it.
local function switched(lines, name, is_on)
	local found, out = false, {}
	for i, line in ipairs(lines) do
		local before, locale, charset = line:match("^(#?%s*)(%S+_%S+)(%s+%S+%s*)$")
		found = found or locale == name
		local is_so = locale ~= name or (before == "") == is_on
		out[i] = is_so and line or (is_on and "" or "# ") .. locale .. charset
	end
	return found, table.concat(out)
end

-- Ubuntu's locale-gen keeps a list of its own, to which it adds what it is given.
local function on_ubuntu(want, known, is_on)
	local supported, kept = need(known:read("/usr/share/i18n/SUPPORTED"), known:read(local_list))
	if not switched(text.lines(supported or ""), want.name, true) then fail("The locale you've entered is not available on your system.") end
	return function()
		if is_on then return step.run{ "locale-gen", want.name } end
		local left = {}
		for _, line in ipairs(text.lines(kept or "")) do
			if line:match("^%S+") ~= want.name then left[#left + 1] = line end
		end
		if kept and kept ~= table.concat(left) then step.put{ path = local_list, content = table.concat(left) } end
		step.run{ "locale-gen", "--purge" }
	end
end

local function on_debian(want, known, is_on)
	local content = need(known:read(list))
	if not content then
		fail("/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package \"locales\" installed?")
	end
	local found, after = switched(text.lines(content), want.name, is_on)
	if not found then fail("The locale you've entered is not available on your system.") end
	return function()
		if after ~= content then
			diff(list, content, after)
			step.put{ path = list, content = after }
		end
		step.run{ "locale-gen" }
	end
end

return {
	name = "locale_gen",
	collection = "community.general",
	doc = "Keeps a locale generated on a host of Debian's family, or takes it away.",
	args = {
		name = { "str", required = true, doc = "The locale with its encoding, e.g. de_AT.UTF-8." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be there." },
	},
	returns = {
		name = { "str", doc = "The locale." },
		msg = { "str", doc = "OK." },
	},
	examples = {
		{ "German as Austrians write it", [[{ "locale_gen": { "name": "de_AT.UTF-8" } }]] },
	},
	decide = function(want, known)
		local lists, there = need(known:type("/var/lib/locales/supported.d"), known:run{ "locale", "-a" })
		local is_on = want.state == "present"
		local make = (lists == "directory" and on_ubuntu or on_debian)(want, known, is_on)
		result.name, result.msg = want.name, "OK"
		if is_there(want.name, there.stdout) ~= is_on then make() end
	end,
}

-- Replaces every match of a regular expression in a file.

-- The part between after and before: its first and last position. nil and the pattern if they do not match.
local function section_of(want, content, flags)
	local after = want.after ~= "" and want.after or nil
	local before = want.before ~= "" and want.before or nil
	if not after and not before then return 1, #content end
	local pattern
	if after and before then
		pattern = after .. "(?P<subsection>.*?)" .. before
	elseif after then
		pattern = after .. "(?P<subsection>.*)"
	else
		pattern = "(?P<subsection>.*)" .. before
	end
	local match = regex(pattern, flags .. "s"):search(content)
	if not match then return nil, pattern end
	local span = match.spans[match.names.subsection]
	return span[1], span[2]
end

return {
	name = "replace",
	doc = "Replaces every match of a regular expression in a file. Expressions are in Python's syntax; ^ and $ match at each line.",
	args = file.arguments({ "backup", "validate", "mode", "owner", "group" }, {
		path = { "path", required = true, aliases = { "dest", "destfile", "name" }, doc = "The file to change." },
		regexp = { "str", required = true, regex = true, doc = "What to look for, in the whole text of the file." },
		replace = { "str", default = "", doc = "What to put in its place; it may name groups (\\1, \\g<name>). Empty: matches are taken out." },
		after = { "str", regex = true, doc = "Only what is behind the first match of this is changed." },
		before = { "str", regex = true, doc = "Only what is before this is changed." },
	}),
	returns = {
		msg = { "str", doc = "What was done, in words." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for and it changed." },
	},
	examples = {
		{ "A new name for an old host", [[
{ "replace": { "path": "/etc/hosts", "regexp": "(\\s+)old\\.host\\.name(\\s+.*)?$", "replace": "\\1new.host.name\\2" } }]] },
		{ "Comments out a virtual host", [[
{ "replace": { "path": "/etc/apache2/sites-enabled/default.conf", "after": "<VirtualHost>", "before": "</VirtualHost>", "regexp": "^(.+)$", "replace": "# \\1" } }]] },
	},
	decide = function(want, known)
		local stat, content = file.load(known, want.path)
		if not stat.exists then
			fail{ rc = 257, msg = "Path " .. want.path .. " does not exist !" }
		end
		result.rc = 0
		local flags = utf8.len(content) and "u" or ""
		local first, last = section_of(want, content, flags)
		if not first then
			result.msg = "Pattern for before/after params did not match the given file: " .. last
			return
		end
		local section = content:sub(first, last)
		local changed_section, count = regex(want.regexp, flags .. "m"):sub(want.replace, section)
		local after = content:sub(1, first - 1) .. changed_section .. content:sub(last + 1)
		local parts = {}
		if after ~= content then parts[1] = count .. " replacements made" end
		if file.differs(stat, want) then parts[#parts + 1] = "ownership, perms or SE linux context changed" end
		result.msg = table.concat(parts, " and ")
		local saved = file.save(known, want, stat, content, after)
		step.last()
		need(saved)
		result.backup_file = saved.backup_file
	end,
}

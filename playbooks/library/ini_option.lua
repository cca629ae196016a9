-- Keeps one option of an ini file at a value, or takes it out: the file's comments, order and spacing stay.

-- The section that a line opens, or nil.
local function section_in(line)
	return line:match("^%s*%[([^%]]+)%]")
end

-- Whether the line sets the option; a commented one does not.
local function sets(line, option)
	local key = line:match("^%s*([^#;=%s][^=]-)%s*=")
	return key == option
end

-- Where the section's lines are: the first behind its heading and the last that is not blank. nil if there is no section.
local function find_section(lines, section)
	local first, last = section == "" and 1 or nil, 0
	for i, line in ipairs(lines) do
		local name = section_in(line)
		if first and name then return first, last end
		if name == section then
			first, last = i + 1, i
		elseif first and text.trim(line) ~= "" then
			last = i
		end
	end
	return first, last
end

local function edit(want, lines)
	local first, last = find_section(lines, want.section)
	local line = want.value and want.option .. (want.spaces and " = " or "=") .. want.value .. "\n"
	for i = first or 1, first and last or 0 do
		if sets(lines[i], want.option) then
			if want.state == "absent" then
				table.remove(lines, i)
			elseif text.trim(lines[i]:match("=(.*)$")) ~= want.value then
				lines[i] = line
			end
			return
		end
	end
	if want.state == "absent" then return end
	if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
	if not first then
		if #lines > 0 then lines[#lines + 1] = "\n" end
		lines[#lines + 1] = "[" .. want.section .. "]\n"
		last = #lines
	end
	table.insert(lines, last + 1, line)
end

return {
	name = "ini_option",
	doc = "Keeps one option of an ini file at a value, or takes it out. Comments, order and spacing of the rest stay as they are.",
	args = {
		path = { "path", required = true, doc = "The file." },
		section = { "str", default = "", doc = "The section, without brackets; empty for options before the first section." },
		option = { "str", required = true, doc = "The option." },
		value = { "str", doc = "The value it shall have. Required for state present." },
		state = { "str", default = "present", choices = { "present", "absent" }, doc = "Whether the option shall be there." },
		spaces = { "bool", default = true, doc = "Writes a new line with spaces around the equals sign." },
		create = { "bool", default = true, doc = "Makes the file if it does not exist." },
		backup = { "bool", default = false, doc = "Keeps the old file beside the new one." },
		mode = { "mode", doc = "The file's mode." },
		owner = { "str", doc = "The file's owner." },
		group = { "str", doc = "The file's group." },
	},
	required_if = { { "state", "present", { "value" } } },
	returns = {
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for and it changed." },
	},
	examples = {
		{ "The time zone of PHP", [[
{ "ini_option": { "path": "/etc/php/8.2/fpm/php.ini", "section": "Date", "option": "date.timezone", "value": "Europe/Berlin" } }]] },
	},
	decide = function(want, known)
		local stat, before = file.load(known, want.path)
		if not stat.exists then
			if want.state == "absent" then return end
			if not want.create then fail("%s does not exist, and create is false", want.path) end
		end
		local lines = text.lines(before or "")
		edit(want, lines)
		local saved = need(file.save(known, want, stat, before, table.concat(lines)))
		result.backup_file = saved.backup_file
	end,
}

-- Keeps an option, or a whole section, in a file of sections.

-- The value that a line gives an option, "" where it gives none, nil where the line is about another one. A line that is
-- commented out counts where it may be brought back.
local function value_in(line, option, commented)
	local rest = line:gsub("\n$", "")
	if commented then rest = rest:gsub("^[#;]", "") end
	rest = rest:gsub("^[ \t]*", "")
	if not text.starts(rest, option) then return end
	rest = rest:sub(#option + 1):gsub("^[ \t]*", "")
	return rest == "" and "" or rest:match("^=[ \t]*(.*)$")
end

-- The first line of the section, its heading, and the line behind its last; false where it is not there. What is above all
-- headings is a section too: its heading is empty.
local function bounds(lines, section)
	local heading, first = section and "[" .. section .. "]", not section and 1
	for i, line in ipairs(lines) do
		if heading and text.starts(line, heading) then
			first = i
		elseif first and text.starts(line, "[") then
			return first, i
		end
	end
	return first, #lines + 1
end

local function unique(values)
	local seen, kept = {}, {}
	for _, value in ipairs(values) do
		if value ~= null and not seen[value] then
			seen[value] = true
			kept[#kept + 1] = value
		end
	end
	return kept
end

-- A section's lines are edited in place; what becomes of them is noted in `was`, so that no line is taken for two values.
local function new_edit(want, lines)
	local edit = { lines = lines, was = {}, msg = "OK" }
	for i = 1, #lines do edit.was[i] = false end
	function edit.format(value)
		if value == nil then return want.option .. "\n" end
		return want.option .. (want.no_extra_spaces and "=" or " = ") .. value .. "\n"
	end
	function edit.set(i, line)
		if lines[i] ~= line then edit.msg = "option changed" end
		lines[i], edit.was[i] = line, true
	end
	return edit
end

-- Lines that have one of the values already are brought into form. Returns the values that are left, and whether the option is
-- there without a value.
local function keep_values(want, edit, values)
	local bare = false
	for i = 1, #edit.lines do
		local value = value_in(edit.lines[i], want.option, true)
		local at
		for k, wanted in ipairs(values) do
			if value == wanted then at = k end
		end
		if value and at then
			bare = bare or (value == "" and want.allow_no_value)
			edit.set(i, edit.format(not (value == "" and want.allow_no_value) and value or nil))
			table.remove(values, at)
		elseif value and #values == 0 and want.allow_no_value then
			edit.set(i, edit.format())
			return true
		end
	end
	return bare
end

-- Other lines of the option get the values that are left, and go where there are none left.
local function replace_others(want, edit, values)
	for i = 1, #edit.lines do
		if #values > 0 and not edit.was[i] and value_in(edit.lines[i], want.option, true) then
			edit.set(i, edit.format(table.remove(values, 1)))
		end
	end
	for i = #edit.lines, 2, -1 do
		if not edit.was[i] and value_in(edit.lines[i], want.option, true) then
			table.remove(edit.lines, i)
			table.remove(edit.was, i)
			edit.msg = "option changed"
		end
	end
end

-- Behind the section's last line that is neither empty nor a comment.
local function insert(want, edit, values, bare)
	local last = #edit.lines
	while last > 1 and edit.lines[last]:find("^[ \t]*\n?$") or last > 1 and edit.lines[last]:find("^[ \t]*[#;]") do last = last - 1 end
	local added = {}
	for _, value in ipairs(values) do added[#added + 1] = edit.format(value) end
	if #added == 0 and want.allow_no_value and not bare then added[1] = edit.format() end
	for i, line in ipairs(added) do table.insert(edit.lines, last + i, line) end
	if #added > 0 then edit.msg = "option added" end
end

local function present(want, edit, values)
	if not want.option then return end
	local bare = keep_values(want, edit, values)
	if want.exclusive and not want.allow_no_value then replace_others(want, edit, values) end
	insert(want, edit, values, bare)
end

local function absent(want, edit, values)
	if not want.option then
		if #edit.lines > 1 or edit.lines[1] ~= "" then edit.lines, edit.msg = {}, "section removed" end
		return
	end
	local goes, kept = {}, {}
	for _, value in ipairs(values) do goes[value] = true end
	for i, line in ipairs(edit.lines) do
		local value = value_in(line, want.option)
		if i == 1 or not value or not (want.exclusive or goes[value]) then kept[#kept + 1] = line end
	end
	if #kept < #edit.lines then edit.lines, edit.msg = kept, "option changed" end
end

local function new_section(want, lines, values)
	lines[#lines + 1] = "[" .. want.section .. "]\n"
	local edit = new_edit(want, lines)
	edit.msg = "section and option added"
	for _, value in ipairs(want.option and values or {}) do lines[#lines + 1] = edit.format(value) end
	if want.option and #values == 0 and want.allow_no_value then
		lines[#lines + 1] = edit.format()
	elseif not want.option or #values == 0 then
		edit.msg = "only section added"
	end
	return edit.msg
end

-- The file's lines as they shall be, and what was done. The first line is the heading of what is above all sections.
local function change(want, lines)
	local values = unique(want.value and { want.value } or want.values or {})
	table.insert(lines, 1, "")
	local section = want.section ~= "" and want.section or nil
	local first, behind = bounds(lines, section)
	local msg = "OK"
	if first then
		local edit = new_edit(want, table.move(lines, first, behind - 1, 1, {}))
		local act = want.state == "present" and present or absent
		act(want, edit, values)
		msg = edit.msg
		if not section and #edit.lines == 0 then edit.lines = { "" } end
		local after = table.move(lines, behind, #lines, 1, {})
		lines = table.move(edit.lines, 1, #edit.lines, first, table.move(lines, 1, first - 1, 1, {}))
		table.move(after, 1, #after, #lines + 1, lines)
	elseif want.state == "present" then
		msg = new_section(want, lines, values)
	end
	return table.concat(lines), msg
end

return {
	name = "ini_file",
	collection = "community.general",
	doc = "Keeps an option, or a whole section, in a file of sections such as php.ini.",
	args = file.arguments({ "backup", "mode", "owner", "group" }, {
		path = { "path", required = true, aliases = { "dest" }, doc = "The file." },
		section = { "str", doc = "The section, without brackets. Without one the option stands above all sections." },
		option = { "str", doc = "The option. Without one it is about the whole section." },
		value = { "str", doc = "Its value." },
		values = { "list", elements = "str", doc = "Its values, where the option may be there several times." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be there." },
		exclusive = { "bool", default = true,
			doc = "Whether other values of the option are taken out; if not, only those named are added or taken out." },
		no_extra_spaces = { "bool", default = false, doc = "Writes option=value, not option = value." },
		allow_no_value = { "bool", default = false, doc = "The option may be there without a value." },
		create = { "bool", default = true, doc = "Whether a file that is missing is made." },
	}),
	mutually_exclusive = { { "value", "values" } },
	returns = {
		path = { "str", doc = "The file." },
		msg = { "str", doc = "What was done, in words." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for and it changed." },
	},
	examples = {
		{ "Memory for PHP", [[
{ "ini_file": { "path": "/etc/php/8.2/fpm/php.ini", "section": "PHP", "option": "memory_limit", "value": "256M" } }]] },
		{ "A section that must not be there", [[{ "ini_file": { "path": "/etc/app.ini", "section": "debug", "state": "absent" } }]] },
	},
	decide = function(want, known)
		if want.state == "present" and not want.allow_no_value and not want.value and #(want.values or {}) == 0 then
			fail("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
		end
		if (want.value or want.values) and not want.option then fail("a value needs an option") end
		local stat, before = file.load(known, want.path)
		if not stat.exists and not want.create then fail{ rc = 257, msg = "Destination " .. want.path .. " does not exist!" } end
		before = before or ""
		local lines = text.lines((before:gsub("^\239\187\191", "")))
		if #lines == 0 then lines[1] = "\n" end
		if not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
		local as_read = table.concat(lines)
		local after, msg = change(want, lines)
		if after == as_read and (before == "" or text.ends(before, "\n")) then after = before end
		result.path, result.msg = want.path, msg
		if after == before and not stat.exists then return end
		file.report(result, stat)
		if stat.exists then result.size = #after end
		result.backup_file = need(file.save(known, want, stat, before, after)).backup_file
		if not stat.exists then file.report(result, need(known:stat(want.path))) end
	end,
}

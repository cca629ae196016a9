-- Keeps a block of lines between two marker lines of a text file.

-- The lines with their ends, which may be \n, \r\n or \r.
local function split(content)
	local lines, from = {}, 1
	while from <= #content do
		local at = content:find("[\r\n]", from)
		local last = not at and #content or content:sub(at, at + 1) == "\r\n" and at + 1 or at
		lines[#lines + 1] = content:sub(from, last)
		from = last + 1
	end
	return lines
end

local function marker(want, mark)
	local first, last = want.marker:find("{mark}", 1, true)
	if not first then return want.marker .. "\n" end
	local parts = text.split(want.marker, "{mark}")
	return table.concat(parts, mark) .. "\n"
end

local function block_lines(want, first, last)
	local block = want.block
	if want.state == "absent" or block == "" then return {} end
	if not text.ends(block, "\n") then block = block .. "\n" end
	return { first, block, last }
end

-- The last line of each kind.
local function find_markers(lines, first, last)
	local begins, ends
	for i, line in ipairs(lines) do
		if line == first then begins = i end
		if line == last then ends = i end
	end
	if begins and ends then return math.min(begins, ends), math.max(begins, ends) end
end

local function newlines_before(content, position)
	local _, count = content:sub(1, position):gsub("\n", "")
	return count
end

-- How many lines stand before a new block.
local function place_of(want, content, lines)
	local anchor = want.insertafter or want.insertbefore
	if want.insertbefore == "BOF" then return 0 end
	if not anchor or anchor == "EOF" then return #lines end
	local pattern, place = regex(anchor), nil
	if pattern.multiline then
		local match = pattern:search(content)
		if match then place = newlines_before(content, want.insertafter and match.last or match.first - 1) end
	else
		for i, line in ipairs(lines) do
			if pattern:search(line) then place = i - 1 end
		end
	end
	if not place then return #lines end
	return want.insertafter and math.min(place + 1, #lines) or place
end

local function edit(want, content)
	local lines = split(content)
	local first, last = marker(want, want.marker_begin), marker(want, want.marker_end)
	local from, to = find_markers(lines, first, last)
	local before = from and from - 1 or place_of(want, content, lines)
	local block = block_lines(want, first, last)
	if before > 0 and not text.ends(lines[before], "\n") then lines[before] = lines[before] .. "\n" end
	local head = table.concat(lines, "", 1, before)
	local tail = table.concat(lines, "", (to or before) + 1, #lines)
	return head .. table.concat(block) .. tail, #block > 0
end

return {
	name = "blockinfile",
	lists_differences = true,
	doc = "Keeps a block of lines between two marker lines of a text file, or takes it out with its markers.",
	args = file.arguments({ "backup", "validate", "mode", "owner", "group" }, {
		path = { "path", required = true, aliases = { "dest", "destfile", "name" }, doc = "The file to change." },
		block = { "str", default = "", aliases = { "content" }, doc = "The lines. An empty block is taken out." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the block shall be there." },
		marker = { "str", default = "# {mark} ANSIBLE MANAGED BLOCK",
			doc = "The marker lines; {mark} becomes marker_begin and marker_end. Without {mark} the block is written again each time." },
		marker_begin = { "str", default = "BEGIN", doc = "What {mark} is in the first marker line." },
		marker_end = { "str", default = "END", doc = "What {mark} is in the last marker line." },
		insertafter = { "str", regex = true,
			doc = "EOF, or a regular expression in Python's syntax: a new block goes behind the last line that matches; with (?m) it is held against the whole text." },
		insertbefore = { "str", regex = true, doc = "BOF, or a regular expression: a new block goes before the last line that matches." },
		create = { "bool", default = false, doc = "Makes the file, and its folder, if it does not exist." },
	}),
	mutually_exclusive = { { "insertbefore", "insertafter" } },
	returns = {
		msg = { "str", doc = "What was done, in words." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for and it changed." },
	},
	examples = {
		{ "Settings of one's own in a shared file", [[
{ "blockinfile": { "path": "/etc/ssh/sshd_config", "block": "Match User deploy\n    PasswordAuthentication no" } }]] },
		{ "Lines for an XML file", [[
{ "blockinfile": { "path": "/etc/app.xml", "marker": "<!-- {mark} {{ role }} -->", "insertafter": "<servers>", "block": "{{ servers }}" } }]] },
	},
	decide = function(want, known)
		local stat, before = file.load(known, want.path)
		if not stat.exists and not want.create then
			fail{ rc = 257, msg = "Path " .. want.path .. " does not exist !" }
		elseif not stat.exists and want.state == "absent" then
			result.msg = "File " .. want.path .. " not present"
			return
		end
		local after, inserted = edit(want, before or "")
		local parts = {}
		if not stat.exists then
			parts[1] = "File created"
		elseif before ~= after then
			parts[1] = inserted and "Block inserted" or "Block removed"
		end
		if stat.exists and file.differs(stat, want) then
			parts[#parts + 1] = "ownership, perms or SE linux context changed"
		end
		result.msg = table.concat(parts, " and ")
		local saved = file.save(known, want, stat, before, after)
		step.last()
		need(saved)
		result.backup_file = saved.backup_file
	end,
}

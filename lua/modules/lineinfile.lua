-- Keeps one line of a text file as it shall be: finds it by a regular expression, a text or the line itself.

local function without_end(line)
	return (line:gsub("[\r\n]+$", ""))
end

-- What finds the line: a function of a line that returns a match, or nil where neither regexp nor search_string is given.
local function finder(want)
	if want.regexp then
		local pattern = regex(want.regexp)
		return function(line) return pattern:search(line) end
	elseif want.search_string then
		return function(line) return line:find(want.search_string, 1, true) end
	end
end

-- The last line that find takes, or the first if want says so; and the match.
local function find_line(want, lines, find)
	local at, match
	for i, line in ipairs(lines) do
		local found = find and find(line)
		if found then
			at, match = i, found
			if want.firstmatch then break end
		end
	end
	return at, match
end

-- Where the line itself stands, and where insertafter or insertbefore puts it.
local function find_place(want, lines)
	local anchor = want.insertafter or want.insertbefore
	local pattern = anchor and anchor ~= "EOF" and anchor ~= "BOF" and regex(anchor)
	local exact, place
	for i, line in ipairs(lines) do
		if without_end(line) == want.line then
			exact = i
		elseif pattern and pattern:search(line) then
			place = want.insertafter and i + 1 or i
			if want.firstmatch then break end
		end
	end
	return exact, place
end

local function end_last_line(lines)
	if #lines > 0 and not lines[#lines]:find("[\r\n]$") then lines[#lines] = lines[#lines] .. "\n" end
end

-- Puts the line where it belongs; returns what was done in words, or nil.
local function insert(want, lines, place)
	local line = want.line .. "\n"
	if want.insertbefore == "BOF" or want.insertafter == "BOF" then
		table.insert(lines, 1, line)
	elseif not place then
		end_last_line(lines)
		lines[#lines + 1] = line
	else
		local neighbour = lines[math.min(place, #lines)]
		if want.insertafter and without_end(neighbour) == want.line then return end
		if place > #lines then end_last_line(lines) end
		table.insert(lines, place, line)
	end
	return "line added"
end

local function present(want, lines)
	local at, match = find_line(want, lines, finder(want))
	local place
	if not match then at, place = find_place(want, lines) end
	if not at then
		if want.backrefs then return end
		return insert(want, lines, place)
	end
	local line = want.backrefs and match and match:expand(want.line) or want.line
	if not text.ends(line, "\n") then line = line .. "\n" end
	if lines[at] == line then return end
	lines[at] = line
	return "line replaced"
end

-- Takes every line out that is found; returns how many.
local function absent(want, lines)
	local find = finder(want) or function(line) return without_end(line) == want.line end
	local found, kept = 0, 0
	for i = 1, #lines do
		local line = lines[i]
		if find(line) then
			found = found + 1
		else
			kept = kept + 1
			lines[kept] = line
		end
	end
	for i = #lines, kept + 1, -1 do lines[i] = nil end
	return found
end

local function check(want)
	if want.regexp == "" then
		warn("The regular expression is an empty string, which will match every line in the file. Use '^' if that is wanted.")
	elseif want.search_string == "" then
		warn("The search string is an empty string, which will match every line in the file.")
	end
	if want.state == "present" and want.backrefs and not want.regexp then fail("regexp is required with backrefs=true") end
end

return {
	name = "lineinfile",
	lists_differences = true,
	doc = "Keeps one line of a text file as it shall be, or takes lines out. The line is found by a regular expression in "
		.. "Python's syntax, by a text in it, or by being there already.",
	args = file.arguments({ "backup", "validate", "mode", "owner", "group" }, {
		path = { "path", required = true, aliases = { "dest", "destfile", "name" }, doc = "The file to change." },
		line = { "str", aliases = { "value" },
			doc = "The line as it shall be, without its newline. Required for state present. With backrefs it may name groups of regexp." },
		regexp = { "str", aliases = { "regex" }, regex = true,
			doc = "What finds the line to replace (the last that matches), or with state absent all lines to take out." },
		search_string = { "str", doc = "As regexp, but a text that is somewhere in the line." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the line shall be there." },
		backrefs = { "bool", default = false,
			doc = "Fills groups of regexp into line (\\1, \\g<name>). If regexp does not match, the file stays as it is." },
		insertafter = { "str", regex = true, doc = "EOF, BOF, or a regular expression: a new line goes behind the last line that matches. EOF is the default." },
		insertbefore = { "str", regex = true, doc = "BOF, or a regular expression: a new line goes before the last line that matches." },
		firstmatch = { "bool", default = false, doc = "Takes the first line that matches instead of the last." },
		create = { "bool", default = false, doc = "Makes the file, and its folder, if it does not exist." },
	}),
	mutually_exclusive = { { "insertbefore", "insertafter" }, { "regexp", "search_string" }, { "backrefs", "search_string" } },
	required_if = { { "state", "present", { "line" } }, { "state", "absent", { "line", "regexp", "search_string" }, any = true } },
	returns = {
		msg = { "str", doc = "What was done, in words." },
		backup = { "str", doc = "Where the old file is now, or an empty text." },
		found = { "int", doc = "How many lines were taken out, with state absent." },
	},
	examples = {
		{ "Root may not log in with a password", [[
{ "lineinfile": { "path": "/etc/ssh/sshd_config", "regexp": "^#?PermitRootLogin", "line": "PermitRootLogin prohibit-password" } }]] },
		{ "A host's name in /etc/hosts", [[
{ "lineinfile": { "path": "/etc/hosts", "line": "192.0.2.10 db.example.org db", "insertafter": "^127\\." } }]] },
	},
	decide = function(want, known)
		check(want)
		local stat, before = file.load(known, want.path)
		if not stat.exists and want.state == "absent" then
			result.msg = "file not present"
			return
		elseif not stat.exists and not want.create then
			fail{ rc = 257, msg = "Destination " .. want.path .. " does not exist !" }
		end
		local lines = text.lines(before or "")
		local parts = {}
		if want.state == "present" then
			parts[1] = present(want, lines)
		else
			local found = absent(want, lines)
			result.found = found
			if found > 0 then parts[1] = found .. " line(s) removed" end
		end
		if stat.exists and file.differs(stat, want) then
			parts[#parts + 1] = "ownership, perms or SE linux context changed"
		end
		result.msg = table.concat(parts, " and ")
		result.backup = ""
		local after = table.concat(lines)
		if not stat.exists and after == "" then return end
		local saved = file.save(known, want, stat, before, after)
		step.last()
		need(saved)
		result.backup = saved.backup_file or ""
	end,
}

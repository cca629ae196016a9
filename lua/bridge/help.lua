-- Helpers of the module API that are written in Lua: pairs in order, text, and files as lineinfile and its like edit them.
local bridge = native.bridge
local step, diff, need, fail = bridge.step, bridge.diff, bridge.need, bridge.fail

local help = { text = {}, file = {} }

local function key_before(a, b)
	local type_a, type_b = type(a), type(b)
	if type_a ~= type_b then return type_a < type_b end
	if type_a == "boolean" then return not a and b end
	return a < b
end

-- pairs() in order of keys: decide() must do the same each time it is called.
function help.pairs(members)
	local meta = getmetatable(members)
	if meta ~= nil and (type(meta) ~= "table" or rawget(meta, "__pairs")) then return pairs(members) end
	local keys = {}
	for key in next, members do keys[#keys + 1] = key end
	table.sort(keys, key_before)
	local at = 0
	return function()
		repeat at = at + 1 until keys[at] == nil or members[keys[at]] ~= nil
		return keys[at], members[keys[at]]
	end
end

-- The lines of a text, each with its newline, as Python's readlines has them.
function help.text.lines(text)
	local lines = {}
	for line in text:gmatch("[^\n]*\n?") do
		if line ~= "" then lines[#lines + 1] = line end
	end
	return lines
end

function help.text.trim(text)
	local first, last = text:find("%S"), #text
	if not first then return "" end
	while text:find("^%s", last) do last = last - 1 end
	return text:sub(first, last)
end

-- The parts between a separator, which is plain text; at most `most` of them. Without one, the words between white space.
function help.text.split(text, separator, most)
	local parts, from = {}, 1
	if not separator then
		for word in text:gmatch("%S+") do parts[#parts + 1] = word end
		return parts
	end
	while not most or #parts < most - 1 do
		local first, last = text:find(separator, from, true)
		if not first then break end
		parts[#parts + 1] = text:sub(from, first - 1)
		from = last + 1
	end
	parts[#parts + 1] = text:sub(from)
	return parts
end

-- Words as one line for a shell.
function help.text.words(words)
	local quoted = {}
	for i, word in ipairs(words) do quoted[i] = bridge.quote(tostring(word)) end
	return table.concat(quoted, " ")
end

function help.text.starts(text, start)
	return text:sub(1, #start) == start
end

function help.text.ends(text, ending)
	return ending == "" or text:sub(-#ending) == ending
end

-- The folder a path is in: "/etc" of "/etc/hosts", "/" of "/etc", "." of "hosts".
function help.file.folder(path)
	local folder = path:match("^(.*[^/])/+[^/]*/*$")
	if folder then return folder end
	return path:sub(1, 1) == "/" and "/" or "."
end

function help.file.name(path)
	return path:match("([^/]*)/*$")
end

help.file.mode = bridge.mode

-- The file at path, or behind a symlink there, and its text; false where there is none. A folder fails the task.
function help.file.load(known, path)
	local stat = known:stat(path, { follow = true })
	local text, why = known:read(path, { may_fail = true })
	need(stat, text)
	if stat.type == "directory" then fail{ rc = 256, msg = "Path " .. path .. " is a directory !" } end
	if stat.exists and not text then fail("%s: %s", path, why) end
	return stat, stat.exists and text
end

-- The arguments that save() and differs() look for in want; not every module has all of them.
local about_files = {
	mode = { "mode", doc = "The file's mode, such as \"0644\" or \"u=rw,go=r\"." },
	owner = { "str", doc = "The file's owner, by name or number." },
	group = { "str", doc = "The file's group, by name or number." },
	backup = { "bool", default = false, doc = "Keeps the old file beside the new one, with the time in its name." },
	validate = { "str", doc = "A command that checks the new file, %s, before it takes the old one's place.",
		pattern = "%s", pattern_doc = "have %s in it, where the new file's path goes" },
}

-- A module's table of arguments with the named ones of those added to it.
function help.file.arguments(names, args)
	for _, name in ipairs(names) do
		local about = assert(about_files[name], "file.arguments: no argument is called " .. tostring(name))
		args[name] = {}
		for key, value in next, about do args[name][key] = value end
	end
	return args
end

local function given_of(want)
	local given = {}
	for name in next, about_files do given[name] = rawget(want, name) end
	return given
end

-- What of mode, owner and group in want is not so: two tables, as they are and as they shall be; nil if all is so.
function help.file.differs(stat, want)
	local given, before, after = given_of(want), {}, {}
	if given.mode then
		local mode = bridge.mode(given.mode, stat.mode, stat.type == "directory")
		if mode ~= stat.mode then before.mode, after.mode = stat.mode, mode end
	end
	if given.owner and given.owner ~= stat.owner and given.owner ~= tostring(stat.uid) then
		before.owner, after.owner = stat.owner, given.owner
	end
	if given.group and given.group ~= stat.group and given.group ~= tostring(stat.gid) then
		before.group, after.group = stat.group, given.group
	end
	if after.mode or after.owner or after.group then return before, after end
end

-- Puts into a result whose a file is, its mode and its size.
function help.file.report(result, stat)
	if not stat.exists then return end
	for _, name in ipairs{ "uid", "gid", "owner", "group", "mode", "size" } do result[name] = stat[name] end
	if #stat.mode == 4 and stat.mode:sub(1, 1) ~= "0" then result.mode = "0" .. stat.mode end
	result.state = stat.type
end

-- Brings a file from one text to another, with its mode, owner and group as want has them. stat is of the file behind
-- a symlink; a missing folder is made. Returns what step.put does, or an empty table if there is nothing to do.
function help.file.save(known, want, stat, before, after)
	local given = given_of(want)
	if before ~= after then
		diff(want.path, before, after)
		local folder = help.file.folder(want.path)
		if not stat.exists and not need(known:type(folder)) then
			step.mkdir{ path = folder, parents = true }
		end
	end
	if stat.exists then
		local old, new = help.file.differs(stat, want)
		if new then diff(want.path, old, new) end
		if before == after then
			if not new then return {} end
			return step.setattr{ path = want.path, mode = new.mode, owner = new.owner, group = new.group, follow = true }
		end
	end
	return step.put{
		path = want.path, content = after, mode = given.mode, owner = given.owner, group = given.group,
		backup = given.backup and stat.exists, validate = given.validate, follow = true,
	}
end

return help

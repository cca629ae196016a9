-- Keeps a limit of an account's resources in PAM's limits.conf.

local unlimited = { unlimited = true, infinity = true, ["-1"] = true }
local items = { "as", "chroot", "core", "cpu", "data", "fsize", "locks", "maxlogins", "maxsyslogins", "memlock", "msgqueue", "nice",
	"nofile", "nproc", "priority", "rss", "rtprio", "sigpending", "stack" }

local function check_value(item, value, where)
	if item == "nice" or item == "priority" then
		local number = math.tointeger(tonumber(value))
		if not number or number < -20 or number > 19 then
			fail("%sValue of %s for item %s is invalid. Value must be a number in the range -20 to 19 inclusive.", where, value, item)
		end
	elseif not unlimited[value] and not value:find("^%d+$") then
		fail("%sValue of %s for item %s is invalid. Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger.",
			where, value, item)
	end
end

-- The fields of a line: who, hard or soft, what, how much; and its comment. nil for a line that sets no limit.
local function parse(line)
	local bare, comment = line:match("^([^#]*)#?(.*)$")
	local fields = text.split(bare)
	if #fields == 4 then return fields, (comment:gsub("%s+$", "")) end
end

-- What becomes of a value that is there.
local function combine(want, now)
	local function pick(which)
		if unlimited[now] and unlimited[want.value] then return now end
		if unlimited[now] or unlimited[want.value] then
			local is_now = unlimited[now] == true
			return is_now == (which == math.max) and now or want.value
		end
		return tostring(which(math.tointeger(tonumber(want.value)), math.tointeger(tonumber(now))))
	end
	if want.use_max then return pick(math.max) end
	if want.use_min then return pick(math.min) end
	return want.value
end

local function line_of(want, value, comment)
	return table.concat({ want.domain, want.limit_type, want.limit_item, value }, "\t") .. (comment ~= "" and "\t#" .. comment or "") .. "\n"
end

return {
	name = "pam_limits",
	collection = "community.general",
	doc = "Keeps a limit of an account's resources in PAM's limits.conf. It holds for sessions that begin afterwards.",
	args = file.arguments({ "backup" }, {
		domain = { "str", required = true, doc = "An account, @group, % or *." },
		limit_type = { "str", required = true, choices = { "-", "hard", "soft" }, doc = "Which limit; - is both." },
		limit_item = { "str", required = true, choices = items, doc = "What is limited." },
		value = { "str", required = true, doc = "How much; unlimited for no limit." },
		use_max = { "bool", default = false, doc = "Leaves a greater value that is there." },
		use_min = { "bool", default = false, doc = "Leaves a smaller value that is there." },
		comment = { "str", default = "", doc = "A comment behind the line." },
		dest = { "str", default = "/etc/security/limits.conf", doc = "The file." },
	}),
	returns = {
		msg = { "str", doc = "The line." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for and it changed." },
	},
	examples = {
		{ "Files for a web server", [[
{ "pam_limits": { "domain": "www-data", "limit_type": "-", "limit_item": "nofile", "value": "64000" } }]] },
	},
	decide = function(want, known)
		if want.use_max and want.use_min then fail("Cannot use use_min and use_max at the same time.") end
		check_value(want.limit_item, want.value, "")
		local stat, before = file.load(known, want.dest)
		local lines, comment, found = text.lines(before or ""), want.comment, false
		for i, line in ipairs(lines) do
			local fields, old = parse(line)
			if fields and not text.starts(line, "#") then
				check_value(fields[3], fields[4], "Invalid configuration found in '" .. want.dest .. "'. ")
				if fields[1] == want.domain and fields[2] == want.limit_type and fields[3] == want.limit_item then
					found = true
					local value = fields[4] == want.value and fields[4] or combine(want, fields[4])
					if value ~= fields[4] then lines[i] = line_of(want, value, comment ~= "" and comment or old) end
					result.msg = lines[i]
				end
			end
		end
		if not found then
			if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
			lines[#lines + 1] = line_of(want, want.value, comment)
			result.msg = lines[#lines]
		end
		local saved = need(file.save(known, { path = want.dest, backup = want.backup }, stat, before, table.concat(lines)))
		result.backup_file = saved.backup_file
	end,
}

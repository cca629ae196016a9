-- Keeps a program among the alternatives of a generic name, and selected, by update-alternatives.

local environment = { LC_ALL = "C" }
local places = { "/etc/alternatives", "/var/lib/dpkg/alternatives", "/var/lib/alternatives", "/usr/bin" }

-- What `update-alternatives --display` says: mode, link, the one selected, and all there are with priority and followers.
local function parse(output)
	local found, links, current = { all = {} }, {}, nil
	for _, line in ipairs(text.split(output, "\n")) do
		found.mode = found.mode or line:match(" %- (%w+) mode$") or line:match(" %- status is (%w+)%.$")
		found.path = found.path or line:match("^%s*link currently points to (.*)$")
		local follower, where = line:match("^%s*slave (%S+) is (.*)$")
		if not follower then follower, where = line:match("^%s*follower (%S+) is (.*)$") end
		if follower then
			links[follower] = where
		else
			found.link = found.link or line:match("^%s*link %S+ is (.*)$")
		end
		local path, priority = line:match("^(/.-) %- .-priority (%d+)")
		if path then
			current = { priority = tonumber(priority), subcommands = {} }
			found.all[path] = current
		end
		local name, to = line:match("^%s+slave (%S+): (.*)$")
		if not name then name, to = line:match("^%s+follower (%S+): (.*)$") end
		if name and current and to ~= "(null)" then
			current.subcommands[#current.subcommands + 1] = { name = name, path = to, link = links[name] }
		end
	end
	return found
end

-- Both ways: nothing is missing, and nothing is there that is not wanted.
local function same_followers(wanted, there)
	local seen = {}
	for _, each in ipairs(wanted) do seen[each.name .. "\0" .. each.path .. "\0" .. each.link] = true end
	for _, each in ipairs(there) do
		if not seen[each.name .. "\0" .. each.path .. "\0" .. (each.link or "")] then return false end
	end
	return #wanted == #there
end

local function update(...)
	return need(step.run{ "update-alternatives", env = environment, touches = places, ... })
end

local function install(want, known, found, mine)
	local link = want.link or found.link
	if not need(known:stat(want.path, { follow = true })).exists then fail("Specified path %s does not exist", want.path) end
	if not link then fail("Needed to install the alternative, but unable to do so as we are missing the link") end
	local priority = want.priority or mine and mine.priority or 50
	local words = { "update-alternatives", "--install", link, want.name, want.path, tostring(priority), env = environment,
		touches = table.move(places, 1, #places, 2, { link }) }
	for _, each in ipairs(want.subcommands or mine and mine.subcommands or {}) do
		for _, word in ipairs{ "--slave", each.link, each.name, each.path } do words[#words + 1] = word end
	end
	diff(want.name, mine and { path = want.path, priority = mine.priority, state = "present" } or { state = "absent" },
		{ path = want.path, priority = priority, state = "present" })
	step.run(words)
end

return {
	name = "alternatives",
	collection = "community.general",
	doc = "Keeps a program among the alternatives of a generic name, and selected, by update-alternatives.",
	args = {
		name = { "str", required = true, doc = "The generic name, e.g. editor." },
		path = { "path", required = true, doc = "The program that it shall lead to." },
		link = { "path", doc = "The generic name's link, e.g. /usr/bin/editor. Needed where the name is new." },
		priority = { "int", doc = "The program's priority; 50 if it is new." },
		state = { "str", default = "selected", choices = { "absent", "auto", "present", "selected" },
			doc = "present: among the alternatives; selected: the name leads to it; auto: the name leads to that of the highest priority." },
		subcommands = { "list", elements = "dict", aliases = { "slaves" }, doc = "Links that follow this one.", options = {
			name = { "str", required = true, doc = "The generic name." },
			path = { "path", required = true, doc = "What it leads to." },
			link = { "path", required = true, doc = "Its link." },
		} },
	},
	returns = { msg = { "str", doc = "What was done, in words." } },
	examples = {
		{ "The editor", [[{ "alternatives": { "name": "editor", "path": "/usr/bin/vim.basic" } }]] },
		{ "A Java that was unpacked by hand", [[
{ "alternatives": { "name": "java", "path": "/opt/jdk/bin/java", "link": "/usr/bin/java", "priority": 100 } }]] },
	},
	decide = function(want, known)
		local answer = need(known:run{ "update-alternatives", "--display", want.name, env = environment })
		if answer.rc == 127 then fail('Failed to find required executable "update-alternatives"') end
		local found = parse(answer.ok and answer.stdout or "")
		local mine, done = found.all[want.path], {}
		local function say(...) done[#done + 1] = string.format(...); result.msg = table.concat(done, " ") end
		result.msg = ""
		if want.state == "absent" then
			if mine then
				say("Remove alternative '%s' from '%s'.", want.path, want.name)
				update("--remove", want.name, want.path)
			end
			return
		end
		if not mine or want.priority and want.priority ~= mine.priority
			or want.subcommands and not same_followers(want.subcommands, mine.subcommands) then
			say("Install alternative '%s' for '%s'.", want.path, want.name)
			install(want, known, found, mine)
		end
		if want.state == "selected" and found.path ~= want.path then
			say("Set alternative '%s' for '%s'.", want.path, want.name)
			update("--set", want.name, want.path)
		elseif want.state == "auto" and found.mode == "manual" then
			say("Set alternative to auto for '%s'.", want.name)
			update("--auto", want.name)
		end
	end,
}

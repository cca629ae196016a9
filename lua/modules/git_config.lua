-- Keeps a setting of git, or tells what is set.

-- Where the setting is: words for git config, and the folder to run it in. Beside no repository no local setting is seen.
local function place(want)
	local scope = want.scope or not want.list_all and "system" or nil
	local words = scope == "file" and { "-f", want.file } or scope and { "--" .. scope } or {}
	return words, (scope == "local" or want.list_all) and want.repo or "/"
end

local function command(words, more, folder)
	local all = { "git", "config", "--includes", chdir = folder, env = { LC_ALL = "C" } }
	for _, part in ipairs{ words, more } do table.move(part, 1, #part, #all + 1, all) end
	return all
end

local function check(ran, words)
	if ran.rc == 127 then fail("there is no git on this host") end
	fail{ msg = ran.stderr ~= "" and ran.stderr or ran.how, rc = ran.rc, cmd = text.words(words) }
end

local function list_all(want, known)
	local words, folder = place(want)
	local question = command({ "-l" }, words, folder)
	local answer = need(known:run(question))
	result.msg, result.config_values = "", dict()
	if not answer.ok and not (answer.rc == 128 and answer.stderr:find("unable to read config file", 1, true)) then
		check(answer, question)
	end
	for _, line in ipairs(answer.ok and text.split(answer.stdout, "\n") or {}) do
		local name, value = line:match("^([^=]*)=(.*)$")
		if name then result.config_values[name] = value end
	end
end

return {
	name = "git_config",
	collection = "community.general",
	doc = "Keeps a setting of git, or tells what is set.",
	args = {
		name = { "str", doc = "The setting, e.g. user.email." },
		value = { "str", doc = "What it shall be. Without a value it is told what it is." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be set." },
		scope = { "str", choices = { "file", "global", "local", "system" },
			doc = "Whose setting: the account's (global), a repository's (local), a file's, or the host's (system), which is meant if nothing is said." },
		repo = { "path", doc = "The repository, for scope local." },
		file = { "path", doc = "The file, for scope file." },
		list_all = { "bool", default = false, doc = "Tells all settings." },
	},
	required_one_of = { { "list_all", "name" } },
	mutually_exclusive = { { "list_all", "name" }, { "list_all", "value" }, { "list_all", "state" } },
	required_if = { { "scope", "local", { "repo" } }, { "scope", "file", { "file" } } },
	returns = {
		msg = { "str", doc = "What was done, in words." },
		config_value = { "str", doc = "The value, where none was given." },
		config_values = { "dict", doc = "All settings, for list_all." },
	},
	examples = {
		{ "Who commits", [[{ "git_config": { "name": "user.email", "value": "jo@example.org", "scope": "global" } }]] },
		{ "A setting that must not be there", [[{ "git_config": { "name": "core.editor", "scope": "local", "repo": "/srv/app", "state": "absent" } }]] },
	},
	decide = function(want, known)
		if want.list_all then return list_all(want, known) end
		local words, folder = place(want)
		local question = command(words, { want.name }, folder)
		local answer = need(known:run(question))
		if answer.rc == nil or answer.rc >= 2 then check(answer, question) end
		local value = want.state == "present" and want.value ~= "" and want.value or nil
		result.msg = ""
		if want.state == "present" and not value then
			result.config_value = answer.stdout
		elseif want.state == "absent" and answer.stdout == "" then
			result.msg = "no setting to unset"
		elseif answer.stdout ~= value then
			diff(want.name, answer.stdout .. "\n", (value or "") .. "\n")
			result.msg = "setting changed"
			step.run(command(words, value and { want.name, value } or { "--unset", want.name }, folder))
		end
	end,
}

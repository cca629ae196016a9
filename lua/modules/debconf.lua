-- Keeps an answer to a question that a Debian package asks when it is configured.

-- The answers there are: lines such as "* locales/default_environment_locale: en_US.UTF-8".
local function answers_of(output)
	local answers = {}
	for _, line in ipairs(text.split(output, "\n")) do
		local question, value = line:match("^([^:]*):(.*)$")
		if question then answers[text.trim((question:gsub("^[%s*]+", "")))] = text.trim(value) end
	end
	return answers
end

return {
	name = "debconf",
	doc = "Keeps an answer to a question that a Debian package asks, or tells the answers that there are.",
	args = {
		name = { "str", required = true, aliases = { "pkg" }, doc = "The package." },
		question = { "str", aliases = { "selection", "setting" }, doc = "The question, e.g. tzdata/Areas." },
		vtype = { "str", choices = { "boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title" },
			doc = "The kind of its answer." },
		value = { "str", aliases = { "answer" }, doc = "The answer." },
		unseen = { "bool", default = false, doc = "Leaves the question to be asked again." },
	},
	required_together = { { "question", "vtype", "value" } },
	returns = {
		current = { "dict", doc = "The answers as they are; after a change the one that was given." },
		previous = { "dict", doc = "The answer before, if it was changed." },
		msg = { "str", doc = "What debconf wrote, if it was given an answer." },
	},
	examples = {
		{ "The locale that is the default", [[
{ "debconf": { "name": "locales", "question": "locales/default_environment_locale", "vtype": "select", "value": "en_US.UTF-8" } }]] },
	},
	decide = function(want, known)
		local answer = need(known:run{ "debconf-show", want.name, env = { LC_ALL = "C.UTF-8" } })
		if not answer.ok then fail("%s", answer.stderr ~= "" and answer.stderr or "debconf-show: " .. answer.how) end
		local before = answers_of(answer.stdout)
		result.current, result.msg = before, ""
		if not want.question then return end
		local value, old = want.value, before[want.question]
		if want.vtype == "boolean" then value, old = value:lower(), old and old:lower() end
		if value == old then return end
		result.current, result.previous = { [want.question] = value }, { [want.question] = before[want.question] or "" }
		if want.vtype ~= "password" then
			diff(want.name, result.previous, result.current)
		end
		local words = { "debconf-set-selections" }
		if want.unseen then words[2] = "-u" end
		words.stdin = table.concat({ want.name, want.question, want.vtype, value }, " ") .. "\n"
		words.secret, words.touches = want.vtype == "password", "/var/cache/debconf"
		result.msg = need(step.run(words)).stdout
	end,
}

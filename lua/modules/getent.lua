-- Asks a host's databases of names by getent, and keeps the answer as a fact.

local has_colons = { passwd = true, shadow = true, group = true, gshadow = true }

local faults = {
	[1] = "Missing arguments, or database unknown.",
	[2] = "One or more supplied key could not be found in the database.",
	[3] = "Enumeration not supported on this database.",
}

local function getent(want, known)
	local words = { "getent", want.database }
	if want.key then words[#words + 1] = want.key end
	if want.service then
		words[#words + 1] = "-s"
		words[#words + 1] = want.service
	end
	local answer = need(known:run(words))
	local name, entries = "getent_" .. want.database, dict()
	if answer.rc == 2 and not want.fail_key and want.key then
		entries[want.key] = null
		result.msg = faults[2]
	elseif not answer.ok then
		fail("%s", answer.rc == 127 and "there is no getent on this host" or faults[answer.rc] or "Unexpected failure!")
	end
	local separator = want.split or has_colons[want.database] and ":" or nil
	local times = {}
	for _, line in ipairs(answer.ok and text.lines(answer.raw) or {}) do
		local record = text.split(line:gsub("[\r\n]+$", ""), separator)
		local key = table.remove(record, 1)
		if key then
			record = list(record)
			times[key] = (times[key] or 0) + 1
			if times[key] == 1 then
				entries[key] = record
			else
				if times[key] == 2 then entries[key] = list{ entries[key] } end
				table.insert(entries[key], record)
			end
		end
	end
	result.ansible_facts = { [name] = entries }
end

return {
	name = "getent",
	doc = "Asks a host's databases of names, such as passwd or hosts, and keeps the answer as the fact getent_DATABASE.",
	args = {
		database = { "str", required = true, doc = "The database: passwd, group, hosts, services, ..." },
		key = { "str", doc = "What to look up; all entries if it is not given." },
		service = { "str", doc = "The source to ask in place of those in /etc/nsswitch.conf." },
		split = { "str", doc = "What stands between fields: a colon for passwd, group and their shadows, else white space." },
		fail_key = { "bool", default = true, doc = "Whether a key that is not there fails the task; if not, its value is null." },
	},
	returns = {
		ansible_facts = { "dict", doc = "getent_DATABASE: for each key the fields behind it." },
	},
	examples = {
		{ "Who root is: getent_passwd.root", [[{ "getent": { "database": "passwd", "key": "root" } }]] },
		{ "An account that may be missing", [[{ "getent": { "database": "passwd", "key": "jo", "fail_key": false } }]] },
	},
	decide = getent,
}

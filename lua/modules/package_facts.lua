-- Tells which packages a host has, as the fact packages: for each name a list of what is installed under it.

-- One entry a line, its fields between tabs.
local function records(output)
	local all = {}
	for _, line in ipairs(text.split(output, "\n")) do
		if line ~= "" then all[#all + 1] = text.split(line, "\t") end
	end
	return all
end

local managers = {}

managers.apt = {
	question = { "dpkg-query", "-W", "-f", "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t${Section}\\n", env = { LC_ALL = "C" } },
	parse = function(output)
		local entries = {}
		for _, fields in ipairs(records(output)) do
			if fields[1]:find("^.i") then
				entries[#entries + 1] = { name = fields[2], version = fields[3], arch = fields[4], category = fields[5] }
			end
		end
		return entries
	end,
}

managers.rpm = {
	question = { "rpm", "-qa", "--qf", "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\n" },
	parse = function(output)
		local entries = {}
		for _, fields in ipairs(records(output)) do
			entries[#entries + 1] = {
				name = fields[1], version = fields[2], release = fields[3], epoch = tonumber(fields[4]) or null,
				arch = fields[5] ~= "(none)" and fields[5] or null,
			}
		end
		return entries
	end,
}

managers.apk = {
	question = { "apk", "info", "-v" },
	parse = function(output)
		local entries = {}
		for _, line in ipairs(text.split(output, "\n")) do
			local name, version, release = line:match("^(.+)%-([^-]+)%-([^-]+)$")
			if name then
				entries[#entries + 1] = { name = name, version = version, release = release }
			elseif line ~= "" then
				entries[#entries + 1] = { name = line, version = "", release = "" }
			end
		end
		return entries
	end,
}

-- pacman's paragraphs of "Name : value"; a value may go on over lines.
local function pacman_entry(paragraph)
	local details, last = {}, nil
	for _, line in ipairs(text.split(paragraph, "\n")) do
		local name, value = line:match("^(%w[%w ]-) +: (.*)$")
		if name then
			last = name
			details[name] = value
		elseif last then
			details[last] = details[last] .. "  " .. text.trim(line)
		end
	end
	if not details.Name then return end
	local provides = null
	if details.Provides and details.Provides ~= "None" then
		provides = list{}
		for _, name in ipairs(text.split(details.Provides, "  ")) do
			if name ~= "" then table.insert(provides, (name:gsub("=.*$", ""))) end
		end
	end
	return { name = details.Name, version = details.Version, arch = details.Architecture, provides = provides }
end

managers.pacman = {
	question = { "pacman", "-Qi", env = { LC_ALL = "C" } },
	parse = function(output)
		local entries = {}
		for _, paragraph in ipairs(text.split(output, "\n\n")) do entries[#entries + 1] = pacman_entry(paragraph) end
		return entries
	end,
}

-- In the order in which they are looked for. rpm comes before apt, as some Debian hosts have a rpm with nothing in it.
local order = { "rpm", "apt", "pacman", "apk" }

-- The managers that are wanted, each once.
local function names_of(want)
	local names, seen = {}, {}
	local function add(name)
		if not seen[name] then names[#names + 1] = name end
		seen[name] = true
	end
	for _, name in ipairs(want.manager) do
		if name:lower() ~= "auto" then add(name:lower()) end
	end
	for _, name in ipairs(want.manager) do
		if name:lower() == "auto" then
			for _, known_one in ipairs(order) do add(known_one) end
		end
	end
	return names
end

local function package_facts(want, known)
	local names, answers = names_of(want), {}
	for i, name in ipairs(names) do answers[i] = known:run(managers[name].question) end
	for i = 1, #names do need(answers[i]) end
	local packages, found = {}, false
	for i, name in ipairs(names) do
		local answer = answers[i]
		local entries = answer.ok and managers[name].parse(answer.stdout) or {}
		if #entries > 0 and (not found or want.strategy == "all") then
			found = true
			local mine = {}
			for _, entry in ipairs(entries) do
				entry.source = name
				mine[entry.name] = mine[entry.name] or list{}
				table.insert(mine[entry.name], entry)
			end
			for package, versions in pairs(mine) do packages[package] = versions end
		end
	end
	if not found then
		fail("Could not detect a supported package manager from the following list: %s", table.concat(names, ", "))
	end
	result.ansible_facts = { packages = packages }
end

return {
	name = "package_facts",
	doc = "Tells which packages a host has, as the fact packages: for each name a list of versions. Nothing is installed for it.",
	args = {
		manager = { "list", elements = "str", default = { "auto" }, choices = { "auto", "apt", "rpm", "apk", "pacman" },
			doc = "Whom to ask: dpkg (apt), rpm, apk or pacman; auto finds out." },
		strategy = { "str", default = "first", choices = { "first", "all" }, doc = "Whether the first that has packages is enough." },
	},
	returns = {
		ansible_facts = { "dict", doc = "packages: by name, lists of dictionaries with name, version, source and what the manager knows." },
	},
	examples = {
		{ "Packages as facts", [[{ "package_facts": {} }]] },
	},
	decide = package_facts,
}

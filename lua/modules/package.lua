-- Keeps packages installed, up to date or away, by whichever manager of packages the host has.

-- The first whose own list of packages is there, so that a stray apt-get on Fedora does not count.
local question = [[
if [ -s /var/lib/dpkg/status ] && command -v apt-get >/dev/null; then echo apt
elif command -v dnf >/dev/null; then echo dnf
elif command -v yum >/dev/null; then echo yum
elif command -v zypper >/dev/null; then echo zypper
elif command -v pacman >/dev/null; then echo pacman
elif command -v apk >/dev/null; then echo apk
fi]]

-- Managers with no module of their own. installed and outdated are asked for each name: exit status 0 is yes, or what `yes`
-- says of the answer.
local simple = {
	apk = {
		installed = function(name) return { "apk", "info", "-e", name } end,
		outdated = function(name) return { "apk", "version", "-l", "<", name } end,
		yes = function(answer) return answer.stdout:find(" < ", 1, true) ~= nil end,
		install = { "apk", "add" }, upgrade = { "apk", "add", "-u" }, remove = { "apk", "del" },
	},
	pacman = {
		installed = function(name) return { sh = ("pacman -Q -- %s >/dev/null 2>&1 || pacman -Qg -- %s"):format(quote(name), quote(name)) } end,
		outdated = function(name) return { "pacman", "-Qu", "--", name } end,
		install = { "pacman", "-S", "--noconfirm", "--needed", "--" }, upgrade = { "pacman", "-S", "--noconfirm", "--needed", "--" },
		remove = { "pacman", "-R", "--noconfirm", "--" },
	},
	zypper = {
		installed = function(name) return { "rpm", "-q", "--whatprovides", name } end,
		outdated = function(name) return { "zypper", "--non-interactive", "--no-refresh", "update", "--dry-run", "--", name } end,
		yes = function(answer) return answer.ok and not answer.stdout:find("Nothing to do", 1, true) end,
		install = { "zypper", "--non-interactive", "install", "--" }, upgrade = { "zypper", "--non-interactive", "update", "--" },
		remove = { "zypper", "--non-interactive", "remove", "--" },
	},
}

local function names_of(want)
	local names = {}
	for _, item in ipairs(want.name) do
		for _, name in ipairs(text.split(item, ",")) do
			if text.trim(name) ~= "" then names[#names + 1] = text.trim(name) end
		end
	end
	return names
end

-- Asks one thing about each name; the names for which it is so, and the others.
local function sort_out(known, names, ask, yes)
	local answers, are, are_not = {}, {}, {}
	for i, name in ipairs(names) do
		local words = ask(name)
		words.env = { LC_ALL = "C" }
		answers[i] = known:run(words)
	end
	for i in ipairs(names) do need(answers[i]) end
	for i, name in ipairs(names) do
		local into = are_not
		if yes and yes(answers[i]) or not yes and answers[i].ok then into = are end
		into[#into + 1] = name
	end
	return are, are_not
end

local function act(words, names)
	local all = { env = { LC_ALL = "C" }, live = true }
	for _, word in ipairs(words) do all[#all + 1] = word end
	for _, name in ipairs(names) do all[#all + 1] = name end
	local done = need(step.run(all))
	result.stdout, result.stderr = done.stdout, done.stderr
end

local function by_simple(manager, want, known)
	local there, missing = sort_out(known, names_of(want), manager.installed)
	if want.state == "absent" then
		if #there > 0 then act(manager.remove, there) end
		return
	end
	local outdated = want.state == "latest" and #there > 0 and sort_out(known, there, manager.outdated, manager.yes) or {}
	if #outdated > 0 then act(manager.upgrade, outdated) end
	if #missing > 0 then act(manager.install, missing) end
end

-- What apt and dnf take beside the arguments that package has itself: given to package, it is for the one that the host has.
local function others_of(...)
	local others = {}
	for _, name in ipairs{ ... } do
		for argument, about in pairs(builtin(name).args) do
			if argument ~= "name" and argument ~= "state" and argument ~= "use_backend" and not others[argument] then
				others[argument] = { about[1], doc = "Of " .. name .. ": " .. about.doc, elements = about.elements,
					choices = about.choices }
			end
		end
	end
	return others
end

local others = others_of("apt", "dnf")

-- Another module decides, with its own defaults for what package has no argument for.
local function by_module(name, want, given, known)
	local module, arguments = builtin(name), { name = want.name, state = want.state }
	for argument in pairs(others) do
		if given[argument] ~= nil and not module.args[argument] then
			fail("%s has no argument %s", name, argument)
		end
	end
	for argument, about in pairs(module.args) do
		if arguments[argument] == nil then arguments[argument] = others[argument] and given[argument] end
		if arguments[argument] == nil then arguments[argument] = about.default end
	end
	return module.decide(arguments, known)
end

local function arguments_of()
	local args = {
		name = { "list", elements = "str", aliases = { "pkg", "package" }, doc = "The packages, as the host's manager calls them." },
		state = { "str", choices = { "absent", "build-dep", "fixed", "installed", "latest", "present", "removed" },
			doc = "present installs what is missing, and is what is done where nothing is said; latest also brings it up to date." },
		use = { "str", default = "auto", choices = { "auto", "apk", "apt", "dnf", "pacman", "yum", "zypper" },
			doc = "The manager; auto finds out." },
	}
	for argument, about in pairs(others) do args[argument] = about end
	return args
end

local states = { installed = "present", removed = "absent" }

return {
	name = "package",
	doc = "Keeps packages installed, up to date or away, by apt, dnf, yum, zypper, pacman or apk, whichever the host has.",
	args = arguments_of(),
	required_one_of = { { "name", "autoclean", "autoremove", "clean", "deb", "update_cache", "upgrade" } },
	returns = {
		stdout = { "str", doc = "What the manager wrote, if it was run." },
		stderr = { "str", doc = "What the manager complained, if it was run." },
	},
	examples = {
		{ "The same name everywhere", [[{ "package": { "name": ["git", "rsync"], "state": "present" } }]] },
		{ "A version that may be an older one, where apt or dnf is the manager", [[
{ "package": { "name": "nginx=1.22.*", "allow_downgrade": true } }]] },
		{ "A name for each family", [[
{ "package": { "name": "{{ 'httpd' if ansible_os_family == 'RedHat' else 'apache2' }}", "state": "latest" } }]] },
	},
	decide = function(given, known)
		local want = { name = given.name, state = states[given.state] or given.state or "present" }
		local manager = given.use
		if manager == "auto" then manager = need(known:run{ sh = question }).stdout end
		if manager == "" then fail("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.") end
		if not simple[manager] then return by_module(manager, want, given, known) end
		if not want.name then fail("%s needs a name", manager) end
		return by_simple(simple[manager], want, known)
	end,
}

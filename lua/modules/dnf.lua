-- Keeps packages of Fedora and its kin installed, up to date or away.
--
-- What is installed is asked of rpm; only what that does not settle is handed to dnf, which says itself whether there was
-- something to do.

-- yum, which decides by this file, gives another name.
local program = ... or "dnf"

-- The options that all of the program's commands share.
local function options(want)
	local words = { program, "-y" }
	local function add(condition, ...)
		if not condition then return end
		for _, word in ipairs{ ... } do words[#words + 1] = word end
	end
	local function each(list_of, option)
		for _, item in ipairs(list_of or {}) do
			for _, part in ipairs(text.split(item, ",")) do add(part ~= "", option .. "=" .. text.trim(part)) end
		end
	end
	add(want.conf_file, "-c", want.conf_file)
	add(want.installroot ~= "/", "--installroot=" .. want.installroot)
	add(want.releasever, "--releasever=" .. (want.releasever or ""))
	each(want.disablerepo, "--disablerepo")
	each(want.enablerepo, "--enablerepo")
	each(want.exclude, "--exclude")
	each(want.disable_plugin, "--disableplugin")
	each(want.enable_plugin, "--enableplugin")
	add(want.disable_excludes, "--disableexcludes=" .. (want.disable_excludes or ""))
	add(want.disable_gpg_check, "--nogpgcheck")
	add(not want.validate_certs or not want.sslverify, "--setopt=sslverify=0")
	add(not want.install_weak_deps, "--setopt=install_weak_deps=False")
	add(want.skip_broken, "--skip-broken")
	add(want.nobest, "--nobest")
	add(want.allowerasing, "--allowerasing")
	add(want.cacheonly, "--cacheonly")
	add(want.security, "--security")
	add(want.bugfix, "--bugfix")
	add(want.download_only or want.download_dir, "--downloadonly")
	add(want.download_dir, "--downloaddir=" .. (want.download_dir or ""))
	words.env = { LC_ALL = "C" }
	return words
end

local function command(want, verb, names)
	local words = options(want)
	words[#words + 1] = verb
	for _, name in ipairs(names or {}) do words[#words + 1] = name end
	return words
end

local function rpm(want, ...)
	if want.installroot ~= "/" then return { "rpm", "--root", want.installroot, ... } end
	return { "rpm", ... }
end

-- What rpm says of one name: nil until it is answered; "unknown" of what only the program can tell.
local function installed(want, known, name)
	if text.starts(name, "@") or name:find("[*?<>= ]") then return "unknown" end
	if text.ends(name, ".rpm") then
		local about = known:run{ "rpm", "-qp", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", name }
		if not about then return end
		if not about.ok then return "unknown" end
		name = about.stdout
	end
	local answer = known:run(rpm(want, "-q", "--whatprovides", name))
	if not answer then return end
	if answer.rc == 127 then fail("there is no rpm on this host: %s works on Fedora and its kin", program) end
	if answer.ok then return "yes" end
	answer = known:run(rpm(want, "-q", name))
	return answer and (answer.ok and "yes" or "no")
end

local function names_of(want)
	local names = {}
	for _, item in ipairs(want.name or {}) do
		for _, name in ipairs(text.starts(item, "@") and { item } or text.split(item, ",")) do
			if text.trim(name) ~= "" then names[#names + 1] = text.trim(name) end
		end
	end
	return names
end

-- Whether updates wait for any of the names: the program's exit status is 100 then.
local function is_outdated(want, known, names)
	local answer = need(known:run(command(want, "check-update", names)))
	if not answer.ok and answer.rc ~= 100 then fail{ msg = answer.stderr, rc = answer.rc, results = list{} } end
	return answer.rc == 100
end

local function act(want, verb, names)
	local words = command(want, verb, names)
	words.live, words.may_fail = true, true
	local done = need(step.run(words))
	result.rc, result.stdout, result.stderr = done.rc, done.stdout, done.stderr
	if not done.ok then
		fail{ msg = done.stderr ~= "" and done.stderr or done.stdout, rc = done.rc, results = list{}, failures = list{} }
	end
	if done.stdout:find("Nothing to do", 1, true) then
		changed(false)
		return
	end
	result.msg = ""
	for _, line in ipairs(text.split(done.stdout, "\n")) do
		local what, package = line:match("^%s*(%u%l+):%s*(%S+)")
		if what and (what == "Installed" or what == "Removed" or what == "Upgraded") then
			table.insert(result.results, what .. ": " .. package)
		end
	end
end

-- The names in two lists: what is there and what is not; what rpm cannot tell counts as wanted.
local function sort_out(want, known, names)
	local states, missing, there = {}, {}, {}
	for i, name in ipairs(names) do states[i] = installed(want, known, name) end
	for i in ipairs(names) do need(states[i]) end
	for i, name in ipairs(names) do
		if states[i] ~= "yes" then missing[#missing + 1] = name end
		if states[i] ~= "no" then there[#there + 1] = name end
	end
	return missing, there
end

local function settle(want, known, names, state)
	local missing, there = sort_out(want, known, names)
	if state == "absent" then
		if #there > 0 then act(want, "remove", there) end
		return
	end
	if want.update_only then missing = {} end
	if state == "latest" then
		if #there > 0 and is_outdated(want, known, there) then
			act(want, #missing > 0 and "install" or "upgrade", #missing > 0 and names or there)
			return
		end
	end
	if #missing > 0 then act(want, "install", missing) end
end

local function dnf(want, known)
	local names = names_of(want)
	local state = want.state or (want.autoremove and "absent" or "present")
	state = ({ installed = "present", removed = "absent" })[state] or state
	result.msg, result.results, result.rc = "Nothing to do", list{}, 0
	if want.update_cache then
		local words = command(want, "makecache")
		words.changes = false
		need(step.run(words))
		if #names == 0 then result.msg = "Cache updated" end
	end
	if want.autoremove then
		if state ~= "absent" then fail("Autoremove should be used alone or with state=absent") end
		return act(want, #names > 0 and "remove" or "autoremove", names)
	end
	if names[1] == "*" and #names == 1 then
		if state ~= "latest" then fail("the name * needs state latest") end
		if is_outdated(want, known, {}) then act(want, "upgrade") end
		return
	end
	if #names > 0 then settle(want, known, names, state) end
end

return {
	name = "dnf",
	doc = "Keeps packages of Fedora and its kin installed, up to date or away, by rpm and dnf. Nothing else is needed on the host.",
	args = {
		name = { "list", elements = "str", aliases = { "pkg" },
			doc = "The packages: names, versions such as foo-1.2, groups such as @tools, files and URLs; * with state latest is all." },
		state = { "str", choices = { "absent", "present", "installed", "removed", "latest" },
			doc = "present installs what is missing; latest also brings it up to date. present by default, absent with autoremove." },
		update_cache = { "bool", default = false, aliases = { "expire-cache" }, doc = "Fetches the lists of packages first." },
		enablerepo = { "list", elements = "str", doc = "Repositories to use as well." },
		disablerepo = { "list", elements = "str", doc = "Repositories not to use." },
		exclude = { "list", elements = "str", doc = "Packages to leave alone." },
		conf_file = { "path", doc = "Another configuration file." },
		disable_excludes = { "str", doc = "Ignores exclusions of the configuration: all, main or a repository." },
		disable_gpg_check = { "bool", default = false, doc = "Takes packages whose signature is not good." },
		disable_plugin = { "list", elements = "str", doc = "Plugins to switch off." },
		enable_plugin = { "list", elements = "str", doc = "Plugins to switch on." },
		installroot = { "path", default = "/", doc = "The root of another system to work in." },
		releasever = { "str", doc = "The release that packages come from." },
		autoremove = { "bool", default = false, doc = "Removes packages that were needed by others only." },
		allowerasing = { "bool", default = false, doc = "May remove packages that are in the way." },
		allow_downgrade = { "bool", default = false, doc = "Has no effect: a version that is named is installed, also if it is older." },
		nobest = { "bool", default = false, doc = "Takes an older version where the newest cannot be installed." },
		skip_broken = { "bool", default = false, doc = "Leaves packages out that cannot be installed." },
		install_weak_deps = { "bool", default = true, doc = "Installs what packages recommend." },
		install_repoquery = { "bool", default = true, doc = "Has no effect." },
		update_only = { "bool", default = false, doc = "With state latest, leaves packages alone that are not installed." },
		security = { "bool", default = false, doc = "With state latest, only updates that mend security." },
		bugfix = { "bool", default = false, doc = "With state latest, only updates that mend faults." },
		cacheonly = { "bool", default = false, doc = "Fetches no lists." },
		download_only = { "bool", default = false, doc = "Fetches packages and installs none." },
		download_dir = { "path", doc = "Where fetched packages go." },
		sslverify = { "bool", default = true, doc = "Whether the certificates of repositories must be good." },
		validate_certs = { "bool", default = true, doc = "Whether the certificates of servers must be good." },
	},
	returns = {
		msg = { "str", doc = "\"Nothing to do\" if it was so." },
		results = { "list", doc = "What was done, a line for each package." },
		rc = { "int", doc = "The exit status." },
		stdout = { "str", doc = "What was written, if anything was to do." },
	},
	examples = {
		{ "A web server", [[{ "dnf": { "name": ["nginx", "mod_ssl"], "state": "present" } }]] },
		{ "All packages up to date", [[{ "dnf": { "name": "*", "state": "latest" } }]] },
	},
	decide = dnf,
}

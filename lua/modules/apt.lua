-- Keeps Debian packages installed, up to date or away.
--
-- What is installed is asked of dpkg; only if that is not enough, apt-get is asked by a simulation what it would do, so a
-- virtual package, a version and a pattern mean exactly what they mean to apt-get.

local environment = { DEBIAN_FRONTEND = "noninteractive", LC_ALL = "C" }

-- The options that simulation and deed share.
local function options(want)
	local words = { "-y", "-q" }
	for _, option in ipairs(text.split(want.dpkg_options, ",")) do
		words[#words + 1] = "-o"
		words[#words + 1] = "Dpkg::Options::=--" .. option
	end
	words[#words + 1] = "-o"
	words[#words + 1] = "DPkg::Lock::Timeout=" .. want.lock_timeout
	local flags = {
		{ want.install_recommends == false, "--no-install-recommends" },
		{ want.install_recommends, "--install-recommends" },
		{ want.default_release, "-t", want.default_release },
		{ want.force, "--force-yes" },
		{ want.allow_unauthenticated, "--allow-unauthenticated" },
		{ want.allow_downgrade, "--allow-downgrades" },
		{ want.allow_change_held_packages, "--allow-change-held-packages" },
		{ want.fail_on_autoremove, "--no-remove" },
		{ want.only_upgrade, "--only-upgrade" },
		{ want.autoremove, "--auto-remove" },
		{ want.purge, "--purge" },
	}
	for _, flag in ipairs(flags) do
		if flag[1] then
			for i = 2, #flag do words[#words + 1] = flag[i] end
		end
	end
	return words
end

local function apt_get(want, verb, names)
	local words = { "apt-get" }
	for _, word in ipairs(options(want)) do words[#words + 1] = word end
	words[#words + 1] = verb
	for _, name in ipairs(names or {}) do words[#words + 1] = name end
	words.env = environment
	return words
end

-- What apt-get would install and remove: lines such as "Inst vim [1.0] (1.1 Debian:12 [amd64])".
local function simulate(want, known, verb, names)
	local words = apt_get(want, verb, names)
	table.insert(words, 2, "-s")
	local answer = need(known:run(words))
	if not answer.ok then fail("apt-get %s: %s", verb, answer.stderr ~= "" and answer.stderr or answer.how) end
	local changes = 0
	for _, line in ipairs(text.split(answer.stdout, "\n")) do
		if line:find("^Inst ") or line:find("^Remv ") or line:find("^Purg ") or line:find("^Conf ") then changes = changes + 1 end
	end
	return changes
end

local function act(want, verb, names)
	local words = apt_get(want, verb, names)
	words.live = true
	if want.policy_rc_d then
		words = { live = true, env = environment, sh = ([[
file=/usr/sbin/policy-rc.d
[ -e $file ] && mv $file $file.neap
printf '#!/bin/sh\nexit %%d\n' %d >$file && chmod 755 $file
%s; status=$?
rm -f $file; [ -e $file.neap ] && mv $file.neap $file
exit $status]]):format(want.policy_rc_d, text.words(words)) }
	end
	local done = need(step.run(words))
	result.stdout, result.stderr = done.raw, done.stderr ~= "" and done.stderr .. "\n" or ""
end

-- "name", "name:arch", "name=version" in parts; a name with * is a pattern.
local function parse(written)
	local name, version = written:match("^([^=]+)=(.+)$")
	name = name or written
	return { written = written, name = name, version = version, pattern = name:find("[*?]") or (version and version:find("*", 1, true)) }
end

-- How dpkg has each name: {["vim"] = version}. One that is configured only in part does not count.
local function installed(known, packages)
	local words = { "dpkg-query", "-W", "-f", "${binary:Package}\\t${Package}\\t${Version}\\t${db:Status-Abbrev}\\n" }
	for _, package in ipairs(packages) do words[#words + 1] = package.name end
	words.env = environment
	local answer = need(known:run(words))
	if answer.rc == 127 then fail("there is no dpkg-query on this host: apt works on Debian and its kin") end
	local versions = {}
	for _, line in ipairs(text.split(answer.stdout, "\n")) do
		local full, name, version, status = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
		if full and status:find("^.i") then
			versions[full], versions[name] = version, version
		end
	end
	return versions
end

-- Whether dpkg alone says that nothing is to do for a package.
local function is_settled(want, package, versions)
	if package.pattern then return false end
	local version = versions[package.name]
	if want.state == "absent" then return not version and not want.purge end
	if want.state ~= "present" then return false end
	if want.only_upgrade and not version then return true end
	return version ~= nil and (not package.version or package.version == version)
end

-- Whether the lists of packages are to be fetched, and when they were last.
local function cache_state(want, known)
	local lists = known:stat("/var/lib/apt/lists")
	local stamp = known:stat("/var/lib/apt/periodic/update-success-stamp")
	local now = known:run{ "date", "+%s" }
	need(lists, stamp, now)
	local time = math.max(lists.mtime or 0, stamp.mtime or 0)
	result.cache_update_time, result.cache_updated = math.floor(time), false
	return want.cache_valid_time == 0 or tonumber(now.stdout) - time >= want.cache_valid_time
end

-- Fetches the lists; says that the task is changed only where it has nothing else to do. In check mode nothing is known
-- behind this step, so `likely` tells beforehand whether there will be a change.
local function update(want, changes, likely)
	local words = apt_get(want, "update")
	words.changes = changes
	words.may_fail = true
	for try = 0, want.update_cache_retries do
		local done = step.run(words)
		if not done and likely then changed() end
		if need(done).ok then
			result.cache_updated = true
			return
		end
		if try == want.update_cache_retries then fail("Failed to update apt cache: %s", done.stderr) end
		step.wait(math.min(2 ^ try, want.update_cache_retry_max_delay))
	end
end

local function packages_of(want)
	local packages = {}
	for _, names in ipairs(want.name or {}) do
		for _, name in ipairs(text.split(names, ",")) do
			name = text.trim(name)
			if name ~= "" then packages[#packages + 1] = parse(name) end
		end
	end
	return packages
end

-- What dpkg alone leaves to do, or to ask apt-get: the others must not be named to it, which would upgrade them.
local function open_names(want, packages, versions)
	local names, options = {}, {}
	for _, package in ipairs(packages) do
		if not is_settled(want, package, versions) then
			names[#names + 1] = package.written
			if package.pattern and not package.version and want.state == "present" then options[1] = "--no-upgrade" end
		end
	end
	return table.move(names, 1, #names, #options + 1, options), #names > 0
end

local function settle_packages(want, known, packages, versions)
	local names, is_open = open_names(want, packages, versions)
	local verb = want.state == "absent" and (want.purge and "purge" or "remove")
		or want.state == "build-dep" and "build-dep" or "install"
	if want.state == "fixed" then table.insert(names, 1, "--fix-broken") end
	if is_open and simulate(want, known, verb, names) > 0 then act(want, verb, names) end
end

-- A package's file: installed unless that version is there. A URL is fetched first.
local function install_file(want, known)
	local path = want.deb
	if path:find("^%a+://") then
		path = "/var/cache/apt/archives/" .. file.name(path)
		step.run{ sh = ("set -e; umask 022; if command -v curl >/dev/null; then curl -fsSL -o %s %s; else wget -q -O %s %s; fi"):format(
			quote(path), quote(want.deb), quote(path), quote(want.deb)), touches = path, changes = false }
	end
	local about = need(known:run{ "dpkg-deb", "--show", "--showformat", "${Package}\\t${Version}", path })
	if not about.ok then fail("%s: %s", path, about.stderr) end
	local name, version = about.stdout:match("^(.*)\t(.*)$")
	if installed(known, { { name = name } })[name] ~= version then act(want, "install", { path }) end
end

local upgrades = { yes = "upgrade", safe = "upgrade", full = "dist-upgrade", dist = "dist-upgrade" }

local function apt(want, known)
	local packages = packages_of(want)
	local upgrade = upgrades[want.upgrade]
	local only_update = #packages == 0 and not upgrade and not want.deb and not want.autoremove and not want.autoclean and not want.clean
	local versions = #packages > 0 and installed(known, packages)
	local tells_cache = only_update or #packages > 0 and want.state ~= "absent"
	local wants_cache = want.update_cache or want.cache_valid_time > 0
	if tells_cache then result.cache_updated = false end
	if wants_cache and cache_state(want, known) then
		update(want, only_update, versions and want.state == "present" and select(2, open_names(want, packages, versions)))
	end
	if upgrade and simulate(want, known, upgrade) > 0 then
		act(want, upgrade)
		result.msg = result.stdout
	end
	if want.deb then install_file(want, known) end
	if #packages > 0 then
		settle_packages(want, known, packages, versions)
	elseif want.autoremove and not upgrade and simulate(want, known, "autoremove") > 0 then
		act(want, "autoremove")
	end
	for _, verb in ipairs{ "autoclean", "clean" } do
		local words = want[verb] and apt_get(want, verb)
		if words then
			words.changes = false
			step.run(words)
		end
	end
end

return {
	name = "apt",
	doc = "Keeps Debian packages installed, up to date or away, by dpkg-query and apt-get. Nothing else is needed on the host.",
	args = {
		name = { "list", elements = "str", aliases = { "package", "pkg" },
			doc = "The packages: names, patterns such as libfoo*, or versions such as foo=1.2." },
		state = { "str", default = "present", choices = { "absent", "build-dep", "fixed", "latest", "present" },
			doc = "present installs what is missing; latest also brings it up to date; build-dep installs what building it needs." },
		update_cache = { "bool", default = false, aliases = { "update-cache" }, doc = "Fetches the lists of packages first." },
		cache_valid_time = { "int", default = 0, doc = "Fetches the lists only if they are older than so many seconds. Implies update_cache." },
		update_cache_retries = { "int", default = 5, doc = "How often fetching the lists is tried again." },
		update_cache_retry_max_delay = { "int", default = 12, doc = "The longest wait between two tries, in seconds." },
		upgrade = { "str", default = "no", choices = { "dist", "full", "no", "safe", "yes" },
			doc = "Brings all packages up to date: yes and safe remove none, full and dist may." },
		deb = { "path", doc = "A package's file on the host, or its URL." },
		default_release = { "str", aliases = { "default-release" }, doc = "The release that packages come from." },
		install_recommends = { "bool", aliases = { "install-recommends" }, doc = "Whether recommended packages are installed; apt decides by default." },
		dpkg_options = { "str", default = "force-confdef,force-confold", doc = "Options for dpkg, with commas." },
		purge = { "bool", default = false, doc = "Removes configuration files as well, with state absent." },
		autoremove = { "bool", default = false, doc = "Removes packages that were needed by others only." },
		autoclean = { "bool", default = false, doc = "Cleans files of packages that can no longer be fetched." },
		clean = { "bool", default = false, doc = "Cleans all fetched files of packages." },
		only_upgrade = { "bool", default = false, doc = "Leaves packages alone that are not installed." },
		fail_on_autoremove = { "bool", default = false, doc = "Fails if a package would be removed." },
		force = { "bool", default = false, doc = "Gives apt-get --force-yes." },
		force_apt_get = { "bool", default = false, doc = "Has no effect: apt-get is always used." },
		allow_unauthenticated = { "bool", default = false, aliases = { "allow-unauthenticated" }, doc = "Takes packages that are not signed." },
		allow_downgrade = { "bool", default = false, aliases = { "allow-downgrade", "allow_downgrades", "allow-downgrades" },
			doc = "Takes a version that is older than the one installed." },
		allow_change_held_packages = { "bool", default = false, doc = "Changes packages that are on hold." },
		lock_timeout = { "int", default = 60, doc = "How many seconds to wait for another that holds dpkg's lock." },
		policy_rc_d = { "int", doc = "The exit status that keeps services from starting meanwhile, e.g. 101." },
	},
	mutually_exclusive = { { "deb", "name" } },
	returns = {
		cache_updated = { "bool", doc = "Whether the lists were fetched." },
		cache_update_time = { "int", doc = "When the lists were fetched before this task, in seconds since 1970." },
		stdout = { "str", doc = "What apt-get wrote, if it was run." },
		stderr = { "str", doc = "What apt-get complained, if it was run." },
	},
	examples = {
		{ "A web server, with lists at most an hour old", [[
{ "apt": { "name": ["nginx", "ssl-cert"], "update_cache": true, "cache_valid_time": 3600 } }]] },
		{ "All packages up to date", [[{ "apt": { "upgrade": "safe", "update_cache": true } }]] },
		{ "A package that must not be there", [[{ "apt": { "name": "telnetd", "state": "absent", "purge": true } }]] },
	},
	decide = apt,
}

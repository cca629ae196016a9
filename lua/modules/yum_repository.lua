-- Keeps a repository of packages in a file of yum.repos.d.

local function option(kind, doc, more)
	local arg = { kind, doc = doc }
	for name, value in pairs(more or {}) do arg[name] = value end
	return arg
end

local function strings(doc) return { "list", elements = "str", doc = doc } end

-- What is written into the section, beside its name.
local options = {
	async = option("bool", "Whether metadata are fetched in the background."),
	bandwidth = option("str", "The network's most bytes in a second."),
	baseurl = strings("Addresses of the repository. One of baseurl, metalink and mirrorlist is needed."),
	cost = option("str", "What it costs to use it, compared with others."),
	deltarpm_metadata_percentage = option("str", "How big metadata of deltas may be, in percent."),
	deltarpm_percentage = option("str", "How big deltas may be, in percent of the package."),
	enabled = option("bool", "Whether it is used."),
	enablegroups = option("bool", "Whether its groups of packages are used."),
	exclude = strings("Packages that are not taken from it."),
	failovermethod = option("str", "The order in which addresses are tried.", { choices = { "priority", "roundrobin" } }),
	gpgcakey = option("str", "The address of the authority's key."),
	gpgcheck = option("bool", "Whether packages must be signed."),
	gpgkey = strings("Addresses of the keys that they are signed by."),
	http_caching = option("str", "What caches on the way may keep.", { choices = { "all", "none", "packages" } }),
	include = option("str", "A file of more configuration."),
	includepkgs = strings("The only packages that are taken from it."),
	ip_resolve = option("str", "The family of addresses.", { choices = { "4", "6", "IPv4", "IPv6", "whatever" } }),
	keepalive = option("bool", "Whether connections are used again."),
	keepcache = option("str", "Whether packages are kept when they are installed.", { choices = { "0", "1" } }),
	metadata_expire = option("str", "How long metadata are good, in seconds."),
	metadata_expire_filter = option("str", "For which commands that counts.",
		{ choices = { "never", "read-only:future", "read-only:past", "read-only:present" } }),
	metalink = option("str", "The address of a metalink file."),
	mirrorlist = option("str", "The address of a list of mirrors."),
	mirrorlist_expire = option("str", "How long that list is good, in seconds."),
	module_hotfixes = option("bool", "Whether its packages are taken whatever modules say."),
	password = option("secret", "The password for the repository."),
	priority = option("str", "Its priority, 1 to 99."),
	protect = option("bool", "Whether its packages are protected from updates by others."),
	proxy = option("str", "The address of a proxy, or _none_."),
	proxy_password = option("secret", "The password for the proxy."),
	proxy_username = option("str", "The account for the proxy."),
	repo_gpgcheck = option("bool", "Whether metadata must be signed."),
	retries = option("str", "How often a file is tried."),
	s3_enabled = option("bool", "Whether its addresses are of S3."),
	skip_if_unavailable = option("bool", "Whether it may be unreachable."),
	ssl_check_cert_permissions = option("bool", "Whether the modes of certificates are looked at."),
	sslcacert = option("str", "The file of authorities.", { aliases = { "ca_cert" } }),
	sslclientcert = option("str", "The certificate to show.", { aliases = { "client_cert" } }),
	sslclientkey = option("str", "Its key.", { aliases = { "client_key" } }),
	sslverify = option("bool", "Whether the server's certificate must be good.", { aliases = { "validate_certs" } }),
	throttle = option("str", "The part of the bandwidth that is used."),
	timeout = option("str", "How many seconds to wait for a connection."),
	ui_repoid_vars = option("str", "Variables that its name is shown with."),
	username = option("str", "The account for the repository."),
}

local function arguments()
	local args = file.arguments({ "mode", "owner", "group" }, {
		name = { "str", required = true, doc = "The repository's name, the section." },
		description = { "str", doc = "What it is called for people. Needed unless it is taken away." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be there." },
		file = { "str", doc = "The file without .repo; by default it is called as the repository." },
		reposdir = { "path", default = "/etc/yum.repos.d", doc = "The folder of the files." },
	})
	for name, about in pairs(options) do args[name] = about end
	return args
end

-- The file in pieces: {heading, lines}; the first is what is above all sections.
local function sections_of(content)
	local sections = { { lines = {} } }
	for _, line in ipairs(text.lines(content)) do
		local heading = line:match("^%[([^%]]*)%]")
		if heading then sections[#sections + 1] = { heading = heading, lines = {} } end
		local lines = sections[#sections].lines
		lines[#lines + 1] = line
	end
	return sections
end

-- The options of a section, a value of several lines with newlines.
local function values_of(section)
	local values, last = {}, nil
	for i = 2, #section.lines do
		local line = section.lines[i]:gsub("\n$", "")
		local key, value = line:match("^([^%s#;=:][^=:]-)%s*[=:]%s*(.-)%s*$")
		if key then
			last = key:lower()
			values[last] = value
		elseif last and line:find("^%s+[^%s]") then
			values[last] = values[last] .. "\n" .. text.trim(line)
		end
	end
	return values
end

-- The options as they shall be, as texts.
local function wanted_values(want)
	local values = { name = want.description }
	for name in pairs(options) do
		local value = want[name]
		if type(value) == "table" then
			value = table.concat(value, (name == "baseurl" or name == "gpgkey") and "\n" or " ")
		elseif type(value) == "boolean" then
			value = value and "1" or "0"
		end
		values[name] = value
	end
	return values
end

local function render(name, values)
	local lines = { "[" .. name .. "]\n" }
	for key, value in pairs(values) do lines[#lines + 1] = key .. " = " .. value:gsub("\n", "\n\t") .. "\n" end
	lines[#lines + 1] = "\n"
	return lines
end

local function same(a, b) return json.encode(a) == json.encode(b) end

-- The file's text as it shall be; false where there is nothing left in it.
local function edit(want, content)
	local sections, found = sections_of(content), nil
	for i, section in ipairs(sections) do
		if section.heading == want.name then found = i end
	end
	if want.state == "absent" then
		if not found then return content end
		table.remove(sections, found)
		if #sections == 1 then return false end
	else
		local values = wanted_values(want)
		if found and same(values_of(sections[found]), values) then return content end
		if content ~= "" and not text.ends(content, "\n") then
			local last = sections[#sections].lines
			last[#last] = last[#last] .. "\n"
		end
		sections[found or #sections + 1] = { lines = render(want.name, values) }
	end
	local all = {}
	for _, section in ipairs(sections) do all[#all + 1] = table.concat(section.lines) end
	return table.concat(all)
end

return {
	name = "yum_repository",
	doc = "Keeps a repository of packages in a file of yum.repos.d, for yum and dnf.",
	args = arguments(),
	required_if = { { "state", "present", { "baseurl", "metalink", "mirrorlist" }, any = true }, { "state", "present", { "description" } } },
	returns = {
		repo = { "str", doc = "The repository's name." },
		state = { "str", doc = "The state, as it was given." },
	},
	examples = {
		{ "More packages for Enterprise Linux", [[
{ "yum_repository": { "name": "epel", "description": "EPEL", "baseurl": "https://download.fedoraproject.org/pub/epel/$releasever/$basearch/", "gpgcheck": true, "gpgkey": "https://example.com/RPM-GPG-KEY-EPEL" } }]] },
		{ "One that must not be there", [[{ "yum_repository": { "name": "epel", "file": "external", "state": "absent" } }]] },
	},
	decide = function(want, known)
		result.repo, result.state = want.name, want.state
		local folder = known:stat(want.reposdir, { follow = true })
		local path = want.reposdir .. "/" .. (want.file or want.name) .. ".repo"
		local stat, before = file.load(known, path)
		if need(folder).type ~= "directory" then fail("Repo directory '%s' does not exist.", want.reposdir) end
		local after = edit(want, before or "")
		if after == false then
			diff(path, before, false)
			step.remove(path)
		elseif stat.exists or after ~= "" then
			need(file.save(known, { path = path, mode = want.mode, owner = want.owner, group = want.group }, stat, before, after))
		end
	end,
}

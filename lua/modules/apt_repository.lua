-- Keeps a source of packages in apt's lists of sources.

local main, parts = "/etc/apt/sources.list", "/etc/apt/sources.list.d"

-- A line in parts: whether it is a source, whether it is switched on, and the source with single blanks.
local function parse(line)
	line = text.trim(line)
	local enabled = not text.starts(line, "#")
	if not enabled then line = line:sub(2) end
	local source = text.trim((line:gsub("^(..-)#.*$", "%1"))):gsub("%s+", " ")
	local kind = source:match("^(%S+) ")
	return kind == "deb" or kind == "deb-src", enabled, source
end

-- The name of the file for a source, from its address.
local function file_name(want, source)
	if want.filename then
		return text.starts(want.filename, "/") and want.filename .. ".list" or parts .. "/" .. want.filename .. ".list"
	end
	local bare = source:gsub("%[[^%]]+%]", ""):gsub("[%w_]+://", "")
	for word in bare:gmatch("%S+") do
		if word ~= "deb" and word ~= "deb-src" then
			word = word:gsub("^[^@]*@", "")
			return parts .. "/" .. table.concat(text.split(text.trim((word:gsub("[^%w]+", " "))), " "), "_") .. ".list"
		end
	end
end

-- All lists of sources: {{path, content}}, sources.list first.
local function load(known)
	local paths = known:glob(parts .. "/*.list")
	local contents = { known:read(main) }
	need(paths, contents[1])
	paths = table.move(paths or {}, 1, #(paths or {}), 2, { main })
	for i = 2, #paths do contents[i] = known:read(paths[i]) end
	local files = {}
	for i, path in ipairs(paths) do
		local content = need(contents[i])
		if content then files[#files + 1] = { path = path, content = content } end
	end
	return files
end

-- The lists as they shall be: those whose text is another one, each with what it was and will be (false: no file).
local function changes(want, files, source, path)
	local list, there = {}, false
	for _, each in ipairs(files) do
		local lines = {}
		for _, line in ipairs(text.lines(each.content)) do
			local is_source, enabled, found = parse(line)
			local mine = is_source and found == source
			there = there or mine
			if mine and want.state == "present" and not enabled then line = line:gsub("^%s*#%s*", "") end
			if not (mine and enabled and want.state == "absent") then lines[#lines + 1] = line end
		end
		local after = table.concat(lines)
		if after ~= each.content then list[#list + 1] = { path = each.path, before = each.content, after = after ~= "" and after } end
	end
	if there or want.state == "absent" then return list end
	local before = false
	for _, each in ipairs(files) do
		if each.path == path then before = each.content end
	end
	local start = before or ""
	if start ~= "" and not text.ends(start, "\n") then start = start .. "\n" end
	return { { path = path, before = before, after = start .. source .. "\n" } }
end

local function write(want, known, change, content)
	if not content then
		return step.remove(change.path)
	end
	if not need(known:stat(file.folder(change.path), { follow = true })).exists then
		step.mkdir{ path = file.folder(change.path), parents = true }
	end
	return step.put{ path = change.path, content = content, follow = true, mode = not change.before and (want.mode or "0644") or nil }
end

-- Fetches the lists of packages; where that fails, the sources are as they were.
local function update(want, known, list)
	local done
	for try = 0, want.update_cache_retries - 1 do
		done = need(step.run{ "apt-get", "update", "-q", env = { DEBIAN_FRONTEND = "noninteractive", LC_ALL = "C" }, may_fail = true, live = true,
			touches = { "/var/lib/apt", "/var/cache/apt" } })
		if done.ok then return end
		step.wait(math.min(2 ^ try, want.update_cache_retry_max_delay))
	end
	for _, change in ipairs(list) do need(write(want, known, change, change.before)) end
	fail("Failed to update apt cache: %s", done and done.stderr ~= "" and done.stderr or "unknown reason")
end

-- ppa:OWNER/NAME as the source, owner and name.
local function expand(want, known)
	local owner, name = want.repo:match("^ppa:([%w.+-]+)/?([%w.+-]*)$")
	if not owner then fail("Invalid repository string: %s", text.trim(want.repo)) end
	local codename = want.codename
	if not codename then
		local release = need(known:read("/etc/os-release")) or ""
		codename = ("\n" .. release):match("\nVERSION_CODENAME=\"?([%w_.-]+)")
		if not codename then fail("the host does not say its codename: give codename") end
	end
	name = name ~= "" and name or "ppa"
	return ("deb http://ppa.launchpad.net/%s/%s/ubuntu %s main"):format(owner, name, codename), owner, name, codename
end

-- Fetches the key of a personal archive, by the fingerprint that Launchpad tells.
local function fetch_key(want, owner, name)
	local to = ("/etc/apt/trusted.gpg.d/%s-%s.asc"):format(owner, name)
	need(step.run{ touches = to, sh = ([[
set -e
fetch() { if command -v curl >/dev/null; then curl -fsSL %s "$1"; else wget -q %s -O - "$1"; fi; }
key=$(fetch https://launchpad.net/api/1.0/~%s/+archive/%s | sed -n 's/.*"signing_key_fingerprint": *"\([0-9A-Fa-f]*\)".*/\1/p')
[ "$key" ] || { echo "failed to fetch PPA information" >&2; exit 1; }
umask 022
fetch "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x$key" >%s || { rm -f %s; exit 1; }]]):format(
		want.validate_certs and "" or "-k", want.validate_certs and "" or "--no-check-certificate", owner, name, quote(to), quote(to)) })
end

return {
	name = "apt_repository",
	doc = "Keeps a source of Debian packages in apt's lists of sources, and fetches the lists of packages when it changes.",
	args = {
		repo = { "str", required = true, doc = "The source as a line of sources.list, or ppa:OWNER/NAME." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be there." },
		filename = { "str", doc = "The file in sources.list.d for a new source, without .list. By default it is called after the address." },
		mode = { "mode", doc = "The mode of a new file, 0644 if it is not given." },
		codename = { "str", doc = "The codename for a ppa:, by default the host's own." },
		update_cache = { "bool", default = true, aliases = { "update-cache" }, doc = "Fetches the lists of packages after a change." },
		update_cache_retries = { "int", default = 5, doc = "How often that is tried." },
		update_cache_retry_max_delay = { "int", default = 12, doc = "The longest wait between two tries, in seconds." },
		validate_certs = { "bool", default = true, doc = "Whether Launchpad's certificate must be good, for a ppa:." },
		install_python_apt = { "bool", default = true, doc = "Has no effect: no Python is needed." },
	},
	returns = {
		repo = { "str", doc = "The source, as it was given." },
		state = { "str", doc = "The state, as it was given." },
	},
	examples = {
		{ "A vendor's packages, with the key that they are signed by", [[
{ "apt_repository": { "repo": "deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable", "filename": "docker" } }]] },
		{ "A source that must not be there", [[
{ "apt_repository": { "repo": "deb http://archive.example.com/debian buster main", "state": "absent" } }]] },
	},
	decide = function(want, known)
		if text.trim(want.repo) == "" then fail("Please set argument 'repo' to a non-empty value") end
		result.repo, result.state = want.repo, want.state
		local source, owner, name, path
		if text.starts(want.repo, "ppa:") then
			local codename
			source, owner, name, codename = expand(want, known)
			path = file_name(want, want.repo .. "_" .. codename)
		else
			local is_source, enabled
			is_source, enabled, source = parse(want.repo)
			if not is_source or not enabled then fail("Invalid repository string: %s", text.trim(want.repo)) end
			path = file_name(want, source)
		end
		local list = changes(want, load(known), source, path)
		if #list == 0 then return end
		for _, change in ipairs(list) do diff(change.path, change.before, change.after) end
		if owner and want.state == "present" then fetch_key(want, owner, name) end
		for _, change in ipairs(list) do write(want, known, change, change.after) end
		if want.update_cache then update(want, known, list) end
	end,
}

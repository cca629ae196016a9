-- Fetches a file from the web to a host, by the host's own curl or wget.

local function url_name(url)
	local path = url:gsub("[?#].*$", ""):match("^%a[%w+.-]*://[^/]*(/.*)$") or ""
	local name = file.name(path)
	return name ~= "" and name or "index.html"
end

-- Words for curl in a shell script; what is secret goes into its configuration on stdin.
local function curl_words(want, url, to)
	local words = { "curl", "-fsSL", "--connect-timeout", tostring(want.timeout), "--speed-time", tostring(want.timeout), "--speed-limit", "1",
		"-H", "Accept:", "-o", to, "-A", want.http_agent }
	if to ~= "-" then words[#words + 1] = "-D-" end
	local flags = {
		{ not want.validate_certs, "-k" }, { not want.use_proxy, "--noproxy", "*" }, { want.use_netrc, "-n" },
		{ want.decompress, "--compressed" }, { want.client_cert, "--cert", want.client_cert },
		{ want.client_key, "--key", want.client_key }, { want.use_gssapi, "--negotiate" },
		{ want.ciphers, "--ciphers", want.ciphers and table.concat(want.ciphers, ":") },
	}
	for _, flag in ipairs(flags) do
		if flag[1] then
			for i = 2, #flag do words[#words + 1] = flag[i] end
		end
	end
	words[#words + 1] = "-K"
	words[#words + 1] = "-"
	words[#words + 1] = url
	return text.words(words)
end

local function wget_words(want, url, to)
	local words = { "wget", "-q", to == "-" and "-T" or "-ST", tostring(want.timeout), "-U", want.http_agent, "-O", to }
	if not want.validate_certs then words[#words + 1] = "--no-check-certificate" end
	if not want.use_proxy then words[#words + 1] = "--no-proxy" end
	for name, value in pairs(want.headers or {}) do
		words[#words + 1] = "--header=" .. name .. ": " .. tostring(value)
	end
	words[#words + 1] = url
	return text.words(words)
end

-- curl's configuration: headers and password, which shall not be seen among the host's processes.
local function curl_configuration(want)
	local lines = {}
	local function add(option, value)
		lines[#lines + 1] = option .. ' = "' .. value:gsub('[\\"]', "\\%0") .. '"\n'
	end
	for name, value in pairs(want.headers or {}) do add("header", name .. ": " .. tostring(value)) end
	if want.url_username then add("user", want.url_username .. ":" .. (want.url_password or "")) end
	return table.concat(lines)
end

-- A script that fetches url to a file, or to its output for "-".
local function fetch_script(want, url, to)
	local needs_curl = want.url_username or want.client_cert or want.use_gssapi or want.ciphers
	return ("if command -v curl >/dev/null; then %s\n%sfi"):format(
		curl_words(want, url, to),
		needs_curl and "else echo 'curl is needed for these arguments' >&2; false\n"
			or "elif command -v wget >/dev/null; then " .. wget_words(want, url, to) .. "\n"
				.. "else echo 'this host has neither curl nor wget' >&2; false\n")
end

-- What the last server said in its headers: status, reason and length, nil where it did not.
local function reply(done)
	local status, reason, length
	for _, line in ipairs(text.lines(done.stdout .. "\n" .. done.stderr)) do
		local number, words = line:match("^%s*HTTP/%S+ (%d+) ?(.-)%s*$")
		if number then
			status, reason, length = tonumber(number), words, nil
		else
			length = line:match("^%s*[Cc]ontent%-[Ll]ength:%s*(%d+)") or length
		end
	end
	return status, reason, length
end

-- Fetches the file beside the destination; takes the half file away if it fails. It is made anew, because in a folder that all may
-- write to somebody may wait with a link of its name.
local function fetch(want, url, to)
	local script = ("umask 077\nrm -f %s && (set -C; : >%s) || exit 1\n%s || { status=$?; rm -f %s; exit $status; }"):format(
		quote(to), quote(to), fetch_script(want, url, to), quote(to))
	local done = need(step.run{ sh = script, stdin = curl_configuration(want), touches = to, changes = false, may_fail = true,
		secret = want.url_password ~= nil })
	local status, reason, length = reply(done)
	result.elapsed = 0
	if not done.ok then
		changed(false)
		if status and status < 300 then status = nil end -- it is the host that could not
		fail{ msg = "Request failed" .. (status and "" or ": " .. (done.stderr ~= "" and done.stderr or done.how)), url = url, dest = want.dest,
			elapsed = 0, status_code = status, response = status and ("HTTP Error %d: %s"):format(status, reason) }
	end
	return ("OK (%s bytes)"):format(length or "unknown"), status
end

-- The digest that the checksum asks for: algorithm and hex. One that is a URL is fetched and looked up by the file's name.
local function checksum_of(want, known)
	if want.checksum == "" then return end
	local algorithm, value = want.checksum:match("^(%w+):(.+)$")
	if value:find("^https?://") or value:find("^ftp://") or value:find("^file://") then
		local list = need(known:run{ sh = fetch_script(want, value, "-"), stdin = curl_configuration(want), secret = want.url_password ~= nil })
		if not list.ok then fail("Request failed: %s: %s", value, list.stderr ~= "" and list.stderr or list.how) end
		local name, found = url_name(want.url), nil
		for _, line in ipairs(text.lines(list.raw)) do
			local hex, entry = line:match("^(%x+)%s+[ *]?%.?/?(.-)%s*$")
			found = found or entry == name and hex or line:match("^(%x+)%s*$")
		end
		if not found then fail("Unable to find a checksum for file '%s' in '%s'", name, value) end
		value = found
	end
	value = value:gsub("[^%w]", ""):lower()
	if value:find("[^%x]") then fail("The checksum format is invalid") end
	return algorithm, value
end

local function settle_attributes(want, stat, path)
	local before, after = file.differs(stat, want)
	if not after then return false end
	diff(path, before, after)
	step.setattr{ path = path, mode = after.mode, owner = after.owner, group = after.group, follow = true }
	return true
end

local function get_url(want, known)
	local dest = want.dest
	local target, folder = need(known:stat(dest, { follow = true }), known:stat(file.folder(dest), { follow = true }))
	if not folder.exists then
		fail{ msg = ("Destination %s does not exist"):format(file.folder(dest)), dest = dest, url = want.url, elapsed = 0 }
	end
	if target.type == "directory" then
		dest = dest:gsub("/+$", "") .. "/" .. url_name(want.url)
		target = need(known:stat(dest, { follow = true }))
	end
	result.dest, result.url = dest, want.url
	local folder = want.tmp_dest or file.folder(dest)
	local part = folder .. "/.neap-" .. digest("sha256", want.url .. "\0" .. dest):sub(1, 24)
	local algorithm, hex = checksum_of(want, known)
	local old = target.exists and need(known:hash(dest, "sha1")) or nil
	result.checksum_dest = old or null
	local matches = target.exists and algorithm and need(known:hash(dest, algorithm)) == hex
	if target.exists and not want.force and (matches or not algorithm) then
		result.checksum_dest, result.checksum_src, result.elapsed = null, null, 0
		local settled = settle_attributes(want, target, dest)
		result.msg = settled and "file already exists but file attributes changed" or "file already exists"
		return file.report(result, settled and need(known:stat(dest, { follow = true })) or target)
	end
	if not target.exists then changed() end
	local message, status = fetch(want, want.url, part)
	local new, md5 = need(known:hash(part, "sha1"), known:hash(part, "md5"))
	result.checksum_src = new
	local is = algorithm and need(known:hash(part, algorithm))
	if algorithm and is ~= hex then
		need(step.remove(part))
		result.msg = ("The checksum for %s did not match %s; it was %s."):format(dest, hex, is)
		fail(result)
	end
	if new == old then
		step.remove(part)
		changed(settle_attributes(want, target, dest))
		result.md5sum, result.msg, result.status_code = md5, message, status
		return file.report(result, need(known:stat(dest, { follow = true })))
	end
	changed()
	diff(dest, { checksum = old or null }, { checksum = new })
	local put = need(step.put{
		path = dest, from = part, mode = want.mode or not target.exists and "0644" or nil, owner = want.owner, group = want.group,
		backup = want.backup and target.exists, follow = true,
	})
	result.backup_file = put.backup_file
	need(step.remove(part))
	result.md5sum, result.msg, result.status_code = md5, message, status
	file.report(result, need(known:stat(dest, { follow = true })))
end

return {
	name = "get_url",
	doc = "Fetches a file from the web to a host, by the host's own curl or wget. The file is old or new, never half.",
	args = file.arguments({ "backup", "mode", "owner", "group" }, {
		url = { "str", required = true, doc = "Where the file is: http, https or ftp." },
		dest = { "path", required = true, doc = "Where it goes; in a directory it gets the name it has in the URL." },
		checksum = { "str", default = "", pattern = "^$|^[A-Za-z0-9]+:.", pattern_doc = "be ALGORITHM:DIGEST or ALGORITHM:URL", doc = "What the file must be, \"sha256:...\", or the URL of a list of digests, \"sha256:https://...\"." },
		force = { "bool", default = false, doc = "Fetches the file again though it is there. Without it only a checksum that differs does." },
		tmp_dest = { "path", doc = "A folder for the half file; beside the destination by default." },
		timeout = { "int", default = 10, doc = "Seconds that nothing may come." },
		headers = { "dict", doc = "Headers of the request." },
		http_agent = { "str", default = "ansible-httpget", doc = "The name of the program in the request." },
		url_username = { "str", aliases = { "username" }, doc = "A name for the server. Needs curl." },
		url_password = { "secret", aliases = { "password" }, doc = "A password for the server." },
		force_basic_auth = { "bool", default = false, doc = "Has no effect: name and password are always sent with the first request." },
		validate_certs = { "bool", default = true, doc = "Whether the server's certificate must be good." },
		client_cert = { "path", doc = "A certificate for the server to know the host by. Needs curl." },
		client_key = { "path", doc = "The key of that certificate." },
		ciphers = { "list", elements = "str", doc = "The ciphers that TLS may use. Needs curl." },
		use_proxy = { "bool", default = true, doc = "Whether proxies in the environment are used." },
		use_netrc = { "bool", default = true, doc = "Whether ~/.netrc is read for a name and a password." },
		use_gssapi = { "bool", default = false, doc = "Logs in by Kerberos. Needs curl." },
		decompress = { "bool", default = true, doc = "Whether a compressed answer is unpacked." },
	}),
	returns = {
		dest = { "str", doc = "Where the file is." },
		url = { "str", doc = "Where it came from." },
		msg = { "str", doc = "What was done, in words." },
		checksum_src = { "str", doc = "The SHA-1 of what was fetched." },
		checksum_dest = { "str", doc = "The SHA-1 of what was there before." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for." },
	},
	examples = {
		{ "A program of a known digest", [[
{ "get_url": { "url": "https://example.org/tool-1.2", "dest": "/usr/local/bin/tool", "mode": "0755",
  "checksum": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" } }]] },
	},
	decide = get_url,
}

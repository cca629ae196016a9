-- Keeps a host key in a known_hosts file. ssh-keygen finds the lines of a host, as names in the file may be hashed.

-- The parts of a line that count: marker, host, type, key.
local function parse(line)
	local words = text.split(line)
	local marker = words[1] and text.starts(words[1], "@") and table.remove(words, 1) or nil
	return { marker = marker, host = words[1], type = words[2], key = words[3] }
end

-- What `ssh-keygen -F` found: lines of "# Host ... found: line N" before the line itself.
local function parse_found(output)
	local found, number = {}, nil
	for _, line in ipairs(text.split(output, "\n")) do
		if text.starts(line, "#") then
			number = tonumber(line:match("found: line (%d+)"))
		elseif line ~= "" then
			local entry = parse(line)
			entry.line = number
			found[#found + 1] = entry
		end
	end
	return found
end

-- ssh-keygen reads files only, so the key goes through a file that is gone with the shell.
local check_key = [[
f=$(mktemp) || exit 3
trap 'rm -f "$f"' EXIT
cat >"$f"
ssh-keygen -F %s -f "$f" >/dev/null && echo matches
:]]

-- The same with the host's name hashed, as the file shall have it.
local hash_key = [[
d=$(mktemp -d) || exit 3
trap 'rm -rf "$d"' EXIT
cat >"$d/k"
ssh-keygen -H -f "$d/k" >/dev/null 2>&1 && cat "$d/k"]]

-- Whether the key is of the host that is named, asked before anything is changed.
local function check(want, known, host, key)
	local entry = parse(key)
	local matches = need(known:run{ sh = check_key:format(quote(host)), stdin = key })
	if matches.rc == 127 then fail("there is no ssh-keygen on this host") end
	if matches.stdout ~= "matches" then fail("Host parameter does not match hashed host field in supplied key") end
	return entry
end

-- Which line the key stands in the place of: found, whether it is to be written, and the line's number.
local function search(entries, key, want)
	if #entries == 0 then return false, false end
	if not key then return true, false end
	for _, entry in ipairs(entries) do
		local both_hashed = text.starts(entry.host, "|1|") and (want.hash_host or text.starts(key.host, "|1|"))
		local same_host = both_hashed or entry.host == key.host and not want.hash_host
		if same_host and entry.type == key.type and entry.key == key.key and entry.marker == key.marker then
			return true, false, entry.line
		end
		if entry.type == key.type then return true, true, entry.line end
	end
	return true, true
end

local function without(lines, numbers)
	local kept = {}
	for i, line in ipairs(lines) do
		if not numbers[i] then kept[#kept + 1] = line end
	end
	return kept
end

-- What the result says of the file, where there is one.
local function tell(stat)
	if not stat.exists then return end
	result.state = "file"
	for _, name in ipairs{ "mode", "owner", "group", "uid", "gid", "size" } do result[name] = stat[name] end
end

local function known_hosts(want, known)
	local host = want.name:lower()
	if want.key and host:find("%S%s*,") then
		fail("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.")
	end
	if want.key and not parse(want.key).key then fail("the key must be a line of a known_hosts file: host, type and key") end
	local stat, before = file.load(known, want.path)
	local find = stat.exists and need(known:run{ "ssh-keygen", "-F", host, "-f", want.path })
	local line = want.key and text.trim(want.key) .. "\n"
	local key = line and check(want, known, host, line)
	-- In check mode the file may be one that an earlier task would have made.
	local lacking = find and find.stderr:find("No such file", 1, true)
	if find and not find.ok and not lacking and (find.stdout ~= "" or find.stderr ~= "") then
		fail("ssh-keygen failed (rc=%d, stdout='%s',stderr='%s')", find.rc, find.stdout, find.stderr)
	end
	local entries = find and parse_found(find.stdout) or {}
	local found, replace, number = search(entries, key, want)
	result.name, result.key, result.path, result.state, result.hash_host =
		want.name, want.key or null, want.path, want.state, want.hash_host
	local lines = text.lines(before or "")
	tell(stat)
	if want.state == "absent" then
		if key and not number or not found then return end
		local gone = {}
		for _, entry in ipairs(entries) do
			if not key or entry.line == number then gone[entry.line] = true end
		end
		lines = without(lines, gone)
	else
		if found and not replace then return end
		if number then lines = without(lines, { [number] = true }) end
		if want.hash_host then
			line = need(known:run{ sh = hash_key, stdin = line }).raw
			if line == "" then fail("ssh-keygen could not hash the host's name") end
		end
		if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
		lines[#lines + 1] = line
	end
	local after = table.concat(lines)
	if after == (before or "") then return end
	result.state = "file"
	if file.save(known, { path = want.path }, stat, before, after) then tell(need(known:stat(want.path, { follow = true }))) end
end

return {
	name = "known_hosts",
	doc = "Keeps a host key in a known_hosts file, or takes it away, by the host's ssh-keygen.",
	args = {
		name = { "str", required = true, aliases = { "host" }, doc = "The host whose key it is; [name]:port where the port is not 22." },
		key = { "str", doc = "The line for the file: host, type and key. Without it, state absent takes all keys of the host away." },
		path = { "path", default = "~/.ssh/known_hosts", doc = "The file." },
		hash_host = { "bool", default = false, doc = "Hashes the host's name in the line." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the key shall be there." },
	},
	required_if = { { "state", "present", { "key" } } },
	returns = {
		name = { "str", doc = "The host." },
		key = { "str", doc = "The key as it was given." },
		path = { "str", doc = "The file." },
		state = { "str", doc = "file, where it is there; else what was wanted." },
		hash_host = { "bool", doc = "As it was given." },
		mode = { "str", doc = "The file's permissions, like 0644." },
		owner = { "str", doc = "The file's owner." },
		group = { "str", doc = "The file's group." },
		uid = { "int", doc = "The owner's number." },
		gid = { "int", doc = "The group's number." },
		size = { "int", doc = "The file's size in bytes." },
	},
	examples = {
		{ "The forge's key is known to all on the host", [[
{ "known_hosts": { "path": "/etc/ssh/ssh_known_hosts", "name": "git.example.org",
  "key": "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDkTSEuTJ0mAPxQQgXyJTYCTJiAPBVz0EDjVUD/HVLDN" } }]] },
		{ "A host that is gone", [[{ "known_hosts": { "name": "old.example.org", "state": "absent" } }]] },
	},
	decide = known_hosts,
}

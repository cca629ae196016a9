-- Keeps public keys in an account's authorized_keys.

-- The words of a line; quotes hold blanks together and stay.
local function words_of(line)
	local words, word, quoted = {}, "", false
	local i = 1
	while i <= #line do
		local c = line:sub(i, i)
		if c == "\\" and quoted and i < #line then
			word = word .. line:sub(i, i + 1)
			i = i + 1
		elseif c == '"' then
			quoted = not quoted
			word = word .. c
		elseif c:find("%s") and not quoted then
			if word ~= "" then words[#words + 1] = word end
			word = ""
		else
			word = word .. c
		end
		i = i + 1
	end
	if word ~= "" then words[#words + 1] = word end
	return words
end

local function is_type(word)
	return word:find("^ssh%-") ~= nil or word:find("^ecdsa%-sha2%-") ~= nil or word:find("^sk%-") ~= nil
end

-- A line in its parts: options (may be nil), type, the key itself, comment; nil where it holds no key.
local function parse(line)
	local words = words_of(text.trim(line))
	if not words[1] or text.starts(words[1], "#") then return end
	local first = is_type(words[1]) and 1 or words[2] and is_type(words[2]) and 2
	if not first or not words[first + 1] then return end
	return {
		options = first == 2 and words[1] or nil, type = words[first], key = words[first + 1],
		comment = table.concat(words, " ", first + 2),
	}
end

local function render(entry)
	local line = entry.type .. " " .. entry.key
	if entry.options then line = entry.options .. " " .. line end
	if entry.comment ~= "" then line = line .. " " .. entry.comment end
	return line
end

-- The keys that are wanted, and the same key twice only once.
local function wanted_keys(want, written)
	local keys, seen = {}, {}
	for _, line in ipairs(text.lines(written)) do
		local plain = text.trim(line)
		local entry = parse(line)
		if entry then
			if want.key_options then entry.options = want.key_options end
			if want.comment then entry.comment = want.comment end
			if not seen[entry.key] then keys[#keys + 1] = entry end
			seen[entry.key] = true
		elseif plain ~= "" and not text.starts(plain, "#") then
			fail("invalid key specified: %s", plain)
		end
	end
	return keys, seen
end

local function is_url(key) return key:find("^https?://") ~= nil end

-- Keys that a URL gives are fetched on the host itself.
local function key_text(want, known)
	if not is_url(want.key) then return want.key end
	local url, insecure = quote(want.key), want.validate_certs and "" or " -k"
	local fetched = need(known:run{ sh = ("if command -v curl >/dev/null; then curl -fsSL%s -- %s; else wget -q%s -O - %s; fi"):format(
		insecure, url, want.validate_certs and "" or " --no-check-certificate", url) })
	if not fetched.ok then fail("Error getting key from: %s", want.key) end
	return fetched.raw
end

-- The file's text with the keys that are wanted: one whose options or comment differ is replaced where it stands.
local function edit(want, before, keys, is_wanted)
	local by_key, placed, lines = {}, {}, {}
	for _, entry in ipairs(keys) do by_key[entry.key] = entry end
	for _, line in ipairs(text.lines(before)) do
		local entry = parse(line)
		local wanted = entry and by_key[entry.key]
		local kept = line
		if wanted and want.state == "present" then
			local new = { options = wanted.options, type = wanted.type, key = wanted.key, comment = wanted.comment }
			local same = new.options == entry.options and new.type == entry.type and new.comment == entry.comment
			kept = not same and render(new) .. "\n" or line
			if placed[entry.key] then kept = nil end
			placed[entry.key] = true
		elseif wanted or (entry and want.exclusive and want.state == "present" and not is_wanted[entry.key]) then
			kept = nil
		end
		lines[#lines + 1] = kept
	end
	if want.state == "present" then
		for _, entry in ipairs(keys) do
			if not placed[entry.key] then
				if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
				lines[#lines + 1] = render(entry) .. "\n"
			end
		end
	end
	return table.concat(lines)
end

-- Makes the folder, if that is wanted, and gives it and the file to the account: sshd reads no keys that others may write.
local function settle_folder(want, known, account, path)
	local folder = file.folder(path)
	local stat = need(known:stat(folder, { follow = true }))
	if not stat.exists then
		step.mkdir{ path = folder, mode = "0700", owner = tostring(account.uid), group = tostring(account.gid), parents = true }
		return
	end
	local before, after = file.differs(stat, { mode = "0700", owner = tostring(account.uid), group = tostring(account.gid) })
	if after then
		diff(folder, before, after)
		step.setattr{ path = folder, mode = after.mode, owner = after.owner, group = after.group, follow = true }
	end
end

local function authorized_key(want, known)
	if not is_url(want.key) then wanted_keys(want, want.key) end -- what is no key is told of before anything is asked
	local account = need(known:user(want.user))
	if not account then fail("Failed to lookup user %s: there is no such account", want.user) end
	local path = want.path or account.home .. "/.ssh/authorized_keys"
	local stat = known:stat(path, { follow = want.follow })
	local before = known:read(path)
	local keys, is_wanted = wanted_keys(want, key_text(want, known))
	need(stat, before)
	result.user, result.key, result.state = want.user, want.key, want.state
	result.keyfile, result.exclusive, result.manage_dir = path, want.exclusive, want.manage_dir
	result.key_options, result.comment = want.key_options or null, want.comment or null
	result.path, result.follow, result.validate_certs = want.path or null, want.follow, want.validate_certs
	if want.manage_dir and want.state == "present" then settle_folder(want, known, account, path) end
	local after = edit(want, before or "", keys, is_wanted)
	local own = { mode = "0600", owner = tostring(account.uid), group = tostring(account.gid) }
	if after ~= (before or "") then
		diff(path, before or false, after)
		step.put{ path = path, content = after, mode = own.mode, owner = own.owner, group = own.group, follow = want.follow }
	elseif stat.exists and want.manage_dir and want.state == "present" then
		local old, new = file.differs(stat, own)
		if new then
			diff(path, old, new)
			step.setattr{ path = path, mode = new.mode, owner = new.owner, group = new.group, follow = true }
		end
	end
	if want.path then file.report(result, need(known:stat(path, { follow = want.follow }))) end
end

return {
	name = "authorized_key",
	collection = "ansible.posix",
	doc = "Keeps public keys in an account's authorized_keys, or takes them away.",
	args = {
		user = { "str", required = true, doc = "The account." },
		key = { "str", required = true, doc = "The keys, one on a line, or a URL that gives them, such as https://example.org/jo.keys." },
		state = { "str", default = "present", choices = { "present", "absent" }, doc = "Whether the keys shall be there." },
		path = { "path", doc = "Another file than .ssh/authorized_keys of the account's home." },
		manage_dir = { "bool", default = true, doc = "Makes the folder, and gives folder and file to the account alone." },
		key_options = { "str", doc = "Options before the keys, such as from=\"10.0.0.0/8\"." },
		comment = { "str", doc = "The comment behind the keys, in place of their own." },
		exclusive = { "bool", default = false, doc = "Takes all other keys away." },
		validate_certs = { "bool", default = true, doc = "Whether the certificate of a URL's server must be good." },
		follow = { "bool", default = false, doc = "Writes through a symlink at the path." },
	},
	returns = {
		user = { "str", doc = "The account." },
		key = { "str", doc = "The keys as they were given." },
		keyfile = { "str", doc = "The file." },
		state = { "str", doc = "What was wanted." },
		exclusive = { "bool", doc = "As it was given." },
		key_options = { "str", doc = "As they were given." },
		manage_dir = { "bool", doc = "As it was given." },
		path = { "str", doc = "As it was given." },
	},
	examples = {
		{ "Someone may log in", [[
{ "authorized_key": { "user": "deploy", "key": "{{ lookup('file', 'keys/jo.pub') }}" } }]] },
		{ "These keys, from one network only, and no others", [[
{ "authorized_key": { "user": "backup", "key": "{{ keys | join('\n') }}", "key_options": "restrict,from=\"10.0.0.0/8\"", "exclusive": true } }]] },
	},
	decide = authorized_key,
}

-- Keeps an account and its password in a file for a web server's basic authentication, by the host's own openssl.

-- openssl's word for a scheme, and how a hash of it begins.
local schemes = {
	apr_md5_crypt = { word = "-apr1", mark = "^%$apr1%$([^$]*)%$" },
	md5_crypt = { word = "-1", mark = "^%$1%$([^$]*)%$" },
	sha256_crypt = { word = "-5", mark = "^%$5%$([^$]*)%$" },
	sha512_crypt = { word = "-6", mark = "^%$6%$([^$]*)%$" },
}

local function hash_command(scheme, password, salt)
	local words = { "openssl", "passwd", scheme.word, stdin = password .. "\n", secret = true }
	for _, word in ipairs(salt and { "-salt", salt, "-stdin" } or { "-stdin" }) do words[#words + 1] = word end
	return words
end

local function check(ran)
	if not ran.ok then fail("openssl passwd: %s", ran.rc == 127 and "there is no openssl on this host" or ran.stderr ~= "" and ran.stderr or ran.how) end
	return text.trim(ran.stdout)
end

-- Whether a hash is the password's. One of a scheme that openssl has not is not.
local function is_hash_of(known, hash, password)
	for _, name in ipairs{ "apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt" } do
		local salt = hash:match(schemes[name].mark)
		if salt then return check(need(known:run(hash_command(schemes[name], password, salt)))) == hash end
	end
	return hash == password
end

-- The place of the account's line, and its hash.
local function find(lines, name)
	for i, line in ipairs(lines) do
		local account, hash = line:match("^([^:]*):([^:\r\n]*)")
		if account == name then return i, hash end
	end
end

local function present(want, known, lines, is_new)
	if not want.password then fail("a password is needed for an account that shall be there") end
	local at, hash = find(lines, want.name)
	if hash and is_hash_of(known, hash, want.password) then return want.name .. " already present" end
	local new = want.crypt_scheme == "plaintext" and want.password
	if not new then
		local made = hash_command(schemes[want.crypt_scheme], want.password)
		made.may_fail, made.touches = true, {}
		new = check(need(step.run(made)))
	end
	if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
	lines[at or #lines + 1] = want.name .. ":" .. new .. "\n"
	return is_new and "Created " .. want.path .. " and added " .. want.name or "Add/update " .. want.name
end

return {
	name = "htpasswd",
	collection = "community.general",
	doc = "Keeps an account and its password in a file for a web server's basic authentication. The host's openssl makes the hash.",
	args = file.arguments({ "mode", "owner", "group" }, {
		path = { "path", required = true, aliases = { "dest", "destfile" }, doc = "The file." },
		name = { "str", required = true, aliases = { "username" }, doc = "The account." },
		password = { "secret", doc = "Its password. Needed for state present." },
		crypt_scheme = { "str", default = "apr_md5_crypt", aliases = { "hash_scheme" },
			choices = { "apr_md5_crypt", "md5_crypt", "plaintext", "sha256_crypt", "sha512_crypt" },
			doc = "How the password is kept, if it is not there already." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the account shall be there." },
		create = { "bool", default = true, doc = "Whether a file that is missing is made." },
	}),
	returns = {
		msg = { "str", doc = "What was done, in words." },
	},
	examples = {
		{ "Who may see the statistics", [[
{ "htpasswd": { "path": "/etc/nginx/stats.htpasswd", "name": "jo", "password": "{{ stats_password }}", "owner": "root", "group": "www-data", "mode": "0640" } }]] },
	},
	decide = function(want, known)
		local stat, before = file.load(known, want.path)
		if not stat.exists and want.state == "present" and not want.create then fail("Destination %s does not exist", want.path) end
		if not stat.exists and want.state == "absent" then
			result.msg = want.name .. " not present"
			warn("%s does not exist", want.path)
			return
		end
		local lines = text.lines(before or "")
		if want.state == "present" then
			result.msg = present(want, known, lines, not stat.exists)
		else
			local at = find(lines, want.name)
			result.msg = at and "Remove " .. want.name or want.name .. " not present"
			if at then table.remove(lines, at) end
		end
		file.save(known, want, stat, before or "", table.concat(lines))
	end,
}

-- Keeps a key in apt's keyring, by apt-key and gpg.

local environment = { LC_ALL = "C", APT_KEY_DONT_WARN_ON_DANGEROUS_USAGE = "1" }

-- The ids of keys in what gpg writes with colons: long ones of 16 digits, or their last 8.
local function ids_in(output, is_short)
	local ids = {}
	for _, line in ipairs(text.lines(output)) do
		local id = line:match("^[ps]ub:[^:]*:[^:]*:[^:]*:(%x+):")
		if id then ids[#ids + 1] = is_short and id:sub(-8) or id end
	end
	return ids
end

local function contains(list, item)
	for _, each in ipairs(list) do
		if each == item then return true end
	end
	return false
end

local function apt_key(want, ...)
	local words = { "apt-key", env = environment }
	if want.keyring then words[2], words[3] = "--keyring", want.keyring end
	for _, word in ipairs{ ... } do words[#words + 1] = word end
	return words
end

local function keys_of(want, known, is_short)
	local answer = need(known:run(apt_key(want, "adv", "--list-public-keys", "--with-colons")))
	if answer.rc == 127 then
		fail{ msg = "there is no apt-key on this host: put the key into /etc/apt/keyrings by get_url or copy, "
			.. "and name it in the source as [signed-by=...]" }
	end
	if not answer.ok then fail("Unable to list public keys: %s", answer.stderr ~= "" and answer.stderr or answer.how) end
	return ids_in(answer.stdout, is_short)
end

-- What is at the address, fetched without anything being written.
local function fetched(want, known)
	local answer = need(known:run{ sh = ("if command -v curl >/dev/null; then curl -fsSL %s %s; else wget -q %s -O - %s; fi"):format(
		want.validate_certs and "" or "-k", quote(want.url), want.validate_certs and "" or "--no-check-certificate", quote(want.url)) })
	if not answer.ok then fail("Failed to download key at %s: %s", want.url, answer.stderr ~= "" and answer.stderr or answer.how) end
	return answer.raw
end

-- The id of the first key in a file, or in bytes.
local function id_of(known, path, bytes)
	local answer = need(known:run{ "gpg", "--with-colons", path or "-", stdin = bytes, env = environment })
	local id = answer.ok and ids_in(answer.stdout)[1]
	if not id then fail("Unable to extract key from '%s'", path or "inline data") end
	return id
end

-- Brings an id into form: the whole, its last 8 digits, its last 16.
local function parse(id)
	local clean = text.trim(id):upper():gsub("^0X", "")
	local count = #clean
	if not clean:find("^%x+$") or count ~= 8 and count < 16 then fail{ msg = "Invalid key_id", id = id } end
	return clean, clean:sub(-8), clean:sub(-16)
end

local function change(want, ...)
	local words = apt_key(want, ...)
	words.touches = "/etc/apt"
	return step.run(words)
end

local function receive(want, key)
	local done
	for _ = 1, 5 do
		local words = apt_key(want, "adv", "--no-tty", "--keyserver", want.keyserver, "--recv", key)
		words.may_fail, words.touches = true, "/etc/apt"
		done = need(step.run(words))
		if done.ok then return end
	end
	fail("Error fetching key %s from keyserver: %s: %s", key, want.keyserver, done.stderr)
end

local function add(want, known, key, data)
	if want.keyserver then return receive(want, key) end
	if want.file then return change(want, "add", want.file) end
	local words = apt_key(want, "add", "-")
	words.touches = "/etc/apt"
	words.stdin = data or want.url and fetched(want, known)
	if not words.stdin then fail("one of data, file, keyserver and url is needed to add the key %s", key) end
	return step.run(words)
end

return {
	name = "apt_key",
	doc = "Keeps a key in apt's keyring, by apt-key and gpg on the host. Newer systems do without: see signed-by of apt's sources.",
	args = {
		id = { "str", doc = "The key's id, best all 40 digits of its fingerprint. Required to take it out." },
		data = { "str", doc = "The key itself." },
		file = { "path", doc = "A file on the host that holds the key." },
		url = { "str", doc = "The address of the key." },
		keyserver = { "str", doc = "The server to ask for the key." },
		keyring = { "path", doc = "A keyring of its own, in /etc/apt/trusted.gpg.d." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be there." },
		validate_certs = { "bool", default = true, doc = "Whether the certificate of url's server must be good." },
	},
	mutually_exclusive = { { "data", "file", "keyserver", "url" } },
	required_by = { { "keyserver", { "id" } } },
	returns = {
		id = { "str", doc = "The id, as it was given or found." },
		key_id = { "str", doc = "The id in form." },
		fp = { "str", doc = "Its last 16 digits." },
		short_id = { "str", doc = "Its last 8 digits." },
		before = { "list", doc = "The ids that were there." },
		after = { "list", doc = "The ids that are there now, if something was changed." },
	},
	examples = {
		{ "A vendor's key", [[
{ "apt_key": { "url": "https://apt.example.com/key.asc", "keyring": "/etc/apt/trusted.gpg.d/example.gpg" } }]] },
		{ "A key that must not be there", [[{ "apt_key": { "id": "0x9FED2BCBDCD29CDF762678CBAED4B06F473041FA", "state": "absent" } }]] },
	},
	decide = function(want, known)
		local data = want.data
		local id = want.id
		if not id and want.url then data = fetched(want, known) end
		if not id and not want.file and not data then fail{ msg = "Invalid key_id" } end
		id = id or id_of(known, want.file, not want.file and data or nil)
		local key, short, long = parse(id)
		local is_short = #key == 8
		local sought = is_short and short or long
		result.id, result.key_id, result.short_id, result.fp = id, key, short, long
		local before = keys_of(want, known, is_short)
		result.before = list(before)
		if contains(before, sought) == (want.state == "present") then return end
		if want.state == "present" then need(add(want, known, key, data)) else need(change(want, "del", short)) end
		local after = keys_of(want, known, is_short)
		result.after = list(after)
		if contains(after, sought) ~= (want.state == "present") then
			fail("apt-key did not return an error, but %s (check that the id is correct and *not* a subkey)",
				want.state == "present" and "failed to add the key" or "the key was not removed")
		end
	end,
}

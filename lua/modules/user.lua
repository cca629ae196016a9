-- Keeps an account on a host, or takes it away.

local tool_names = "useradd usermod userdel adduser deluser addgroup chpasswd chage"

-- The groups that are wanted, without the blanks of "adm, sudo".
local function named_groups(want)
	local names = {}
	for _, group in ipairs(want.groups or {}) do
		local name = text.trim(group)
		if name ~= "" then names[#names + 1] = name end
	end
	return names
end

-- A test for the home, as the host's sh finds it; one that always holds where the name is none that sh would look up.
local function home_test(want)
	if want.home then return "[ -e " .. quote(want.home) .. " ]" end
	return want.name:find("^[%w_][%w_.-]*$") and "[ -e ~" .. want.name .. " ]" or ":"
end

-- All that is asked, in one round: the account, the tools, the account's line in the shadow file, whether its home is there.
local function look(want, known)
	local name = want.name:gsub("[^%w_-]", "\\%0")
	local account = known:user(want.name)
	local tools = known:run{ sh = ("for t in %s; do command -v $t >/dev/null && echo $t; done; %s || echo no-home"):format(
		tool_names, home_test(want)) }
	local shadow = known:run{ sh = ("sed -n %s /etc/shadow"):format(quote("s/^" .. name .. "://p")), secret = true }
	local groups, names = {}, named_groups(want)
	for _, group in ipairs(names) do groups[group] = known:group(group) end
	local primary = want.group and known:group(want.group)
	local own = known:group(want.name)
	need(account, tools, shadow, own)
	for _, group in ipairs(names) do need(groups[group]) end
	if want.group then need(primary) end
	local has = {}
	for _, tool in ipairs(text.split(tools.stdout, "\n")) do has[tool] = true end
	return {
		account = account, has = has, groups = groups, names = names, primary = primary, own = own,
		shadow = shadow.ok and shadow.stdout ~= "" and text.split(shadow.stdout, ":") or nil,
	}
end

local function check_groups(want, seen)
	local missing = want.group and not seen.primary and want.group or nil
	for _, group in ipairs(seen.names) do
		if not seen.groups[group] then missing = missing or group end
	end
	if not missing then return end
	-- In check mode nothing comes behind a step: a new account's group may be one that an earlier task would have made.
	if not seen.account then need(step.run{ "true", touches = {} }) end
	fail("Group %s does not exist", missing)
end

local function add(words, ...)
	for _, word in ipairs{ ... } do words[#words + 1] = word end
end

-- The names of the supplementary groups that are wanted, without the primary one.
local function group_names(want, seen)
	local names = {}
	local primary = seen.primary and seen.primary.gid or seen.account and seen.account.gid
	for _, group in ipairs(seen.names) do
		local found = seen.groups[group]
		if found and found.gid ~= primary then names[#names + 1] = found.name end
	end
	table.sort(names)
	return names
end

-- Seconds since 1970 as a day: "2030-01-31", or "" for never.
local function date(seconds)
	if seconds < 0 then return "" end
	local days = math.floor(seconds / 86400)
	local shifted = days + 719468
	local era = shifted // 146097
	local of_era = shifted - era * 146097
	local year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
	local of_year = of_era - (365 * year + year // 4 - year // 100)
	local month = (5 * of_year + 2) // 153
	local day = of_year - (153 * month + 2) // 5 + 1
	month = month < 10 and month + 3 or month - 9
	return ("%04d-%02d-%02d"):format(year + era * 400 + (month <= 2 and 1 or 0), month, day)
end

local function useradd(want, seen)
	local words = { "useradd" }
	if want.uid then add(words, "-u", want.uid) end
	if want.uid and want.non_unique then add(words, "-o") end
	if want.group then
		add(words, "-g", seen.primary.name)
	elseif seen.own then
		add(words, "-N")
	end
	local groups = group_names(want, seen)
	if #groups > 0 then add(words, "-G", table.concat(groups, ",")) end
	if want.comment then add(words, "-c", want.comment) end
	if want.home then add(words, "-d", want.home) end
	if want.shell then add(words, "-s", want.shell) end
	if want.expires then add(words, "-e", date(want.expires)) end
	if want.create_home then
		add(words, "-m")
		if want.skeleton then add(words, "-k", want.skeleton) end
		if want.umask then add(words, "-K", "UMASK=" .. want.umask) end
	else
		add(words, "-M")
	end
	if want.system then add(words, "-r") end
	add(words, want.name)
	return words
end

-- busybox: adduser makes the account, its groups come one by one.
local function adduser(want, seen)
	local words = { "adduser", "-D" }
	if want.uid then add(words, "-u", want.uid) end
	if want.group or seen.own then add(words, "-G", want.group and seen.primary.name or want.name) end
	if want.comment then add(words, "-g", want.comment) end
	if want.home then add(words, "-h", want.home) end
	if want.shell then add(words, "-s", want.shell) end
	if want.skeleton then add(words, "-k", want.skeleton) end
	if not want.create_home then add(words, "-H") end
	if want.system then add(words, "-S") end
	add(words, want.name)
	step.run(words)
	for _, group in ipairs(group_names(want, seen)) do step.run{ "addgroup", want.name, group } end
end

-- The length of a digest by the name of its kind.
local digest_lengths = { ["1"] = 22, ["5"] = 43, ["6"] = 86 }

-- Whether a password is what crypt(3) makes, or one of those that let nobody in.
local function looks_hashed(password)
	if password == "*" or password == "!" or password == "*************" then return true end
	local fields = text.split(password, "$")
	local digest = fields[#fields]
	if password:find("[:*!]") or #fields < 3 or digest:find("[^%w./=]") then return false end
	return #digest == (digest_lengths[fields[2]] or #digest)
end

-- The hash that the password must be, with its lock; nil if it is as it shall be.
local function new_password(want, seen)
	if not want.password then return end
	local hash = want.password_lock and "!" .. want.password or want.password
	if not seen.account then return hash end
	if want.update_password ~= "always" then return end
	local old = seen.shadow and seen.shadow[1] or ""
	if old:gsub("^!+", "") ~= want.password:gsub("^!+", "") then return hash end
end

local function set_password(want, hash)
	step.run{ "chpasswd", "-e", stdin = want.name .. ":" .. hash .. "\n", secret = true, touches = "/etc" }
end

-- The groups that usermod shall set: nil if they are as they shall be.
local function new_groups(want, seen)
	if not want.groups then return end
	local wanted, had, missing = group_names(want, seen), {}, false
	for _, name in ipairs(seen.account.groups) do had[name] = true end
	for _, name in ipairs(wanted) do
		if not had[name] then missing = true end
		had[name] = nil
	end
	if missing then return wanted end
	if want.append then return end
	for name in pairs(had) do
		if not seen.primary or name ~= seen.primary.name then return wanted end
	end
end

-- usermod's words for what differs, with the difference to show; only the name of the command if all is so.
local function usermod(want, seen)
	local words, old, before, after = { "usermod" }, seen.account, {}, {}
	local function set(option, name, wanted, is)
		add(words, option, wanted)
		before[name], after[name] = is, wanted
	end
	if want.uid and want.uid ~= old.uid then
		set("-u", "uid", want.uid, old.uid)
		if want.non_unique then add(words, "-o") end
	end
	if want.group and seen.primary.gid ~= old.gid then set("-g", "gid", seen.primary.gid, old.gid) end
	local groups = new_groups(want, seen)
	if groups then
		if want.append then add(words, "-a") end
		set("-G", "groups", table.concat(groups, ","), table.concat(old.groups, ","))
	end
	if want.comment and want.comment ~= old.comment then set("-c", "comment", want.comment, old.comment) end
	if want.home and want.home ~= old.home then
		set("-d", "home", want.home, old.home)
		if want.move_home then add(words, "-m") end
	end
	if want.shell and want.shell ~= old.shell then set("-s", "shell", want.shell, old.shell) end
	if want.expires then
		local is = tonumber(seen.shadow and seen.shadow[7] or "")
		local day = want.expires >= 0 and math.floor(want.expires / 86400) or nil
		if day ~= is then set("-e", "expires", date(want.expires), is and date(is * 86400) or "") end
	end
	local locked = text.starts(seen.shadow and seen.shadow[1] or "", "!")
	if want.password_lock ~= nil and want.password_lock ~= locked and not new_password(want, seen) then
		add(words, want.password_lock and "-L" or "-U")
		before.password_lock, after.password_lock = locked, want.password_lock
	end
	return words, before, after
end

-- chage's words for the days between two changes of the password; nil if they are as they shall be.
local function chage(want, seen)
	local words = { "chage" }
	local function set(option, wanted, is)
		if wanted and wanted ~= tonumber(is or "") then add(words, option, wanted) end
	end
	set("-m", want.password_expire_min, seen.shadow and seen.shadow[3])
	set("-M", want.password_expire_max, seen.shadow and seen.shadow[4])
	if #words == 1 then return end
	add(words, want.name)
	return words
end

local function create(want, seen)
	if seen.has.useradd then
		step.run(useradd(want, seen))
	elseif seen.has.adduser then
		adduser(want, seen)
	else
		fail("there is neither useradd nor adduser on this host")
	end
end

local function modify(want, seen)
	local words, before, after = usermod(want, seen)
	if #words == 1 then return end
	if not seen.has.usermod then fail("account %s is there, but this host has no usermod to change it", want.name) end
	diff(want.name, before, after)
	add(words, want.name)
	step.run(words)
end

-- What useradd does for a new account: the skeleton, the mode that login.defs has, the owner.
local make_home = [=[
[ -e "$h" ] || {
mkdir -p "$(dirname "$h")" && if [ -d "$s" ]; then cp -RPp "$s" "$h"; else mkdir "$h"; fi || exit
m=$(sed -n 's/^UMASK[[:blank:]]\{1,\}\([0-7]\{1,\}\)$/\1/p' /etc/login.defs 2>/dev/null | tail -n 1)
[ -z "$m" ] || chmod "$(printf %o $((0777 & ~0$m)))" "$h" || exit
chown -R -h "$o" "$h"
}]=]

-- An account that is there gets its home where that is missing, but for the one whose name says that it shall be.
local function keep_home(want, seen)
	local home = want.home or seen.account.home
	if not want.create_home or not seen.has["no-home"] or home == "" or home == "/nonexistent" then return end
	local owner = (want.uid or seen.account.uid) .. ":" .. (want.group and seen.primary.gid or seen.account.gid)
	step.run{ sh = ("h=%s s=%s o=%s\n%s"):format(quote(home), quote(want.skeleton or "/etc/skel"), owner, make_home), touches = home }
end

-- Makes the pair. A passphrase is asked for twice, and read from stdin where there is neither a terminal nor a display.
local function make_key(want, path)
	local words = { "ssh-keygen", "-q", "-t", want.ssh_key_type, "-C", want.ssh_key_comment, "-f", path }
	if want.ssh_key_bits then add(words, "-b", want.ssh_key_bits) end
	local passphrase = want.ssh_key_passphrase
	if not passphrase then
		add(words, "-N", "")
		words.stdin = "y\n"
		step.run(words)
		return
	end
	step.run{ sh = ("unset DISPLAY SSH_ASKPASS; rm -f %s %s; exec %s 2>&1"):format(quote(path), quote(path .. ".pub"), text.words(words)),
		stdin = passphrase .. "\n" .. passphrase .. "\n", secret = true, touches = file.folder(path) }
end

-- A key pair in the account's home, unless one is there.
local function ssh_key(want, known, account)
	local path = want.ssh_key_file or ".ssh/id_" .. want.ssh_key_type
	if path:sub(1, 1) ~= "/" then path = account.home .. "/" .. path end
	local folder = file.folder(path)
	local key, public = need(known:stat(path), known:stat(folder))
	result.ssh_key_file = path
	if key.exists and not want.force then
		warn(('Found existing ssh key private file "%s", no force, so skipping ssh-keygen generation'):format(path))
		local text_of = known:read(path .. ".pub")
		local print_of = known:run{ "ssh-keygen", "-l", "-f", path }
		need(text_of, print_of)
		result.ssh_public_key = text_of and text.trim(text_of) or null
		result.ssh_fingerprint = print_of.stdout
		return
	end
	if not public.exists then
		step.mkdir{ path = folder, mode = "0700", owner = want.name, group = tostring(account.gid) }
	end
	make_key(want, path)
	step.setattr{ path = path, owner = want.name, group = tostring(account.gid) }
	step.setattr{ path = path .. ".pub", owner = want.name, group = tostring(account.gid) }
	local text_of, print_of = known:read(path .. ".pub"), known:run{ "ssh-keygen", "-l", "-f", path }
	need(text_of, print_of)
	result.ssh_public_key = text_of and text.trim(text_of) or null
	result.ssh_fingerprint = print_of.stdout
end

local function absent(want, seen)
	if not seen.account then return end
	result.force, result.remove = want.force, want.remove
	if not seen.has.userdel then
		local words = { "deluser" }
		if want.remove then add(words, "--remove-home") end
		add(words, want.name)
		need(step.run(words))
		return
	end
	local words = { "userdel" }
	if want.force then add(words, "-f") end
	if want.remove then add(words, "-r") end
	add(words, want.name)
	local done = need(step.run(words))
	if done.stderr ~= "" then result.stderr = done.stderr .. "\n" end
	if done.stdout ~= "" then result.stdout = done.stdout .. "\n" end
end

local function report(want, account)
	result.uid, result.group = account.uid, account.gid
	result.comment, result.home, result.shell = account.comment, account.home, account.shell
end

local function user(want, known)
	local seen = look(want, known)
	result.name, result.state = want.name, want.state
	if want.state == "absent" then return absent(want, seen) end
	check_groups(want, seen)
	if want.append and not want.groups then warn("append without groups does nothing") end
	if want.groups then result.groups = table.concat(want.groups, ",") end
	if want.password and not looks_hashed(want.password) then
		warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.")
	end
	if seen.account then
		report(want, seen.account)
		result.append, result.move_home = want.append, want.move_home
	else
		result.system, result.create_home = want.system, want.create_home
	end
	if want.password then result.password = "NOT_LOGGING_PASSWORD" end
	local hash = new_password(want, seen)
	if seen.account then modify(want, seen) else create(want, seen) end
	if seen.account then keep_home(want, seen) end
	if hash then set_password(want, hash) end
	local ages = chage(want, seen)
	if ages then step.run(ages) end
	local account = need(known:user(want.name))
	if not account then return end
	report(want, account)
	if want.generate_ssh_key then ssh_key(want, known, account) end
end

return {
	name = "user",
	doc = "Keeps an account on a host, or takes it away. Works with useradd and its like; with busybox accounts are made and removed.",
	args = {
		name = { "str", required = true, aliases = { "user" }, doc = "The account." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the account shall be there." },
		uid = { "int", doc = "The number it shall have." },
		non_unique = { "bool", default = false, doc = "Lets the account have a uid that another has. Needs uid." },
		comment = { "str", doc = "The full name, or what the account is for." },
		group = { "str", doc = "The primary group, by name or number." },
		groups = { "list", elements = "str", doc = "The supplementary groups; an empty list takes the account out of all." },
		append = { "bool", default = false, doc = "Adds groups and leaves the ones that the account has already." },
		home = { "path", doc = "The home directory." },
		create_home = { "bool", default = true, aliases = { "createhome" }, doc = "Makes the home directory where it is missing." },
		move_home = { "bool", default = false, doc = "Moves what is in the old home when home changes." },
		skeleton = { "str", doc = "Where the first files of a new home come from. Needs create_home." },
		umask = { "str", doc = "The umask for a new home. Needs create_home." },
		shell = { "str", doc = "The login shell." },
		password = { "secret", doc = "The password's hash, as crypt(3) makes it, or \"*\" for none." },
		update_password = { "str", default = "always", choices = { "always", "on_create" },
			doc = "Whether the password of an account that is there is set as well." },
		password_lock = { "bool", doc = "Locks the password, or unlocks it." },
		password_expire_max = { "int", doc = "Days after which the password must be changed." },
		password_expire_min = { "int", doc = "Days before which it may not be changed again." },
		expires = { "float", doc = "When the account ends, in seconds since 1970; negative: never." },
		["local"] = { "bool", default = false, doc = "Taken, and without effect: only accounts of the host's own files are ever changed." },
		system = { "bool", default = false, doc = "A new account gets a number from the range for the system." },
		remove = { "bool", default = false, doc = "With state absent, removes the home directory as well." },
		force = { "bool", default = false, doc = "With state absent, removes even while the account is in use; replaces an SSH key." },
		generate_ssh_key = { "bool", default = false, doc = "Makes an SSH key pair for the account, unless there is one." },
		ssh_key_bits = { "int", doc = "The length of the key; by default what ssh-keygen takes." },
		ssh_key_type = { "str", default = "rsa", doc = "The kind of the key." },
		ssh_key_file = { "path", doc = "Where the key is, from the home directory; .ssh/id_TYPE by default." },
		ssh_key_comment = { "str", default = "ansible-generated", doc = "The comment in the key." },
		ssh_key_passphrase = { "secret", doc = "The passphrase of the key; none by default." },
	},
	required_if = { { "non_unique", true, { "uid" } } },
	returns = {
		name = { "str", doc = "The account." },
		state = { "str", doc = "What state was wanted." },
		uid = { "int", doc = "Its number." },
		group = { "int", doc = "The number of its primary group." },
		groups = { "str", doc = "The groups that were given, with commas." },
		home = { "str", doc = "Its home directory." },
		shell = { "str", doc = "Its login shell." },
		ssh_key_file = { "str", doc = "Where its SSH key is." },
		ssh_public_key = { "str", doc = "Its public key." },
		ssh_fingerprint = { "str", doc = "The fingerprint of its key." },
	},
	examples = {
		{ "Someone who may use sudo", [[
{ "user": { "name": "jo", "comment": "Jo Doe", "groups": ["sudo"], "append": true, "shell": "/bin/bash" } }]] },
		{ "An account for a service", [[
{ "user": { "name": "app", "system": true, "create_home": false, "home": "/srv/app", "shell": "/usr/sbin/nologin" } }]] },
		{ "An account that is gone, with its files", [[{ "user": { "name": "old", "state": "absent", "remove": true } }]] },
	},
	decide = user,
}

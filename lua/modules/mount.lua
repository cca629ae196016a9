-- Keeps a file system mounted, and its line in fstab.

-- Blanks in a field of fstab are written as octal numbers.
local function escape(field)
	return (field:gsub("\\", "\\134"):gsub(" ", "\\040"):gsub("\t", "\\011"):gsub("#", "\\043"))
end

local function fields_of(line)
	local fields = text.split(line)
	if not fields[1] or text.starts(fields[1], "#") or #fields < 3 then return end
	return fields
end

local function wanted_line(want)
	local opts = want.opts or "defaults"
	if not want.boot and not ("," .. opts .. ","):find(",noauto,", 1, true) then opts = opts .. ",noauto" end
	return table.concat({ escape(want.src), escape(want.path), want.fstype, escape(opts), want.dump, want.passno }, " ")
end

-- fstab with the one line that is wanted, or with none. Swap has no place of its own: there its source tells the lines apart.
local function edit(want, before, line)
	local lines, placed = {}, line == nil
	for _, old in ipairs(text.lines(before)) do
		local fields = fields_of(old)
		local mine = fields and fields[2] == escape(want.path) and (want.fstype ~= "swap" or fields[1] == escape(want.src or ""))
		if mine and line and not placed then
			local same = table.concat({ fields[1], fields[2], fields[3], fields[4] or "defaults", fields[5] or "0", fields[6] or "0" }, " ") == line
			lines[#lines + 1] = same and old or line .. "\n"
			placed = true
		elseif not mine then
			lines[#lines + 1] = old
		end
	end
	if not placed then
		if #lines > 0 and not text.ends(lines[#lines], "\n") then lines[#lines] = lines[#lines] .. "\n" end
		lines[#lines + 1] = line .. "\n"
	end
	return table.concat(lines)
end

-- Whether something is mounted at the path, by the kernel's own list.
local function is_mounted(want, known)
	local mounts = need(known:read("/proc/self/mounts")) or ""
	local path = escape(want.path)
	for _, line in ipairs(text.lines(mounts)) do
		if line:match("^%S+ (%S+) ") == path then return true end
	end
	return false
end

local function run(...)
	local words = { ... }
	words.may_fail = true
	local done = need(step.run(words))
	if not done.ok then fail("Error %s %s: %s", words[1] == "umount" and "unmounting" or "mounting", words[#words], done.stdout .. done.stderr) end
end

-- mount reads another table than fstab only where it is told to.
local function mount(want, remount)
	local words = { "mount" }
	if want.fstab ~= "/etc/fstab" then words = { "mount", "-T", want.fstab } end
	if remount then
		words[#words + 1] = "-o"
		words[#words + 1] = "remount"
	end
	words[#words + 1] = want.path
	run(table.unpack(words))
end

local function save(want, known, stat, before, line)
	local after = edit(want, before or "", line)
	if after == (before or "") then return false end
	local put = file.save(known, { path = want.fstab, backup = want.backup }, stat, before, after)
	result.backup_file = put and put.backup_file
	return true
end

local function absent(want, known, stat, before)
	save(want, known, stat, before, nil)
	if want.state ~= "absent" then return end
	if is_mounted(want, known) then run("umount", want.path) end
	if need(known:stat(want.path)).exists then need(step.run{ "rmdir", want.path, touches = want.path }) end
end

local function present(want, known, stat, before)
	local edited = save(want, known, stat, before, wanted_line(want))
	if want.state ~= "mounted" then return end
	if not need(known:stat(want.path, { follow = true })).exists then step.mkdir{ path = want.path, parents = true } end
	if not is_mounted(want, known) then
		mount(want)
	elseif edited then
		mount(want, true)
	end
end

local function mount_module(want, known)
	local stat, before = file.load(known, want.fstab)
	result.name, result.fstab, result.passno, result.dump = want.path, want.fstab, want.passno, want.dump
	result.src, result.fstype, result.opts = want.src, want.fstype, want.opts or "defaults"
	result.boot = want.boot and "yes" or "no"
	if want.state == "absent" or want.state == "absent_from_fstab" then return absent(want, known, stat, before) end
	if want.state == "unmounted" then
		if is_mounted(want, known) then run("umount", want.path) end
		return
	end
	if want.state == "remounted" then return mount(want, true) end
	present(want, known, stat, before)
end

return {
	name = "mount",
	collection = "ansible.posix",
	doc = "Keeps a file system mounted, and its line in fstab, or takes both away.",
	args = file.arguments({ "backup" }, {
		path = { "path", required = true, aliases = { "name" }, doc = "Where it is mounted." },
		state = { "str", required = true, choices = { "absent", "absent_from_fstab", "mounted", "present", "remounted", "unmounted" },
			doc = "mounted: in fstab and mounted; present: in fstab; unmounted: not mounted; absent: neither, and its folder is removed." },
		src = { "path", doc = "The device, or what else is mounted. Required for mounted and present." },
		fstype = { "str", doc = "The kind of file system. Required for mounted and present." },
		opts = { "str", doc = "Options with commas; defaults if it is not given." },
		dump = { "str", default = "0", doc = "The fifth field." },
		passno = { "str", default = "0", doc = "The sixth field." },
		boot = { "bool", default = true, doc = "Whether it is mounted when the host starts; if not, noauto is added to opts." },
		fstab = { "path", default = "/etc/fstab", doc = "Another file than /etc/fstab." },
	}),
	required_if = { { "state", "mounted", { "src", "fstype" } }, { "state", "present", { "src", "fstype" } } },
	returns = {
		name = { "str", doc = "Where it is mounted." },
		fstab = { "str", doc = "The file." },
		backup_file = { "str", doc = "Where the old file is now, if backup was asked for." },
	},
	examples = {
		{ "A disk for data", [[
{ "mount": { "path": "/srv/data", "src": "LABEL=data", "fstype": "ext4", "opts": "noatime", "state": "mounted" } }]] },
	},
	decide = mount_module,
}

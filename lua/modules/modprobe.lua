-- Keeps a module of the kernel loaded or not, now and after a restart.

local load_folder, options_folder = "/etc/modules-load.d", "/etc/modprobe.d"

-- The kernel takes - and _ for the same in names.
local function key(name) return (name:gsub("-", "_")) end

-- Whether a line of modules-load.d names the module.
local function loads(line, want) return key(text.trim((line:gsub("[#;].*$", "")))) == key(want.name) end

-- Whether a line of modprobe.d gives it options.
local function gives_options(line, want)
	local name = line:match("^%s*options%s+(%S+)")
	return name and key(name) == key(want.name)
end

local function read_all(known, folder)
	local files = {}
	local paths = need(known:glob(folder .. "/*.conf")) or {}
	local contents = {}
	for i, path in ipairs(paths) do contents[i] = known:read(path) end
	for i, path in ipairs(paths) do files[i] = { path = path, content = need(contents[i]) or "" } end
	return files
end

-- Puts "#" before the lines of all files that `mine` says are about the module.
local function comment_out(files, mine, want)
	for _, each in ipairs(files) do
		local lines = text.lines(each.content)
		for i, line in ipairs(lines) do
			if mine(line, want) then lines[i] = "#" .. line end
		end
		local after = table.concat(lines)
		if after ~= each.content then
			diff(each.path, each.content, after)
			step.put{ path = each.path, content = after, follow = true }
		end
	end
end

local function has_line(files, mine, want)
	for _, each in ipairs(files) do
		for _, line in ipairs(text.lines(each.content)) do
			if mine(line, want) then return true end
		end
	end
	return false
end

local function write(path, content)
	diff(path, false, content)
	step.put{ path = path, content = content, mode = "0644", follow = true }
end

local function persist(want, known)
	local starts, options = read_all(known, load_folder), read_all(known, options_folder)
	if want.persistent == "absent" then
		comment_out(starts, loads, want)
		comment_out(options, gives_options, want)
		return
	end
	if not has_line(starts, loads, want) then write(load_folder .. "/" .. want.name .. ".conf", want.name .. "\n") end
	if want.params == "" then return end
	local wanted = {}
	for word in want.params:gmatch("%S+") do wanted[#wanted + 1] = "options " .. want.name .. " " .. word .. "\n" end
	local line = table.concat(wanted)
	local found = {}
	for _, each in ipairs(options) do
		for _, there in ipairs(text.lines(each.content)) do
			if gives_options(there, want) then found[#found + 1] = text.ends(there, "\n") and there or there .. "\n" end
		end
	end
	if table.concat(found) == line then return end
	comment_out(options, gives_options, want)
	write(options_folder .. "/" .. want.name .. ".conf", line)
end

-- Loaded, or part of the kernel itself.
local function is_loaded(want, known)
	local modules, release = known:read("/proc/modules"), known:run{ "uname", "-r" }
	need(modules, release)
	for _, line in ipairs(text.lines(modules or "")) do
		if key(line:match("^%S+") or "") == key(want.name) then return true end
	end
	local builtin = need(known:read("/lib/modules/" .. release.stdout .. "/modules.builtin")) or ""
	for _, line in ipairs(text.lines(builtin)) do
		if key((line:match("([^/\n]+)%.ko%S*%s*$") or "")) == key(want.name) then return true end
	end
	return false
end

return {
	name = "modprobe",
	collection = "community.general",
	doc = "Keeps a module of the kernel loaded or not, and if wanted after a restart as well.",
	args = {
		name = { "str", required = true, doc = "The module of the kernel." },
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether it shall be loaded." },
		params = { "str", default = "", doc = "Its parameters, when it is loaded." },
		persistent = { "str", default = "disabled", choices = { "absent", "disabled", "present" },
			doc = "present: loaded after a restart, by files in modules-load.d and modprobe.d; absent: lines there are commented out." },
	},
	returns = {
		name = { "str", doc = "The module of the kernel." },
		params = { "str", doc = "Its parameters." },
		state = { "str", doc = "The state, as it was given." },
	},
	examples = {
		{ "What containers need, also after a restart", [[
{ "modprobe": { "name": "br_netfilter", "persistent": "present" } }]] },
	},
	decide = function(want, known)
		result.name, result.params, result.state = want.name, want.params, want.state
		local loaded = is_loaded(want, known)
		if want.state == "present" and not loaded then
			step.run{ "modprobe", want.name, touches = "/sys/module", table.unpack(text.split(want.params)) }
		elseif want.state == "absent" and loaded then
			step.run{ "modprobe", "-r", want.name, touches = "/sys/module" }
		end
		if want.persistent ~= "disabled" then persist(want, known) end
	end,
}

-- Keeps Python packages installed, up to date or away, by the host's own pip.
--
-- What is installed is asked of pip. Where that is enough to see that nothing is to do, pip is not run; else it says itself
-- whether it changed something.

local verbs = {
	present = { "install" }, absent = { "uninstall", "-y" }, latest = { "install", "-U" },
	forcereinstall = { "install", "-U", "--force-reinstall" },
}

-- Names of packages are the same whatever their case and their blanks (PEP 503).
local function key(name) return (name:lower():gsub("[-_.]+", "-")) end

-- The numbers of a plain version such as 1.10.2; nil for one with letters, whose order pip knows better.
local function numbers(version)
	if not version:find("^%d[%d.]*$") then return end
	local list = {}
	for number in version:gmatch("%d+") do list[#list + 1] = tonumber(number) end
	return list
end

local function order(a, b)
	for i = 1, math.max(#a, #b) do
		local x, y = a[i] or 0, b[i] or 0
		if x ~= y then return x < y and -1 or 1 end
	end
	return 0
end

local tests = {
	["=="] = function(sign) return sign == 0 end, ["!="] = function(sign) return sign ~= 0 end,
	[">="] = function(sign) return sign >= 0 end, ["<="] = function(sign) return sign <= 0 end,
	[">"] = function(sign) return sign > 0 end, ["<"] = function(sign) return sign < 0 end,
}

-- Whether a version meets all of ">=1.2,!=1.4"; nil where only pip can tell.
local function meets(version, specifiers)
	local is = numbers(version)
	for _, specifier in ipairs(text.split(specifiers, ",")) do
		local sign, wanted = text.trim(specifier):match("^([=!<>]=?)%s*(.*)$")
		local than = wanted and numbers(wanted)
		if not is or not than or not tests[sign] then return version == wanted and sign == "==" or nil end
		if not tests[sign](order(is, than)) then return false end
	end
	return true
end

-- "name[extra]>=1.2" in parts; nil for an address, a file or a marker, of which only pip knows what it is.
local function parse(written)
	local name, extra, specifiers = written:match("^([%w][%w._-]*)%s*(%[?[^%]=<>!~;@]*%]?)%s*(.*)$")
	if not name or specifiers:find("[;@~]") or specifiers ~= "" and not specifiers:find("^[=!<>]") then return end
	if extra ~= "" and not extra:find("^%[.*%]$") then return end
	return { name = name, specifiers = specifiers, has_extra = extra ~= "" }
end

-- A list that was one string with commas has taken versions apart: "a>1", "<2" is one package.
local function packages_of(want)
	local words = {}
	for _, word in ipairs(want.name or {}) do
		for _, part in ipairs(text.split(word, ",")) do
			part = text.trim(part)
			if #words > 0 and part:find("^[=!<>~]") then
				words[#words] = words[#words] .. "," .. part
			elseif part ~= "" then
				words[#words + 1] = part
			end
		end
	end
	if not want.version then return words end
	if #words > 1 then
		fail("'version' argument is ambiguous when installing multiple package distributions. "
			.. "Please specify version restrictions next to each package in 'name' argument.")
	end
	local package = parse(words[1])
	if package and package.specifiers ~= "" then
		fail("The 'version' argument conflicts with any version specifier provided along with a package name. "
			.. "Please keep the version specifier, but remove the 'version' argument.")
	end
	words[1] = words[1] .. (want.version:find("^[=!<>~]") and "" or "==") .. want.version
	return words
end

local function environment(env)
	return { PIP_DISABLE_PIP_VERSION_CHECK = "1", LC_ALL = "C.UTF-8", PATH = env and env .. "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" or nil }
end

-- The words that pip is started by.
local function pip_words(want, known, env)
	if env then return { env .. "/bin/python", "-m", "pip" } end
	if want.executable then return { want.executable } end
	local found = need(known:run{ sh = "command -v pip3 || python3 -m pip --version >/dev/null 2>&1 && echo module" }).stdout
	if found == "" then fail("Unable to find any of pip3 to use.  pip needs to be installed.") end
	return found == "module" and { "python3", "-m", "pip" } or { "pip3" }
end

-- What is installed: {["name"] = version}.
local function installed(want, known, pip, env)
	local words = table.move(pip, 1, #pip, 1, { env = environment(env), chdir = want.chdir })
	for _, word in ipairs{ "list", "--format=freeze" } do words[#words + 1] = word end
	local answer = need(known:run(words))
	if not answer.ok then fail("%s: %s", table.concat(pip, " "), answer.stderr ~= "" and answer.stderr or answer.how) end
	local versions = {}
	for _, line in ipairs(text.lines(answer.stdout)) do
		local name, version = line:match("^([^=%s]+)==(%S+)")
		if name then versions[key(name)] = version end
	end
	return versions
end

-- Whether what is installed shows that nothing is to do.
local function is_settled(want, packages, versions)
	if want.state == "latest" or want.state == "forcereinstall" or want.editable or want.extra_args then return false end
	for _, written in ipairs(packages) do
		local package = parse(written)
		if not package or package.has_extra and want.state == "present" then return false end
		local version = versions[key(package.name)]
		if want.state == "absent" and version then return false end
		if want.state == "present" and not (version and (package.specifiers == "" or meets(version, package.specifiers))) then
			return false
		end
	end
	return true
end

local function make_environment(want, env)
	local words = text.split(want.virtualenv_command)
	local is_venv = words[1]:find("pyvenv") or want.virtualenv_command:find("%-m venv")
	if want.virtualenv_site_packages then words[#words + 1] = "--system-site-packages" end
	if want.virtualenv_python then
		if is_venv then fail("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command") end
		words[#words + 1] = "-p" .. want.virtualenv_python
	end
	words[#words + 1] = env
	words.touches, words.live, words.chdir = env, true, want.chdir
	need(step.run(words))
end

-- A script sets the mask of what pip makes.
local function act(want, words, env)
	local run = { sh = (want.umask and "umask " .. want.umask .. "; " or "") .. "exec " .. text.words(words), chdir = want.chdir,
		env = environment(env), may_fail = true, live = true, changes = false }
	return need(step.run(run))
end

local function command_of(want, pip, packages)
	local words = table.move(pip, 1, #pip, 1, {})
	local function add(list)
		for _, word in ipairs(list) do words[#words + 1] = word end
	end
	add(verbs[want.state])
	local extra = text.split(want.extra_args or "")
	local has_e = false
	for _, word in ipairs(extra) do has_e = has_e or word == "-e" end
	if want.editable and not has_e then extra[#extra + 1] = "-e" end
	add(extra)
	add(want.requirements and { "-r", want.requirements } or packages)
	return words
end

return {
	name = "pip",
	doc = "Keeps Python packages installed, up to date or away, by the pip of the host or of a virtual environment.",
	args = {
		name = { "list", elements = "str", doc = "The packages: names, with versions such as django>=4,<5, or addresses." },
		version = { "str", doc = "The version of the one package in name." },
		requirements = { "str", doc = "A file of requirements on the host." },
		state = { "str", default = "present", choices = { "absent", "forcereinstall", "latest", "present" },
			doc = "present installs what is missing; latest also brings it up to date; forcereinstall installs it anew." },
		virtualenv = { "path", doc = "The folder of a virtual environment, which is made if it is not there." },
		virtualenv_command = { "path", default = "virtualenv", doc = "What makes it, e.g. python3 -m venv." },
		virtualenv_python = { "str", doc = "The Python for it." },
		virtualenv_site_packages = { "bool", default = false, doc = "Whether it sees the host's packages; only when it is made." },
		executable = { "path", doc = "The pip to use; by default pip3." },
		extra_args = { "str", doc = "More words for pip, parted by blanks." },
		editable = { "bool", default = false, doc = "Installs it in its own folder (-e)." },
		chdir = { "path", doc = "The folder to be in." },
		umask = { "str", doc = "The mask of the modes of new files, e.g. \"0022\".", pattern = "^[0-7]+$", pattern_doc = "be an octal number" },
	},
	required_one_of = { { "name", "requirements" } },
	mutually_exclusive = { { "name", "requirements" }, { "executable", "virtualenv" } },
	returns = {
		cmd = { "list", doc = "The words that pip was run by." },
		name = { "list", doc = "The packages." },
		version = { "str", doc = "The version, if it was given." },
		requirements = { "str", doc = "The file of requirements, if it was given." },
		virtualenv = { "str", doc = "The virtual environment, if it was given." },
		state = { "str", doc = "The state, as it was given." },
		stdout = { "str", doc = "What pip wrote, if it was run." },
		stderr = { "str", doc = "What pip complained, if it was run." },
	},
	examples = {
		{ "A program of Python's, in an environment of its own", [[
{ "pip": { "name": ["gunicorn", "django>=4.2,<5"], "virtualenv": "/srv/app/venv", "virtualenv_command": "python3 -m venv" } }]] },
		{ "What a project needs", [[{ "pip": { "requirements": "/srv/app/requirements.txt", "virtualenv": "/srv/app/venv" } }]] },
	},
	decide = function(want, known)
		if want.state == "latest" and want.version then fail("version is incompatible with state=latest") end
		local packages = packages_of(want)
		local env = want.virtualenv
		if env and want.chdir and not text.starts(env, "/") then env = want.chdir .. "/" .. env end
		result.name, result.version, result.requirements, result.virtualenv = want.name, want.version, want.requirements, env
		result.state = want.state
		local made = env and not need(known:stat(env .. "/bin/activate", { follow = true })).exists
		if made then make_environment(want, env) end
		local pip = pip_words(want, known, env)
		local words = command_of(want, pip, packages)
		result.cmd = words
		if not want.requirements and is_settled(want, packages, installed(want, known, pip, env)) then return end
		local before = want.requirements and installed(want, known, pip, env)
		changed() -- what a check says; a run knows it better
		local done = act(want, words, env)
		result.stdout, result.stderr = done.stdout, done.stderr
		local said = want.state == "absent" and "Successfully uninstalled" or "Successfully installed"
		local is_gone = want.state == "absent" and (done.stdout .. done.stderr):find("not installed", 1, true)
		if not done.ok and not is_gone then
			result.msg, result.rc = "pip failed: " .. (done.stderr ~= "" and done.stderr or done.stdout), done.rc
			fail(result)
		end
		local differs = done.stdout:find(said, 1, true) ~= nil
		if before then
			local after = installed(want, known, pip, env)
			differs = json.encode(before) ~= json.encode(after)
		end
		changed(differs or made or false)
	end,
}

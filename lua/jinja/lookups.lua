-- Lookups: data from where neap runs, by lookup(name, ...), query(name, ...) and q(name, ...).

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local globals = import("jinja/globals.lua")
local lexer = import("jinja/lexer.lua")

local text, fail, list, null, kind = values.text, values.fail, values.list, values.null, values.kind
local lookups = {}

-- lookups[name] = function(terms, options): terms is a Lua table, options a table by name; gives a Lua table.
local known = {}

local function read(path)
	local content, why = native.read_file(path, "files")
	if not content then
		fail("lookup('file'): %s", why)
	end
	return content
end

local function option(options, name, default)
	local value = options[name]
	if value == nil then
		return default
	end
	return value
end

function known.file(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local content = read(text(term))
		if values.truth(option(options, "lstrip", false)) then
			content = content:gsub("^%s+", "")
		end
		if values.truth(option(options, "rstrip", true)) then
			content = values.strip(content, nil, "r")
		end
		out[i] = content
	end
	return out
end

-- The content as it is; read_file opens what is sealed.
function known.unvault(terms)
	local out = {}
	for i, term in ipairs(terms) do
		local content, why = native.read_file(text(term), "files")
		out[i] = content or fail("lookup('unvault'): %s", why)
	end
	return out
end

function known.env(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local name = text(term):match("^%S+") or ""
		local value = native.environment(name)
		out[i] = value or option(options, "default", "")
	end
	return out
end

function known.vars(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local value = compiler.runtime.lookup(text(term))
		if values.is_undefined(value) then
			if options.default == nil then
				values.raise_undefined(value)
			end
			value = options.default
		end
		out[i] = value
	end
	return out
end

function known.dict(terms)
	local out = {}
	for _, term in ipairs(terms) do
		if kind(term) ~= "dict" then
			fail("lookup('dict'): a dictionary is needed, not a value of type %s", values.type_name(term))
		end
		for key, value in values.each(term) do
			local item = values.dict()
			values.dict_set(item, "key", key)
			values.dict_set(item, "value", value)
			out[#out + 1] = item
		end
	end
	return out
end

local function flattened(terms)
	local out = {}
	for _, term in ipairs(terms) do
		if values.is_sequence(term) then
			table.move(term, 1, #term, #out + 1, out)
		else
			out[#out + 1] = term
		end
	end
	return out
end

known.items = flattened

-- All the hosts that a pattern names: the runner knows them.
function known.inventory_hostnames(terms)
	local out = {}
	for _, term in ipairs(terms) do
		out[#out + 1] = text(term)
	end
	return flattened({ compiler.runtime.lookup("hosts of " .. table.concat(out, ",")) })
end

function known.list(terms)
	return terms
end

local function deep(terms, out)
	for _, term in ipairs(terms) do
		if values.is_sequence(term) then
			deep(term, out)
		else
			out[#out + 1] = term
		end
	end
	return out
end

function known.flattened(terms)
	return deep(terms, {})
end

function known.indexed_items(terms)
	local out = {}
	for i, item in ipairs(flattened(terms)) do
		out[i] = values.tuple({ i - 1, item })
	end
	return out
end

function known.nested(terms)
	return compiler.filters.product.apply(terms[1], table.move(terms, 2, #terms, 1, {}), nil)
end

known.cartesian = known.nested

function known.together(terms)
	return compiler.filters.zip_longest.apply(terms[1], table.move(terms, 2, #terms, 1, {}), nil)
end

function known.random_choice(terms)
	if #terms == 0 then
		return {}
	end
	return { terms[native.random(#terms) + 1] }
end

function known.fileglob(terms)
	local out = {}
	for _, term in ipairs(terms) do
		local pattern = text(term)
		local found = pattern:sub(1, 1) == "/" and native.glob(pattern) or {}
		for _, folder in ipairs(pattern:sub(1, 1) == "/" and {} or native.search_folders("files")) do
			found = native.glob(folder .. "/" .. pattern)
			if #found > 0 then
				break
			end
		end
		table.move(found, 1, #found, #out + 1, out)
	end
	return out
end

local function output(name, term)
	local printed, status = native.command(text(term))
	if not printed then
		fail("lookup('%s'): %s", name, status)
	elseif status ~= 0 then
		fail("lookup('%s'): %s ended with status %d", name, text(term), status)
	end
	return printed
end

function known.pipe(terms)
	local out = {}
	for i, term in ipairs(terms) do
		out[i] = values.strip(output("pipe", term), nil, "r")
	end
	return out
end

function known.lines(terms)
	local out = {}
	for _, term in ipairs(terms) do
		for line in output("lines", term):gmatch("([^\n]*)\n?") do
			out[#out + 1] = line
		end
		if out[#out] == "" then -- behind the last newline there is no line
			out[#out] = nil
		end
	end
	return out
end

function known.varnames(terms)
	local out = {}
	for _, term in ipairs(terms) do
		local pattern = values.regex(text(term))
		for _, name in ipairs(native.variables()) do
			if pattern:search(name, 1) then
				out[#out + 1] = name
			end
		end
	end
	table.sort(out)
	return out
end

-- The parts of a text, or of all texts in a list, between any of the signs.
local function parts_of(value, signs, into)
	into = into or {}
	if values.is_sequence(value) then
		for _, item in ipairs(value) do
			parts_of(item, signs, into)
		end
	elseif value ~= nil then
		for part in text(value):gmatch("[^" .. signs .. "]+") do
			into[#into + 1] = part:match("^%s*(.-)%s*$")
		end
	end
	return into
end

-- Adds to `search` what a term names: a file, or a dictionary with files, paths and skip. Returns whether it may be missing.
local function add_candidates(search, term, options)
	local given = options
	if kind(term) == "dict" then
		given = {}
		for name, value in values.each(term) do
			given[name] = value
		end
	elseif values.is_sequence(term) then
		local skip = false
		for _, item in ipairs(term) do
			skip = add_candidates(search, item, options)
		end
		return skip
	end
	local files, paths = parts_of(given.files, ",;"), parts_of(given.paths, ",:;")
	for _, path in ipairs(paths) do
		for _, name in ipairs(files) do
			search[#search + 1] = path .. "/" .. name
		end
	end
	for _, name in ipairs(#paths == 0 and files or {}) do
		search[#search + 1] = name
	end
	if #paths == 0 and #files == 0 and kind(term) ~= "dict" then
		search[#search + 1] = text(term)
	end
	return values.truth(option(given, "skip", false))
end

-- _kind is the folder that the loop of a task looks into: vars for include_vars.
function known.first_found(terms, options)
	local search, skip = {}, values.truth(option(options, "skip", false))
	for _, term in ipairs(terms) do
		skip = add_candidates(search, term, options)
	end
	for _, path in ipairs(search) do
		local found = native.find_file(path, options._kind and text(options._kind) or "files")
		if found then
			return { found }
		end
	end
	if skip then
		return {}
	end
	fail("lookup('first_found'): none of the files exists")
end

local SEQUENCE_MAX = 100000

-- "start=1 end=5 stride=2 format=web%02d count=3", or "1-5", or the options themselves
function known.sequence(terms, options)
	local given = {}
	for key, value in pairs(options) do
		given[key] = value
	end
	for _, term in ipairs(terms) do
		local first, last, stride, form = text(term):match("^(%d+)%-(%d+)/?(%d*):?(.*)$")
		if first then
			given.start, given["end"] = first, last
			given.stride = stride ~= "" and stride or nil
			given.format = form ~= "" and form or given.format
		else
			for key, value in text(term):gmatch("(%w+)=(%S+)") do
				given[key] = value
			end
		end
	end
	local function whole(name, default)
		local value = given[name] == nil and default or given[name]
		return value and (math.tointeger(tonumber(text(value))) or fail("lookup('sequence'): %s must be a whole number, not %s", name, values.repr(value)))
	end
	local from, stride, to, count = whole("start", 1), whole("stride", 1), whole("end"), whole("count")
	if stride == 0 or not to and not count then
		fail("lookup('sequence'): it needs end or count, and a stride that is not 0")
	elseif count and count > SEQUENCE_MAX or to and (to - from) / stride > SEQUENCE_MAX then
		fail("lookup('sequence'): more than %d elements", SEQUENCE_MAX)
	end
	local out, form = {}, text(given.format or "%d")
	for i = from, to or from + stride * (count - 1), stride do
		out[#out + 1] = values.percent_format(form, i)
	end
	return out
end

function known.template(terms)
	local out = {}
	for i, term in ipairs(terms) do
		local name = text(term)
		local content, path = native.read_template(name, compiler.runtime.template_name)
		if not content then
			fail("lookup('template'): there is no template %s", name)
		end
		out[i] = compiler.runtime.render_file(content, path)
	end
	return out
end

function known.subelements(terms)
	local found = compiler.filters.subelements.apply(terms[1], { terms[2] }, { skip_missing = kind(terms[3]) == "dict" and values.dict_get(terms[3], "skip_missing") or nil })
	local key = text(terms[2])
	local out = {}
	for i, pair in ipairs(found) do -- unlike the filter, the lookup leaves the list itself out
		local parent = values.dict()
		for name, value in values.each(pair[1]) do
			if name ~= key then
				values.dict_set(parent, name, value)
			end
		end
		out[i] = values.tuple({ parent, pair[2] })
	end
	return out
end

-- What stands for the lookups of Ansible that are not here.
local elsewhere = {
	url = "a task of the module uri with return_content and register, on localhost if need be, gets what is at a URL",
	config = "neap's settings are its options; there is no configuration of Ansible's to ask",
}

-- The lookup of a name; line: where a template calls it, nil while it runs.
local function named(name, line)
	name = name:match("^[%w_]+%.[%w_]+%.([%w_]+)$") or name
	if known[name] then
		return known[name]
	end
	local names = {}
	for each in pairs(known) do
		names[#names + 1] = each
	end
	table.sort(names)
	local near = not elsewhere[name] and native.nearest(name, names) or nil
	lexer.fail_absent(line or 0, near, elsewhere[name] or "there are: " .. table.concat(names, ", "), "lookup", name)
end

local function run(want_list, more, name, ...)
	if type(name) ~= "string" then
		fail("lookup: the name of the lookup must be a string")
	end
	local lookup = named(name)
	if more.wantlist ~= nil then
		want_list = values.truth(more.wantlist)
		more.wantlist = nil
	end
	local errors = more.errors
	more.errors = nil
	local terms = { ... }
	for i = 1, #terms do
		values.defined(terms[i])
	end
	local good, found = true, nil
	if errors == "ignore" or errors == "warn" then
		good, found = pcall(lookup, terms, more)
	else
		found = lookup(terms, more)
	end
	if not good then
		return want_list and list() or null
	elseif want_list then
		return list(found)
	elseif #found == 1 then
		return found[1]
	elseif #found == 0 then
		return list()
	end
	for i = 1, #found do
		if type(found[i]) ~= "string" then
			return list(found)
		end
	end
	return table.concat(found, ",")
end

globals.add("lookup", { "*", "**" }, function(more, ...) return run(false, more, ...) end)
globals.add("query", { "*", "**" }, function(more, ...) return run(true, more, ...) end)
globals.add("q", { "*", "**" }, function(more, ...) return run(true, more, ...) end)

lookups.known = known
-- A name that stands in the template is looked up before the run.
local function check_name(node)
	local name = node.arguments.positional[1]
	if name and name.kind == "constant" and type(name.value) == "string" then
		named(name.value, node.line)
	end
end
compiler.calls.lookup, compiler.calls.query, compiler.calls.q = check_name, check_name, check_name

return lookups

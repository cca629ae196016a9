-- Lookups: data from where neap runs, by lookup(name, ...), query(name, ...) and q(name, ...).

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local globals = import("jinja/globals.lua")
local lexer = import("jinja/lexer.lua")
local dates = import("jinja/dates.lua")

local text, fail, list, null, kind = values.text, values.fail, values.list, values.null, values.kind
local lookups = {}

-- name to definition; its options are those that the lookup can be given by name.
local known = {}

-- A lookup: run gets its terms as a Lua table and its options as one by name, and gives a Lua table.
function lookups.add(names, options, run)
	local takes_options = #options > 0
	local definition = compiler.define(known, names, { "*", table.unpack(options) }, function(_, more, ...)
		return takes_options and run({ ... }, more) or run({ more, ... }, {})
	end)
	definition.name = "lookup('" .. definition.name .. "')"
end
local add = lookups.add

-- The content of a file, as text unless it is raw.
function lookups.read(name, file)
	local content, why = native.read_file(text(file), "files")
	return content or fail("lookup('%s'): %s", name, why)
end
local read = lookups.read

-- The lines of a text, as Python's splitlines finds them in bytes.
function lookups.lines(content, into)
	content = content:gsub("\r\n?", "\n")
	for line, stop in content:gmatch("([^\n]*)(\n?)") do
		if line ~= "" or stop ~= "" then
			into[#into + 1] = line
		end
	end
	return into
end

local escapes = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["\\"] = "\\", ["'"] = "'", ['"'] = '"' }

-- The words of a term such as "key file='a b.csv' col=2", and the options among them by name. What is in quotes is one word; quotes
-- around an option's value are taken off.
function lookups.words(term)
	local words, options, at = {}, {}, 1
	term = text(term):gsub("\\(.)", function(sign) return escapes[sign] end)
	while true do
		local from = term:find("[^ \n\t]", at)
		if not from then
			return words, options
		end
		local stop, quote = from, nil
		while stop <= #term and (quote or not term:find("^[ \n\t]", stop)) do
			local sign = term:sub(stop, stop)
			quote = quote ~= sign and (quote or (sign == "'" or sign == '"') and sign) or nil
			stop = stop + 1
		end
		local word = term:sub(from, stop - 1)
		local name, value = word:match("^([%w_]+)=(.*)$")
		if name then
			options[name] = value:match("^'(.*)'$") or value:match('^"(.*)"$') or value
		else
			words[#words + 1] = word
		end
		at = stop
	end
end

add("file", { "lstrip:flag", "rstrip:flag" }, function(terms, options)
	local sides = (options.lstrip and "l" or "") .. (options.rstrip ~= false and "r" or "")
	local out = {}
	for i, term in ipairs(terms) do
		local content = read("file", term)
		out[i] = sides ~= "" and values.strip(content, nil, sides) or content
	end
	return out
end)

-- The content as it is; read_file opens what is sealed.
add("unvault", {}, function(terms)
	local out = {}
	for i, term in ipairs(terms) do
		out[i] = read("unvault", term)
	end
	return out
end)

add("env", { "default:lazy" }, function(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local value = native.environment(text(term):match("%S+") or fail("lookup('env'): the name of a variable is missing"))
		if value == nil then
			local default = options.default
			value = (default == nil or default == null) and "" or values.defined(default)
		end
		out[i] = value
	end
	return out
end)

function lookups.name(lookup, term)
	return type(term) == "string" and term or fail("lookup('%s'): a name is a string, not a value of type %s", lookup, values.type_name(term))
end

add("vars", { "default" }, function(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local value = compiler.runtime.lookup(lookups.name("vars", term))
		if values.is_undefined(value) then
			value = options.default ~= nil and options.default ~= null and options.default or values.raise_undefined(value)
		end
		out[i] = value
	end
	return out
end)

add("dict", {}, function(terms)
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
end)

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

add("items", {}, flattened)

-- All the hosts that a pattern names: the runner knows them.
add("inventory_hostnames", {}, function(terms)
	local out = {}
	for i, term in ipairs(terms) do
		out[i] = text(term)
	end
	return flattened({ compiler.runtime.lookup("hosts of " .. table.concat(out, ",")) })
end)

add("list", {}, function(terms) return terms end)

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

add("flattened", {}, function(terms) return deep(terms, {}) end)

add("indexed_items", {}, function(terms)
	local out = {}
	for i, item in ipairs(flattened(terms)) do
		out[i] = values.tuple({ i - 1, item })
	end
	return out
end)

-- Each of the terms as a list: what is none is a list of one.
local function lists(name, terms)
	local out = {}
	for i, term in ipairs(terms) do
		out[i] = values.is_sequence(term) and term or list(kind(term) == "dict" and { table.unpack(values.elements(term)) } or { term })
	end
	return #out > 0 and out or fail("lookup('%s'): at least one list is needed", name)
end

-- The members of each row that are lists themselves become members of it.
local function flat_rows(rows)
	local out = {}
	for i, row in ipairs(rows) do
		out[i] = values.list(flattened(row))
	end
	return out
end

add("nested cartesian", {}, function(terms)
	local given = lists("nested", terms)
	return flat_rows(compiler.filters.product.apply(given[1], table.move(given, 2, #given, 1, {}), nil))
end)

add("together", {}, function(terms)
	local given = lists("together", terms)
	return flat_rows(compiler.filters.zip_longest.apply(given[1], table.move(given, 2, #given, 1, {}), nil))
end)

add("random_choice", {}, function(terms)
	return #terms > 0 and { terms[native.random(#terms) + 1] } or {}
end)

-- Where the files of a pattern may be: where it names a folder, that one in the first place that has it.
local function glob_folders(folder)
	local out = {}
	if folder:sub(1, 1) == "/" then
		return { folder }
	end
	for _, place in ipairs(native.search_folders("files")) do
		local path = folder == "" and place .. "/" or place .. "/" .. folder
		if folder == "" or native.file_kind(path, true) then
			out[#out + 1] = path
		end
		if #out > 0 and folder ~= "" then
			break
		end
	end
	return out
end

add("fileglob", {}, function(terms)
	local out = {}
	for _, term in ipairs(terms) do
		local folder, name = text(term):match("^(.*/)([^/]*)$")
		for _, path in ipairs(glob_folders(folder or "")) do
			local found = native.glob(path .. (name or text(term)))
			table.move(found, 1, #found, #out + 1, out)
			if #found > 0 then
				break
			end
		end
	end
	return out
end)

local function output(name, term)
	local printed, status, complaints = native.command(text(term))
	if not printed then
		fail("lookup('%s'): %s", name, status)
	elseif status ~= 0 then
		local why = values.strip(native.clean(complaints), nil, "lr")
		fail("lookup('%s'): %s ended with status %d%s%s", name, text(term), status, why ~= "" and ": " or "", why)
	end
	return printed
end

add("pipe", {}, function(terms)
	local out = {}
	for i, term in ipairs(terms) do
		out[i] = values.strip(output("pipe", term), nil, "r")
	end
	return out
end)

add("lines", {}, function(terms)
	local out = {}
	for _, term in ipairs(terms) do
		lookups.lines(output("lines", term), out)
	end
	return out
end)

add("varnames", {}, function(terms)
	local out = {}
	for _, term in ipairs(terms) do
		local pattern, found = values.regex(lookups.name("varnames", term)), {}
		for _, name in ipairs(native.variables()) do
			if pattern:search(name, 1) then
				found[#found + 1] = name
			end
		end
		table.sort(found)
		table.move(found, 1, #found, #out + 1, out)
	end
	return out
end)

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
	elseif term ~= nil and type(term) ~= "string" then
		fail("lookup('first_found'): a string, a dictionary or a list of them is needed, not a value of type %s", values.type_name(term))
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
	if #paths == 0 and #files == 0 and type(term) == "string" then
		search[#search + 1] = term
	end
	return values.flag(given.skip)
end

-- _kind is the folder that the loop of a task looks into: vars for include_vars.
add("first_found", { "files", "paths", "skip", "_kind" }, function(terms, options)
	local search, skip = {}, values.flag(options.skip)
	for _, term in ipairs(terms) do
		skip = add_candidates(search, term, options)
	end
	if #terms == 0 then
		add_candidates(search, nil, options)
	end
	for _, path in ipairs(search) do
		local found = native.find_file(path, options._kind and text(options._kind) or "files")
		if found then
			return { found }
		end
	end
	return skip and {} or fail("lookup('first_found'): none of the files exists: %s", table.concat(search, ", "))
end)

local SEQUENCE_MAX = 100000

-- A whole number as Python writes them.
local function whole(name, given)
	local written = text(given):gsub("^%s*(.-)%s*$", "%1")
	local sign, digits = written:match("^([+-]?)(.*)$")
	local base, rest = digits:lower():match("^0([xob])(%w+)$")
	local number = base and tonumber(rest, ({ x = 16, o = 8, b = 2 })[base])
		or not base and (digits:find("^[1-9]%d*$") or digits:find("^0+$")) and math.tointeger(tonumber(digits))
	if not number then
		fail("lookup('sequence'): %s must be a whole number, not %s", name, values.repr(given))
	end
	return sign == "-" and -number or number
end

-- "5", "2-10/2:host%02d"
local function shortcut(term)
	local number = "0?[xX]?%x+"
	local rest, form = term:match("^([^:]*):(.+)$")
	rest = rest or term
	local range, stride = rest:match("^(.-)/(" .. number .. ")$")
	range = range or rest
	local first, last = range:match("^(" .. number .. ")%-(" .. number .. ")$")
	last = last or range:match("^" .. number .. "$")
	return last and { start = first, ["end"] = last, stride = stride, format = form }
end

local sequence_options = { start = true, ["end"] = true, count = true, stride = true, format = true }

local function sequence_given(term, options)
	local given = setmetatable({}, { __index = options })
	local words, named = lookups.words(term)
	local short = shortcut(text(term))
	for name, value in pairs(short or named) do
		given[sequence_options[name] and name or fail("lookup('sequence'): there is no option '%s'", name)] = value
	end
	if not short and #words > 0 then
		fail("lookup('sequence'): '%s' is no option", words[1])
	end
	return given
end

-- Adds the numbers from start to end, or count of them.
local function add_sequence(out, given)
	local numbers = { start = 1, stride = 1 }
	for _, name in ipairs({ "start", "end", "count", "stride" }) do
		numbers[name] = given[name] ~= nil and whole(name, given[name]) or numbers[name]
	end
	local from, to, stride, count = numbers.start, numbers["end"], numbers.stride, numbers.count
	if not to == not count then
		fail("lookup('sequence'): it needs end or count, and not both")
	elseif count == 0 or not count and stride == 0 then
		return
	end
	to = to or from + count * stride - 1
	if stride > 0 and to < from or stride < 0 and to > from then
		fail("lookup('sequence'): from %d to %d the stride must be %s", from, to, stride > 0 and "negative" or "positive")
	elseif stride ~= 0 and (to - from) // stride > SEQUENCE_MAX then
		fail("lookup('sequence'): more than %d elements", SEQUENCE_MAX)
	end
	local form = text(given.format or "%d")
	if select(2, form:gsub("%%", "")) ~= 1 then
		fail("lookup('sequence'): the format must have one '%%': %s", form)
	end
	for i = from, to, stride ~= 0 and stride or 1 do
		out[#out + 1] = values.percent_format(form, i)
	end
end

-- "start=1 end=5 stride=2 format=web%02d", "1-5", or the options themselves
add("sequence", { "start", "end", "count", "stride", "format" }, function(terms, options)
	local out = {}
	for _, term in ipairs(terms) do
		add_sequence(out, sequence_given(term, options))
	end
	if #terms == 0 and next(options) then
		add_sequence(out, options)
	end
	return out
end)

-- What a template sees besides the variables.
local function template_variables(name, path, more)
	local about = native.file_about(path)
	local variables = {
		ansible_managed = "Ansible managed", template_path = name, template_fullpath = path, template_destpath = null,
		template_host = about.node, template_uid = about.owner, template_run_date = globals.now.call({}, {}),
		template_mtime = dates.datetime(about.changed + native.utc_offset(about.changed // 1000000) * 1000000),
	}
	for key, value in values.each(more or values.dict()) do
		variables[text(key)] = value
	end
	return variables
end

add("template", { "convert_data:flag", "template_vars:dict", "jinja2_native:flag", "variable_start_string:text", "variable_end_string:text",
	"comment_start_string:text", "comment_end_string:text" }, function(terms, options)
	local out = {}
	local marks = { variable_start = options.variable_start_string, variable_end = options.variable_end_string,
		comment_start = options.comment_start_string, comment_end = options.comment_end_string }
	for i, term in ipairs(terms) do
		local content, path = native.read_template(text(term), compiler.runtime.template_name)
		if not content then
			fail("lookup('template'): there is no template %s", text(term))
		end
		out[i] = compiler.runtime.render_with(content, path, marks, template_variables(text(term), path, options.template_vars), options.jinja2_native)
	end
	return out
end)

-- Takes the list at the end of the path out of a copy of the parent. Gives both; the list is nil where there is none.
local function take_out(parent, path, at, skips)
	local value, copy = values.dict_get(parent, path[at]), values.dict_copy(parent)
	local last = at == #path
	if value == nil and skips or value ~= nil and not last and kind(value) ~= "dict" and skips then
		return copy, nil
	elseif value == nil then
		fail("lookup('subelements'): an element has no '%s'", path[at])
	elseif last and not values.is_sequence(value) or not last and kind(value) ~= "dict" then
		fail("lookup('subelements'): '%s' must be a %s, not a value of type %s", path[at], last and "list" or "dictionary", values.type_name(value))
	elseif last then
		values.dict_remove(copy, path[at])
		return copy, value
	end
	local inner, found = take_out(value, path, at + 1, skips)
	values.dict_set(copy, path[at], inner)
	return copy, found
end

-- A result of a loop or a task that was skipped has none.
local function is_skipped(value)
	local skipped = values.dict_get(value, "skipped")
	return skipped ~= nil and skipped ~= false
end

add("subelements", {}, function(terms)
	local parents, key, flags = terms[1], terms[2], terms[3]
	if #terms < 2 or #terms > 3 or not values.is_sequence(parents) and kind(parents) ~= "dict" or type(key) ~= "string"
		or flags ~= nil and kind(flags) ~= "dict" then
		fail("lookup('subelements'): it takes a list or a dictionary, the name of a list in its elements, and a dictionary with skip_missing")
	end
	local path, skips, out = values.split(key, "."), flags and values.flag(values.dict_get(flags, "skip_missing")), {}
	if kind(parents) == "dict" then
		parents = is_skipped(parents) and {} or values.dict_values(parents)
	end
	for _, parent in ipairs(parents) do
		if kind(parent) ~= "dict" then
			fail("lookup('subelements'): an element is a dictionary, not a value of type %s", values.type_name(parent))
		end
		if not is_skipped(parent) then
			local left, found = take_out(parent, path, 1, skips)
			for _, element in ipairs(found or {}) do
				out[#out + 1] = values.tuple({ left, element })
			end
		end
	end
	return out
end)

-- What stands for the lookups of Ansible that are not here.
local elsewhere = {
	config = "neap's settings are its options; there is no configuration of Ansible's to ask",
}

-- The lookup of a name; line: where a template calls it, nil while it runs.
local function named(name, line)
	name = name:match("^[%w_]+%.[%w_]+%.([%w_]+)$") or name
	if known[name] then
		return known[name]
	end
	local names = values.names_of(known)
	local near = not elsewhere[name] and native.nearest(name, names) or nil
	lexer.fail_absent(line or 0, near, elsewhere[name] or "there are: " .. table.concat(names, ", "), "lookup", name)
end

-- What the lookup gives; where it fails and its errors do not count, nil. An undefined variable is an error whatever is said of errors.
local function result_of(lookup, terms, options, errors, name)
	if errors ~= "ignore" and errors ~= "warn" then
		return lookup.apply(nil, terms, options)
	end
	local good, found = compiler.runtime.protect(lookup.apply, nil, terms, options)
	if good then
		return found
	elseif type(found) == "table" and found.code == native.undefined_code then
		error(found, 0)
	elseif errors == "warn" then
		native.warn(("the lookup '%s' failed, but the error is being ignored: %s"):format(name, type(found) == "table" and found.text or tostring(found)))
	end
end

local function run(want_list, options, name, ...)
	if type(name) ~= "string" then
		fail("lookup: the name of the lookup must be a string")
	end
	local lookup, terms, errors = named(name), { ... }, options.errors
	want_list = want_list or options.wantlist ~= nil and values.truth(options.wantlist)
	options.wantlist, options.errors, options.allow_unsafe = nil, nil, nil
	for i = 1, #terms do
		values.defined(terms[i])
	end
	local found = result_of(lookup, terms, options, errors, name)
	if not found then
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

-- A text that is written as a term may hold templates, as Ansible has it: lookup('file', '{{ role_path }}/x'). What is in
-- variables never does.
local function render_texts(node)
	if node.kind == "constant" and type(node.value) == "string" and node.value:find("{[{%%]") then
		node.kind = "rendered"
	elseif node.kind == "list" or node.kind == "tuple" or node.kind == "concat" then
		for _, item in ipairs(node.items) do
			render_texts(item)
		end
	elseif node.kind == "dict" then
		for _, pair in ipairs(node.pairs) do
			render_texts(pair.value)
		end
	end
end

-- A name that stands in the template is looked up before the run.
local function look_at_call(node, checking)
	local positional = node.arguments.positional
	local name = positional[1]
	if checking and name and name.kind == "constant" and type(name.value) == "string" then
		named(name.value, node.line)
	end
	for i = 2, #positional do
		render_texts(positional[i])
	end
end
compiler.calls.lookup, compiler.calls.query, compiler.calls.q = look_at_call, look_at_call, look_at_call

return lookups

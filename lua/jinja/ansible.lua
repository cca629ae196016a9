-- Ansible's filters.

local values = import("jinja/values.lua")
local arithmetic = import("jinja/arithmetic.lua")
local cache = import("jinja/cache.lua")
local compiler = import("jinja/compiler.lua")
local sequence = import("jinja/sequence.lua")
local json = import("jinja/json.lua")
local dates = import("jinja/dates.lua")

local truth, text, fail, list, kind = values.truth, values.text, values.fail, values.list, values.kind
local elements, null = values.elements, values.null
local filters = compiler.filters

local function filter(names, parameters, run)
	return compiler.define(filters, names, parameters, run)
end

local function is_true(v)
	return v ~= nil and truth(v)
end

-- Types

filter("bool", {}, function(v)
	if type(v) == "boolean" or v == null then
		return v
	end
	local s = type(v) == "string" and native.lower(v) or v
	return s == "yes" or s == "on" or s == "1" or s == "true" or s == 1
end)
filter("ternary", { "true_val!:lazy", "false_val!:lazy", "none_val:lazy" }, function(v, yes, no, none)
	if v == null and none ~= nil and none ~= null then
		return none
	end
	if truth(v) then
		return yes
	end
	return no
end)
filter("type_debug", {}, function(v)
	return values.type_name(v)
end).takes_undefined = true
filter("mandatory", { "msg:any" }, function(v, message)
	if values.is_undefined(v) then
		if message ~= nil and message ~= null then
			error({ text = text(message), hint = v.hint, code = native.undefined_code }, 0)
		end
		error({ text = string.format("the mandatory variable %s is not defined", v.name and "'" .. v.name .. "'" or ""), hint = v.hint, code = native.undefined_code }, 0)
	end
	return v
end).takes_undefined = true

-- JSON

filter("to_json", { "indent:indent", "sort_keys:bool", "ensure_ascii:bool", "separators:strs", "**" }, function(v, _, indent, sort, ascii, separators)
	return json.encode(v, { indent = indent ~= null and indent or nil, sort = is_true(sort), ascii = ascii == nil or truth(ascii),
		item = separators and separators[1], key = separators and separators[2] })
end)
filter("to_nice_json", { "indent:indent", "sort_keys:bool", "ensure_ascii:bool", "**" }, function(v, _, indent, sort, ascii)
	return json.encode(v, { indent = indent == nil and "    " or indent ~= null and indent or nil, sort = sort == nil or truth(sort), ascii = ascii == nil or truth(ascii) })
end)
filter("from_json", {}, function(v)
	if type(v) ~= "string" then
		fail("from_json: a string is needed, not a value of type %s", values.type_name(v))
	end
	return native.json_decode(v)
end)

-- Regular expressions

local compiled, keep_compiled = cache(1000)

-- A compiled expression; flags are letters.
local function regex(pattern, ignorecase, multiline)
	if type(pattern) ~= "string" then
		fail("the regular expression must be a string, not a value of type %s", values.type_name(values.defined(pattern)))
	end
	local flags = "u" .. (is_true(ignorecase) and "i" or "") .. (is_true(multiline) and "m" or "")
	local key = flags .. "/" .. pattern
	return compiled[key] or keep_compiled(key, native.regex(pattern, flags))
end
values.regex = regex

filter("regex_replace", { "pattern:str", "replacement:text", "ignorecase:bool", "multiline:bool" }, function(v, pattern, replacement, ignorecase, multiline)
	local result = regex(pattern or "", ignorecase, multiline):sub(replacement == nil and "" or text(values.defined(replacement)), native.clean(text(v)), 0)
	return result
end)
filter("regex_findall", { "regex!:str", "multiline:bool", "ignorecase:bool" }, function(v, pattern, multiline, ignorecase)
	local re = regex(pattern, ignorecase, multiline)
	local out = {}
	for match in re:each(native.clean(text(v))) do
		if re.groups == 0 then
			out[#out + 1] = match[0]
		elseif re.groups == 1 then
			out[#out + 1] = match[1] or ""
		else
			local groups = {}
			for i = 1, re.groups do
				groups[i] = match[i] or ""
			end
			out[#out + 1] = values.tuple(groups)
		end
	end
	return list(out)
end)
filter("regex_search", { "regex!:str", "*", "ignorecase:bool", "multiline:bool" }, function(v, more, pattern, ...)
	local match = regex(pattern, more.ignorecase, more.multiline):search(native.clean(text(v)), 1)
	if not match then
		return null
	end
	local out = {}
	for i, reference in ipairs({ ... }) do
		local name = type(reference) == "string" and reference:match("^\\g<(%S+)>$") or type(reference) == "string" and reference:match("^\\(%d+)$")
		if not name then
			fail("regex_search: an argument must be a group such as '\\1' or '\\g<name>'")
		end
		local number = math.tointeger(tonumber(name)) or match.names and match.names[name]
		if not number or match[number] == nil then
			fail("regex_search: there is no group '%s'", name)
		end
		out[i] = match[number] or null
	end
	return #out > 0 and list(out) or match[0]
end)
filter("regex_escape", { "re_type:str" }, function(v, kind_of)
	if kind_of == nil or kind_of == "python" then
		return native.regex_escape(text(v))
	elseif kind_of == "posix_basic" then
		return (text(v):gsub("[%]%.%[%^%$%*\\]", "\\%0"))
	end
	fail("regex_escape: the type must be python or posix_basic, not %s", values.repr(kind_of))
end)

-- Dictionaries and lists

local function dict_argument(v, name)
	if kind(v) ~= "dict" then
		fail("%s: a dictionary is needed, not a value of type %s", name, values.type_name(v))
	end
	return v
end

local function without(items, others)
	local set = sequence.set(others)
	local out = {}
	for i = 1, #items do
		if not set:has(items[i]) then
			out[#out + 1] = items[i]
		end
	end
	return out
end

local list_merges = {
	replace = function(_, y) return y end,
	keep = function(x) return x end,
	append = arithmetic.add,
	prepend = function(x, y) return arithmetic.add(y, x) end,
	append_rp = function(x, y) return arithmetic.add(list(without(x, y)), y) end,
	prepend_rp = function(x, y) return arithmetic.add(y, list(without(x, y))) end,
}

-- x with y's members over it, as Ansible merges.
local function merge(x, y, recursive, merge_lists)
	if #values.dict_keys(x) == 0 or values.equal(x, y) then
		return values.dict_copy(y)
	end
	local out = values.dict_copy(x)
	for key, theirs in values.each(y) do
		local ours = values.dict_get(out, key)
		local ours_kind, theirs_kind = ours ~= nil and kind(ours), kind(theirs)
		if recursive and ours_kind == "dict" and theirs_kind == "dict" then
			theirs = merge(ours, theirs, recursive, merge_lists)
		elseif ours_kind == "list" and theirs_kind == "list" then
			theirs = merge_lists(ours, theirs)
		end
		values.dict_set(out, key, theirs)
	end
	return out
end

local function flatten(items, levels, skip_nulls, out)
	for _, item in ipairs(items) do
		if skip_nulls and (item == null or item == "None" or item == "null") then
			item = nil
		elseif values.is_sequence(item) and (levels == nil or levels >= 1) then
			flatten(item, levels and levels - 1, skip_nulls, out)
		else
			out[#out + 1] = item
		end
	end
	return out
end

filter("combine", { "*", "recursive:bool", "list_merge:str" }, function(v, more, ...)
	local dicts = flatten({ v, ... }, 1, true, {})
	local merge_lists = list_merges[more.list_merge == nil and "replace" or more.list_merge]
	if not merge_lists then
		fail("combine: list_merge must be replace, keep, append, prepend, append_rp or prepend_rp")
	end
	for i = 1, #dicts do
		dict_argument(values.defined(dicts[i]), "combine")
	end
	local result = dicts[#dicts] or values.dict()
	for i = #dicts - 1, 1, -1 do
		result = merge(dicts[i], result, is_true(more.recursive), merge_lists)
	end
	return result
end)
filter("dict2items", { "key_name:str", "value_name:str" }, function(v, key_name, value_name)
	local out = {}
	for key, value in values.each(dict_argument(v, "dict2items")) do
		local item = values.dict()
		values.dict_set(item, key_name or "key", key)
		values.dict_set(item, value_name or "value", value)
		out[#out + 1] = item
	end
	return list(out)
end)
filter("items2dict", { "key_name:str", "value_name:str" }, function(v, key_name, value_name)
	key_name, value_name = key_name or "key", value_name or "value"
	local dict = values.dict()
	for _, item in ipairs(values.is_sequence(v) and v or fail("items2dict: a list is needed, not a value of type %s", values.type_name(v))) do
		local key = values.dict_get(dict_argument(item, "items2dict"), key_name)
		local value = values.dict_get(item, value_name)
		if key == nil or value == nil then
			fail("items2dict: each element needs the keys '%s' and '%s', one is %s", key_name, value_name, values.repr(item))
		end
		values.dict_set(dict, key, value)
	end
	return dict
end)
filter("flatten", { "levels:int", "skip_nulls:bool" }, function(v, levels, skip_nulls)
	return list(flatten(elements(v), levels ~= null and levels or nil, skip_nulls == nil or truth(skip_nulls), {}))
end)
filter("subelements", { "subelements!:strs", "skip_missing:bool" }, function(v, path, skip_missing)
	local items = kind(v) == "dict" and values.dict_values(v) or kind(v) == "list" and v or fail("subelements: a list of dictionaries or a dictionary of them is needed")
	local keys = values.is_sequence(path) and path or values.split(path, ".")
	local out = {}
	for _, item in ipairs(items) do
		local inside = item
		for _, key in ipairs(keys) do
			local member = values.dict_get(dict_argument(inside, "subelements"), key)
			if member == nil then
				if not is_true(skip_missing) then
					fail("subelements: there is no key '%s' in %s", text(key), values.repr(inside))
				end
				member = list()
				inside = member
				break
			end
			inside = member
		end
		if kind(inside) ~= "list" then
			fail("subelements: the key '%s' should hold a list, not a value of type %s", table.concat(keys, "."), values.type_name(inside))
		end
		for _, element in ipairs(inside) do
			out[#out + 1] = values.tuple({ item, element })
		end
	end
	return list(out)
end)
filter("extract", { "container!:lazy", "morekeys:any" }, function(v, container, more)
	local keys = { v }
	if values.is_undefined(container) then
		return container
	end
	if more ~= nil and more ~= null then
		if values.is_sequence(more) then
			table.move(more, 1, #more, 2, keys)
		else
			keys[2] = more
		end
	end
	local value = container
	for i = 1, #keys do
		value = values.item(value, keys[i])
	end
	return value
end)
filter("rekey_on_member", { "key!:str", "duplicates:str" }, function(v, key, duplicates)
	local items = kind(v) == "dict" and values.dict_values(v) or elements(v)
	local out = values.dict()
	if duplicates and duplicates ~= "error" and duplicates ~= "overwrite" then
		fail("rekey_on_member: duplicates is error or overwrite, not %s", values.repr(duplicates))
	end
	for _, item in ipairs(items) do
		local name = values.dict_get(dict_argument(item, "rekey_on_member"), key)
		if name == nil then
			fail("rekey_on_member: there is no key '%s' in an element", text(key))
		elseif values.dict_get(out, name) ~= nil and duplicates ~= "overwrite" then
			fail("rekey_on_member: the key %s is not unique", values.repr(name))
		end
		values.dict_set(out, name, item)
	end
	return out
end)

-- Sets

local function unique(items)
	local set, out = sequence.set(), {}
	for i = 1, #items do
		if set:add(items[i]) then
			out[#out + 1] = items[i]
		end
	end
	return out
end

filter("union", { "b!:items" }, function(a, b)
	return list(unique(table.move(elements(b), 1, #elements(b), #elements(a) + 1, table.move(elements(a), 1, #elements(a), 1, {}))))
end)
local function intersect(a, b)
	local set, out = sequence.set(elements(b)), {}
	for _, item in ipairs(elements(a)) do
		if set:has(item) then
			out[#out + 1] = item
		end
	end
	return unique(out)
end
filter("intersect", { "b!:items" }, function(a, b) return list(intersect(a, b)) end)
filter("difference", { "b!:items" }, function(a, b) return list(unique(without(elements(a), elements(b)))) end)
filter("symmetric_difference", { "b!:items" }, function(a, b)
	local both = table.move(elements(b), 1, #elements(b), #elements(a) + 1, table.move(elements(a), 1, #elements(a), 1, {}))
	return list(without(unique(both), intersect(a, b)))
end)

-- Combinations

local COMBINED_MAX = 100000

local function bounded(out)
	if #out >= COMBINED_MAX then
		fail("the result has more than %d elements", COMBINED_MAX)
	end
	return out
end

filter("zip", { "*", "strict:bool" }, function(v, more, ...)
	local all, out = { v, ... }, {}
	local shortest = math.huge
	for i = 1, #all do
		all[i] = elements(all[i])
		if more.strict and #all[i] ~= #all[1] then
			fail("zip: argument %d has %d elements, the first one %d", i, #all[i], #all[1])
		end
		shortest = math.min(shortest, #all[i])
	end
	for at = 1, shortest do
		local row = {}
		for i = 1, #all do
			row[i] = all[i][at]
		end
		out[at] = values.tuple(row)
	end
	return list(out)
end)
filter("zip_longest", { "*", "fillvalue" }, function(v, more, ...)
	local all, out, longest = { v, ... }, {}, 0
	local fill = more.fillvalue == nil and null or more.fillvalue
	for i = 1, #all do
		all[i] = elements(all[i])
		longest = math.max(longest, #all[i])
	end
	for at = 1, longest do
		local row = {}
		for i = 1, #all do
			row[i] = all[i][at]
			if row[i] == nil then
				row[i] = fill
			end
		end
		out[at] = values.tuple(row)
	end
	return list(out)
end)
filter("product", { "*", "repeat:int" }, function(v, more, ...)
	local all = {}
	local times = more["repeat"] or 1
	if times > COMBINED_MAX then
		fail("product: it can be repeated %d times at most", COMBINED_MAX)
	end
	for _ = 1, times do
		for _, items in ipairs({ v, ... }) do
			all[#all + 1] = elements(items)
		end
	end
	local rows = { {} }
	for _, items in ipairs(all) do
		local next_rows = {}
		for _, row in ipairs(rows) do
			for _, item in ipairs(items) do
				local longer = table.move(row, 1, #row, 1, {})
				longer[#longer + 1] = item
				bounded(next_rows)[#next_rows + 1] = longer
			end
		end
		rows = next_rows
	end
	for i = 1, #rows do
		values.tuple(rows[i])
	end
	return list(rows)
end)

-- Calls take(indices) for each choice of count out of n, in order.
local function choose(n, count, ordered, take)
	local chosen, used = {}, {}
	local function step(from)
		if #chosen == count then
			take(chosen)
			return
		end
		for i = from, n do
			if not used[i] then
				used[i] = true
				chosen[#chosen + 1] = i
				step(ordered and i + 1 or 1)
				chosen[#chosen] = nil
				used[i] = nil
			end
		end
	end
	step(1)
end

local function choices(ordered)
	return function(v, count)
		local items, out = elements(v), {}
		choose(#items, (count == nil or count == null) and #items or count, ordered, function(chosen)
			local row = {}
			for i = 1, #chosen do
				row[i] = items[chosen[i]]
			end
			bounded(out)[#out + 1] = values.tuple(row)
		end)
		return list(out)
	end
end
filter("combinations", { "r!:int" }, choices(true))
filter("permutations", { "r:int" }, choices(false))

-- Numbers

local function number_argument(v, name)
	if v == true or v == false then
		return v and 1 or 0
	elseif type(v) ~= "number" then
		fail("%s() can only be used on numbers, not on a value of type %s", name, values.type_name(values.defined(v)))
	end
	return v
end

filter("log", { "base:number" }, function(v, base)
	v = number_argument(v, "log")
	if v <= 0 then
		fail("log() needs a number above 0")
	end
	if base ~= nil and (base <= 0 or base == 1) then
		fail("log() needs a base above 0 that is not 1")
	end
	return base == nil and math.log(v) or base == 10 and math.log(v, 10) or math.log(v) / math.log(base)
end)
filter("pow", { "y!:number" }, function(v, y)
	return (number_argument(v, "pow") + 0.0) ^ number_argument(y, "pow")
end)
filter("root", { "base:number" }, function(v, base)
	v = number_argument(v, "root")
	if v < 0 then
		fail("root() needs a number that is not negative")
	end
	return (base == nil or base == 2) and math.sqrt(v) or (v + 0.0) ^ (1.0 / number_argument(base, "root"))
end)

local sizes = { { "Y", 2.0 ^ 80 }, { "Z", 2.0 ^ 70 }, { "E", 2.0 ^ 60 }, { "P", 2.0 ^ 50 }, { "T", 2.0 ^ 40 }, { "G", 2.0 ^ 30 }, { "M", 2.0 ^ 20 }, { "K", 1024.0 }, { "B", 1.0 } }

filter("human_readable", { "isbits:bool", "unit:str" }, function(v, bits, unit)
	v = type(v) == "string" and values.float_text(v) or number_argument(v, "human_readable")
	if unit == null then
		unit = nil
	end
	local base = is_true(bits) and "bits" or "Bytes"
	local suffix, limit = "B", 1.0
	for _, size in ipairs(sizes) do
		if unit == nil and v >= size[2] or unit ~= nil and unit:upper() == size[1] then
			suffix, limit = size[1], size[2]
			break
		end
	end
	return string.format("%.2f %s", v / limit, limit == 1.0 and base or suffix .. base:sub(1, 1))
end)
filter("human_to_bytes", { "default_unit:str", "isbits:bool" }, function(v, default_unit, bits)
	local number, unit = text(v):match("^%s*(%d*%.?%d*)%s*(%a*)")
	local value = tonumber(number) or fail("human_to_bytes() can't interpret the following string: %s", text(v))
	unit = unit ~= "" and unit or default_unit
	if unit == nil or unit == null then
		return math.tointeger(tonumber(string.format("%.0f", value)))
	end
	local letter = is_true(bits) and "b" or "B"
	local word = is_true(bits) and "bit" or "byte"
	for _, size in ipairs(sizes) do
		if size[1] == unit:sub(1, 1):upper() then
			if #unit > 1 and not unit:lower():find(word, 1, true) and unit:sub(2, 2) ~= letter then
				fail("human_to_bytes() failed to convert %s: expected %s%s or %s", text(v), size[1], letter, size[1])
			end
			return math.tointeger(tonumber(string.format("%.0f", value * size[2]))) or fail("human_to_bytes(): the number is too large")
		end
	end
	fail("human_to_bytes() failed to convert %s (unit = %s); the suffix must be one of Y, Z, E, P, T, G, M, K, B", text(v), unit)
end)

-- Text and paths

filter("quote", {}, function(v)
	local s = v == null and "" or text(v)
	if s ~= "" and not s:find("[^%w@%%+=:,./_-]") then
		return s
	end
	return "'" .. s:gsub("'", "'\"'\"'") .. "'"
end)
filter("split", { "sep:str", "maxsplit:int" }, function(v, separator, most)
	return values.split(text(v), separator, most)
end)
filter("basename", {}, function(v) return text(v):match("[^/]*$") end)

local function dirname(s)
	local head = s:match("^(.*/)") or ""
	return head:find("[^/]") and head:gsub("/+$", "") or head
end
filter("dirname", {}, function(v) return (dirname(text(v))) end)
filter("splitext", {}, function(v)
	local s = text(v)
	local folder, name = s:match("^(.*/)([^/]*)$")
	name = name or s
	local dots, rest = name:match("^(%.*)(.*)$")
	local stem, extension = rest:match("^(.+)(%.[^.]*)$")
	if not stem then
		return values.tuple({ s, "" })
	end
	return values.tuple({ (folder or "") .. dots .. stem, extension })
end)
filter("path_join", {}, function(v)
	if type(v) == "string" then
		return v
	end
	local joined = ""
	for i, part in ipairs(elements(v)) do
		part = text(values.defined(part))
		if part:sub(1, 1) == "/" or i == 1 then
			joined = part
		else
			joined = joined .. ((joined == "" or joined:sub(-1) == "/") and "" or "/") .. part
		end
	end
	return joined
end)

-- Without empty parts, "." and "..", as os.path.normpath
local function normal_path(s)
	local slashes = s:match("^/*")
	local parts = {}
	for part in s:gmatch("[^/]+") do
		if part == ".." and (#parts > 0 and parts[#parts] ~= "..") then
			parts[#parts] = nil
		elseif part ~= "." and not (part == ".." and slashes ~= "") then
			parts[#parts + 1] = part
		end
	end
	local joined = (slashes == "//" and "//" or slashes ~= "" and "/" or "") .. table.concat(parts, "/")
	return joined == "" and "." or joined
end
filter("relpath", { "start" }, function(v, start)
	local function absolute(s)
		return normal_path(s:sub(1, 1) == "/" and s or native.working_directory() .. "/" .. s)
	end
	local to, from = {}, {}
	for part in absolute(text(v)):gmatch("[^/]+") do
		to[#to + 1] = part
	end
	for part in absolute((start == nil or start == null) and "." or text(start)):gmatch("[^/]+") do
		from[#from + 1] = part
	end
	local common = 0
	while to[common + 1] and to[common + 1] == from[common + 1] do
		common = common + 1
	end
	local parts = {}
	for _ = common + 1, #from do
		parts[#parts + 1] = ".."
	end
	table.move(to, common + 1, #to, #parts + 1, parts)
	return #parts == 0 and "." or table.concat(parts, "/")
end)
-- Where a path leads, whether or not there is anything.
local function real_path(path)
	local at = ""
	for part in ((path:sub(1, 1) == "/" and "" or native.working_directory() .. "/") .. path):gmatch("[^/]+") do
		if part == ".." then
			at = at:match("^(.*)/") or ""
		elseif part ~= "." then
			at = at .. "/" .. part
			if native.file_kind(at, false) == "link" then
				at = native.real_path(at):gsub("/$", "")
			end
		end
	end
	return at == "" and "/" or at
end
filter("realpath", {}, function(v) return real_path(text(v)) end)
filter("expanduser", {}, function(v)
	local s = text(v)
	local name = s:match("^~([^/]*)")
	local home = name and (name == "" and native.environment("HOME") or native.home(name))
	return home and home .. s:sub(#name + 2) or s
end)
filter("expandvars", {}, function(v)
	return (text(v):gsub("%$(%b{})", function(name)
		return native.environment(name:sub(2, -2))
	end):gsub("%$([%w_]+)", function(name)
		return native.environment(name)
	end))
end)
filter("fileglob", {}, function(v) return native.glob(text(v)) end)
filter("win_basename", {}, function(v) return (text(v):match("[^/\\]*$"):gsub("^%a:", "")) end)
filter("win_dirname", {}, function(v)
	local head = text(v):match("^(.*[/\\])") or text(v):match("^%a:") or ""
	return (head:find("[^/\\]") and not head:find("^%a:[/\\]$") and head:gsub("[/\\]+$", "") or head)
end)
filter("win_splitdrive", {}, function(v)
	local drive, rest = text(v):match("^(%a:)(.*)$")
	if not drive then -- of a share, //host/share is the drive
		drive, rest = text(v):match("^([/\\][/\\][^/\\]+[/\\][^/\\]+)(.*)$")
	end
	return values.tuple({ drive or "", rest or text(v) })
end)
filter("urldecode", {}, function(v)
	return (text(v):gsub("+", " "):gsub("%%(%x%x)", function(hex)
		return string.char(tonumber(hex, 16))
	end))
end)

local function url_parts(url)
	local scheme, rest = url:match("^(%a[%w+.-]*):(.*)$")
	rest = rest or url
	local netloc = rest:match("^//([^/?#]*)")
	rest = netloc and rest:sub(#netloc + 3) or rest
	local fragment = rest:match("#(.*)$") or ""
	rest = rest:gsub("#.*$", "")
	local query = rest:match("%?(.*)$") or ""
	local userinfo, host = (netloc or ""):match("^(.*)@(.*)$")
	host = host or netloc or ""
	local bracketed, port = host:match("^%[(.*)%]:?(%d*)$")
	if not bracketed then
		bracketed, port = host:match("^([^:]*):?(%d*)$")
	end
	local user, password = (userinfo or ""):match("^([^:]*):?(.*)$")
	return {
		{ "fragment", fragment },
		{ "hostname", bracketed and bracketed ~= "" and bracketed:lower() or null },
		{ "netloc", netloc or "" },
		{ "password", userinfo and userinfo:find(":", 1, true) and password or null },
		{ "path", (rest:gsub("%?.*$", "")) },
		{ "port", port and math.tointeger(tonumber(port)) or null },
		{ "query", query },
		{ "scheme", (scheme or ""):lower() },
		{ "username", userinfo and user or null },
	}
end
values.url_parts = url_parts
filter("urlsplit", { "query:str" }, function(v, query)
	local dict = values.dict()
	for _, part in ipairs(url_parts(text(v))) do
		values.dict_set(dict, part[1], part[2])
	end
	if query == nil or query == "" then
		return dict
	end
	return values.dict_get(dict, query) or fail("urlsplit: there is no part %s in a URL", values.repr(query))
end)

local comment_styles = {
	plain = { decoration = "# " },
	erlang = { decoration = "% " },
	c = { decoration = "// " },
	cblock = { beginning = "/*", decoration = " * ", ["end"] = " */" },
	xml = { beginning = "<!--", decoration = " - ", ["end"] = "-->" },
}

local function right_stripped(s)
	return s:match("^(.-)%s*$")
end

filter("comment", { "style:str", "*", "newline:str", "beginning:str", "prefix:str", "prefix_count:int", "decoration:str", "postfix:str",
	"postfix_count:int", "end:str" }, function(v, more, style)
	local known = comment_styles[style or "plain"] or fail("comment: the style must be plain, erlang, c, cblock or xml")
	local decoration = more.decoration or known.decoration
	local p = { newline = "\n", beginning = "", prefix = right_stripped(decoration), prefix_count = 1, decoration = "",
		postfix = right_stripped(decoration), postfix_count = 1, ["end"] = "" }
	for _, source in ipairs({ known, more }) do
		for key, value in pairs(source) do
			p[key] = value
		end
	end
	local head = p.beginning ~= "" and p.beginning .. p.newline or ""
	if p.prefix ~= "" then
		head = head .. arithmetic.multiply(p.prefix ~= p.newline and p.prefix .. p.newline or p.newline, p.prefix_count)
	end
	local body = p.decoration .. native.replace(text(v), p.newline, p.newline .. p.decoration, -1)
	body = native.replace(body, p.decoration .. p.newline, right_stripped(p.decoration) .. p.newline, -1)
	local tail = arithmetic.multiply(p.newline .. p.postfix, p.postfix_count)
	return head .. body .. tail .. (p["end"] ~= "" and p.newline .. p["end"] or "")
end)

-- Digests and encodings

filter("hash", { "hashtype:str" }, function(v, algorithm)
	return native.digest(algorithm or "sha1", text(v))
end)
filter("md5", {}, function(v) return native.digest("md5", text(v)) end)
filter("sha1 checksum", {}, function(v) return native.digest("sha1", text(v)) end)
filter("to_uuid", { "namespace:str" }, function(v, namespace)
	local space = (namespace or "361E6D51-FAEC-444A-9079-341386DA8E2E"):gsub("-", "")
	if not space:find("^%x+$") or #space ~= 32 then
		fail("to_uuid: invalid namespace %s", values.repr(namespace))
	end
	local bytes = space:gsub("%x%x", function(hex)
		return string.char(tonumber(hex, 16))
	end)
	local digest = native.digest("sha1", bytes .. text(v)):sub(1, 32)
	local variant = tonumber(digest:sub(17, 18), 16) & 0x3f | 0x80
	return string.format("%s-%s-5%s-%02x%s-%s", digest:sub(1, 8), digest:sub(9, 12), digest:sub(14, 16), variant, digest:sub(19, 20), digest:sub(21, 32))
end)
filter("password_hash", { "hashtype:str", "salt:str", "salt_size:int", "rounds:int", "ident:str" }, function(v, hashtype, salt, salt_size, rounds, ident)
	local function given(x)
		return x ~= null and x or nil
	end
	return native.password_hash(text(v), given(hashtype) or "sha512", given(salt), given(salt_size) or 0, given(rounds) or 0, given(ident))
end)

-- Vault

local function vault_secret(name, v, secret)
	if type(secret) ~= "string" then
		fail("%s: the secret must be a string, not a value of type %s", name, values.type_name(secret))
	end
	if type(v) ~= "string" then
		fail("%s: a string is needed, not a value of type %s", name, values.type_name(v))
	end
	return secret
end

filter("vault", { "secret!", "salt:str", "vaultid:str", "wrap_object:bool" }, function(v, secret, salt, vaultid, wrap)
	if wrap ~= nil and truth(wrap) then
		fail("vault: wrap_object is not known; a sealed value is written as {\"__ansible_vault\": text}")
	end
	return native.vault_seal(v, vault_secret("vault", v, secret), vaultid or "filter_default", salt ~= null and salt or nil)
end)
filter("unvault", { "secret!", "vaultid:str" }, function(v, secret)
	return native.vault_open(v, vault_secret("unvault", v, secret))
end)

-- Dates

filter("to_datetime", { "format:str" }, function(v, format)
	return dates.parse(text(v), format or "%Y-%m-%d %H:%M:%S")
end)
filter("strftime", { "second:any", "utc:bool" }, function(v, second, utc)
	if second == null then
		second = nil
	end
	local at = second == nil and native.time() // 1000000 or type(second) == "number" and second or type(second) == "string" and values.float_text(second)
	if not at or at ~= at or math.abs(at) > 1e15 then
		fail("strftime: invalid number of seconds %s", values.repr(second))
	end
	return native.strftime(text(v), math.floor(at) // 1, is_true(utc))
end)

compiler.light(filters, "bool ternary basename dirname")

return filters

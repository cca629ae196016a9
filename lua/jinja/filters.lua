-- Jinja's filters.

local values = import("jinja/values.lua")
local arithmetic = import("jinja/arithmetic.lua")
local compiler = import("jinja/compiler.lua")
local sequence = import("jinja/sequence.lua")
local json = import("jinja/json.lua")

local truth, text, fail, list, kind = values.truth, values.text, values.fail, values.list, values.kind
local elements, null = values.elements, values.null
local filters = compiler.filters

local function filter(names, parameters, run)
	return compiler.define(filters, names, parameters, run)
end

local function is_true(v)
	return v ~= nil and truth(v)
end

-- Any value

filter("default d", { "default_value:lazy", "boolean:bool" }, function(v, default, boolean)
	if values.is_undefined(v) or is_true(boolean) and not truth(v) then
		return default == nil and "" or default
	end
	return v
end).takes_undefined = true
filter("string", {}, function(v) return text(v) end)
filter("attr", { "name!:str" }, function(v, name)
	return values.attribute(v, name)
end)

-- Numbers

filter("abs", {}, function(v)
	local n = v == true and 1 or v == false and 0 or v
	if type(n) ~= "number" then
		fail("bad operand type for abs(): '%s'", values.type_name(v))
	end
	return n < 0 and arithmetic.negative(n) or n
end)

local function truncated(number)
	local whole = number < 0 and math.ceil(number) or math.floor(number)
	return math.tointeger(whole)
end

local function too_large(s)
	fail("int: the number %s is too large (integers have 64 bits)", s)
end

-- The whole part of a number; nil for one that has none.
local function whole_part(n)
	local whole = truncated(n)
	if not whole and n == n and n ~= math.huge and n ~= -math.huge then
		too_large(values.text(n))
	end
	return whole
end

local function integer_text(s, base)
	s = s:match("^%s*(.-)%s*$"):lower()
	local sign, digits = s:match("^([+-]?)(.*)$")
	local prefix = ({ [16] = "^0x", [8] = "^0o", [2] = "^0b" })[base]
	if prefix then
		digits = digits:gsub(prefix, "")
	elseif base == 0 then
		base = digits:find("^0x") and 16 or digits:find("^0o") and 8 or digits:find("^0b") and 2 or 10
		digits = digits:gsub("^0[xob]", "")
	end
	if not digits:find("^%w[%w_]*$") then
		return nil
	end
	digits = digits:gsub("_", "")
	if not tonumber(digits, base) then
		return nil
	end
	local value = 0
	for digit in digits:gmatch(".") do
		local add = tonumber(digit, base)
		if value > (math.maxinteger - add) // base then
			too_large(s)
		end
		value = value * base + add
	end
	return sign == "-" and -value or value
end

-- As Python reads float(text).
local function float_text(s)
	s = s:match("^%s*(.-)%s*$"):lower():gsub("(%d)_(%d)", "%1%2")
	local special = s:match("^[+-]?(%a+)$")
	if special == "inf" or special == "infinity" then
		return s:sub(1, 1) == "-" and -math.huge or math.huge
	elseif special == "nan" then
		return 0 / 0
	elseif s:find("^[+-]?%.?%d[%d.]*e?[+-]?%d*$") then
		local value = tonumber((s:gsub("^%+", "")))
		return value and value + 0.0
	end
end
values.float_text = float_text

filter("int", { "default", "base:int" }, function(v, default, base)
	if default == nil then
		default = 0
	end
	if type(v) == "number" then
		return whole_part(v) or default
	elseif type(v) == "boolean" then
		return v and 1 or 0
	elseif type(v) ~= "string" then
		return default
	end
	local whole = integer_text(v, base or 10)
	if whole then
		return whole
	end
	local number = float_text(v)
	return number and whole_part(number) or default
end)
filter("float", { "default" }, function(v, default)
	if type(v) == "number" then
		return v + 0.0
	elseif type(v) == "boolean" then
		return v and 1.0 or 0.0
	end
	return type(v) == "string" and float_text(v) or default or 0.0
end)
filter("round", { "precision:int", "method:str" }, function(v, precision, method)
	local n = v == true and 1 or v == false and 0 or v
	if type(n) ~= "number" then
		fail("round: a number is needed, not a value of type %s", values.type_name(v))
	end
	precision = math.max(-400, math.min(precision or 0, 400))
	local scale = 10.0 ^ precision
	if method == "ceil" or method == "floor" then
		return math[method](n * scale) / scale
	elseif method ~= nil and method ~= "common" then
		fail("round: the method must be common, ceil or floor")
	elseif math.type(n) == "integer" and precision >= 0 then
		return n
	elseif precision >= 0 then
		return (tonumber(string.format("%." .. math.min(precision, 99) .. "fe0", n)) or n)
	end
	if n ~= n or n == math.huge or n == -math.huge then
		return n
	end
	local rounded = tonumber(string.format("%.0f", n * scale)) / scale
	return math.type(n) == "integer" and truncated(rounded) or rounded
end)

local size_units = { { "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB" }, { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB" } }

filter("filesizeformat", { "binary:bool" }, function(v, binary)
	local bytes = type(v) == "string" and float_text(v) or type(v) == "number" and v + 0.0 or fail("filesizeformat: a number is needed")
	local base = is_true(binary) and 1024 or 1000
	if bytes == 1 then
		return "1 Byte"
	elseif bytes < base then
		return string.format("%d Bytes", truncated(bytes))
	end
	local unit = base
	for i, name in ipairs(size_units[base == 1024 and 2 or 1]) do
		unit = base ^ (i + 1)
		if bytes < unit or i == 8 then
			return string.format("%.1f %s", base * bytes / unit, name)
		end
	end
end)

-- Strings

filter("lower", {}, function(v) return native.lower(text(v)) end)
filter("upper", {}, function(v) return native.upper(text(v)) end)
filter("capitalize", {}, function(v) return values.capitalize(text(v)) end)
filter("title", {}, function(v)
	local out, inside = {}, false
	for i, c in ipairs(native.characters(text(v))) do
		out[i] = inside and native.lower(c) or native.upper(c)
		inside = not c:find("^[-%s%(%{%[<]$")
	end
	return table.concat(out)
end)
filter("trim", { "chars:str" }, function(v, characters) return values.strip(text(v), characters, "lr") end)
filter("center", { "width:int" }, function(v, width)
	return values.methods.str.center.run(text(v), width or 80)
end)
filter("replace", { "old!:text", "new!:text", "count:int" }, function(v, old, new, count)
	return native.replace(text(v), text(values.defined(old)), text(values.defined(new)), count == nil and -1 or count == null and -1 or count)
end)
filter("format", { "*", "**" }, function(v, more, ...)
	local positional = { ... }
	if more[native.order] then
		if #positional > 0 then
			fail("format: arguments with and without names cannot be mixed")
		end
		local dict = values.dict()
		for key, value in pairs(more) do
			values.dict_set(dict, key, value)
		end
		return values.percent_format(text(v), dict)
	end
	return values.percent_format(text(v), values.tuple(positional))
end)
filter("truncate", { "length:int", "killwords:bool", "end:text", "leeway:int" }, function(v, length, killwords, ending, leeway)
	local s = text(v)
	length, ending, leeway = length or 255, ending or "...", leeway or 5
	if length < native.length(ending) then
		fail("truncate: expected length >= %d, got %d", native.length(ending), length)
	elseif native.length(s) <= length + leeway then
		return s
	end
	s = values.slice(s, 0, length - native.length(ending))
	if not is_true(killwords) then
		s = s:match("^(.*) [^ ]*$") or s
	end
	return s .. ending
end)
filter("wordcount", {}, function(v)
	local count = 0
	for _ in text(v):gmatch("[%w_\128-\255]+") do
		count = count + 1
	end
	return count
end)
filter("indent", { "width:indent", "first:bool", "blank:bool" }, function(v, width, first, blank)
	local s = text(v)
	local by = width ~= null and width or "    "
	s = s .. "\n"
	local lines = values.splitlines(s, false)
	for i = 2, #lines do
		if is_true(blank) or lines[i] ~= "" then
			lines[i] = by .. lines[i]
		end
	end
	local joined = table.concat(lines, "\n")
	return is_true(first) and by .. joined or joined
end)

-- Where a line can be broken: between words, behind a hyphen between letters, around a dash of several hyphens.
local hyphenated = [[\s+|(?<=[\w!"'&.,?])-{2,}(?=\w)|\S+?(?:-(?:(?<=[^\W\d]{2}-)|(?<=[^\W\d]-[\w!"'&.,?]-))(?=[^\W\d]-?[^\W\d])]]
	.. [[|(?=\s|\Z)|(?<=[\w!"'&.,?])(?=-{2,}\w))]]

-- Words of a paragraph in lines of at most width characters, as textwrap.wrap does.
local function wrap_paragraph(paragraph, width, break_long, break_hyphens)
	local chunks = {}
	for chunk in values.regex(break_hyphens and hyphenated or [[\s+|\S+]]):each(paragraph) do
		chunks[#chunks + 1] = chunk[0]
	end
	local lines, line, used = {}, {}, 0
	local function close()
		if #line > 0 and line[#line]:find("^%s*$") then
			line[#line] = nil
		end
		if #line > 0 then
			lines[#lines + 1] = table.concat(line)
		end
		line, used = {}, 0
	end
	local at = 1
	while at <= #chunks do
		local chunk = chunks[at]
		local length = native.length(chunk)
		if used == 0 and #lines > 0 and chunk:find("^%s+$") then
			at = at + 1
		elseif used + length <= width then
			line[#line + 1], used, at = chunk, used + length, at + 1
		elseif length > width and break_long then
			local room = width - used
			local before = break_hyphens and values.slice(chunk, 0, room):match("^(.*)%-")
			if before and before:find("[^-]") then
				room = native.length(before) + 1
			end
			line[#line + 1] = values.slice(chunk, 0, room)
			chunks[at] = values.slice(chunk, room)
			close()
		elseif #line == 0 then
			line[1], used, at = chunk, length, at + 1
		else
			close()
		end
	end
	close()
	return lines
end

filter("wordwrap", { "width:int", "break_long_words:bool", "wrapstring:str", "break_on_hyphens:bool" }, function(v, width, break_long, with, hyphens)
	local out = {}
	if width and width < 1 then
		fail("wordwrap: the width must be above 0, not %d", width)
	end
	with = (with == nil or with == null) and "\n" or with
	for _, paragraph in ipairs(values.splitlines(text(v))) do
		out[#out + 1] = table.concat(wrap_paragraph(paragraph, width or 79, break_long == nil or truth(break_long), hyphens == nil or truth(hyphens)), with)
	end
	return table.concat(out, with)
end)
filter("striptags", {}, function(v)
	local s = text(v):gsub("<!%-%-.-%-%->", ""):gsub("<[^>]*>", "")
	s = s:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&#34;", '"'):gsub("&#39;", "'"):gsub("&amp;", "&")
	return (s:gsub("%s+", " "):match("^%s*(.-)%s*$"))
end)

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&#34;", ["'"] = "&#39;" }

local function escape(v)
	return (text(v):gsub("[&<>\"']", entities))
end
filter("escape e forceescape", {}, escape)
filter("safe", {}, function(v) return text(v) end)
filter("xmlattr", { "autospace:bool" }, function(v, autospace)
	local out = {}
	for key, value in values.each(v) do
		if value ~= null and not values.is_undefined(value) then
			out[#out + 1] = escape(key) .. '="' .. escape(value) .. '"'
		end
	end
	local joined = table.concat(out, " ")
	return (autospace == nil or truth(autospace)) and joined ~= "" and " " .. joined or joined
end)

-- Percent-encodes all but letters, digits, "_.-~" and the characters in safe.
local function url_quote(v, safe)
	local keep = "[^%w_.~" .. safe:gsub("%W", "%%%0") .. "%-]"
	return (text(v):gsub(keep, function(c)
		return string.format("%%%02X", c:byte())
	end))
end

filter("urlencode", {}, function(v)
	local k = kind(v)
	if k ~= "dict" and k ~= "list" and k ~= "tuple" then
		return url_quote(v, "/")
	end
	local out = {}
	for _, pair in ipairs(k == "dict" and values.dict_items(v) or v) do
		local members = elements(pair)
		out[#out + 1] = url_quote(members[1], ""):gsub("%%20", "+") .. "=" .. url_quote(members[2], ""):gsub("%%20", "+")
	end
	return table.concat(out, "&")
end)
filter("tojson", { "indent:indent" }, function(v, indent)
	local s = json.encode(v, { indent = indent ~= null and indent or nil, sort = true })
	return (s:gsub("[<>&']", { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026", ["'"] = "\\u0027" }))
end)

-- Sequences

filter("length count", {}, values.length)

local function copied(v)
	local items = elements(v)
	return list(table.move(items, 1, #items, 1, {}))
end
values.copied = copied

-- A function(item) for the attribute that was given: the item itself where none was.
local function getter(attribute)
	return attribute ~= nil and sequence.getter(attribute) or function(item) return item end
end

filter("list", {}, copied)
filter("items", {}, function(v)
	if values.is_undefined(v) then
		return list()
	elseif kind(v) ~= "dict" then
		fail("items: a dictionary is needed, not a value of type %s", values.type_name(v))
	end
	return values.dict_items(v)
end).takes_undefined = true
filter("join", { "d:text", "attribute:attribute" }, function(v, d, attribute)
	local get = getter(attribute)
	local out = {}
	for i, element in ipairs(elements(v)) do
		out[i] = text(values.defined(get(element)))
	end
	return table.concat(out, d ~= nil and text(values.defined(d)) or "")
end)
filter("first", {}, function(v)
	local value = elements(v)[1]
	return value == nil and values.undefined("there is no first item, the sequence is empty") or value
end)
filter("last", {}, function(v)
	local items = elements(v)
	local value = items[#items]
	return value == nil and values.undefined("there is no last item, the sequence is empty") or value
end)
filter("reverse", {}, function(v)
	local items = elements(v)
	local out = {}
	for i = #items, 1, -1 do
		out[#out + 1] = items[i]
	end
	return type(v) == "string" and table.concat(out) or list(out)
end)
local SLICES_MAX = 100000

filter("batch", { "linecount!:int", "fill_with" }, function(v, count, fill)
	if count > SLICES_MAX then
		fail("batch: a row has at most %d items, not %d", SLICES_MAX, count)
	end
	local out, row = {}, nil
	for _, item in ipairs(elements(v)) do
		if not row or #row == count then
			row = list()
			out[#out + 1] = row
		end
		row[#row + 1] = item
	end
	while row and fill ~= nil and fill ~= null and #row < count do
		row[#row + 1] = fill
	end
	return list(out)
end)
filter("slice", { "slices!:int", "fill_with" }, function(v, slices, fill)
	local items = elements(v)
	if slices < 1 or slices > SLICES_MAX then
		fail("slice: the number of slices must be 1 to %d, not %d", SLICES_MAX, slices)
	end
	local per, more = #items // slices, #items % slices
	local out, at = {}, 0
	for i = 0, slices - 1 do
		local count = per + (i < more and 1 or 0)
		out[i + 1] = list(table.move(items, at + 1, at + count, 1, {}))
		if fill ~= nil and fill ~= null and i >= more then
			out[i + 1][count + 1] = fill
		end
		at = at + count
	end
	return list(out)
end)
filter("sum", { "attribute:attribute", "start" }, function(v, attribute, start)
	local get = getter(attribute)
	local total = start or 0
	for _, item in ipairs(elements(v)) do
		total = arithmetic.add(total, get(item))
	end
	return total
end)

local function sort_key(attribute, case_sensitive)
	local fold = not is_true(case_sensitive) and sequence.fold or nil
	if attribute == nil or attribute == null then
		return fold or function(v) return v end
	end
	local getters = {}
	for part in (text(attribute) .. ","):gmatch("([^,]*),") do
		getters[#getters + 1] = sequence.getter(math.tointeger(tonumber(part:match("^%d+$"))) or part, nil, fold)
	end
	if #getters == 1 then
		return getters[1]
	end
	return function(v)
		local key = {}
		for i = 1, #getters do
			key[i] = values.defined(getters[i](v))
		end
		return values.tuple(key)
	end
end

filter("sort", { "reverse:bool", "case_sensitive:bool", "attribute:attribute" }, function(v, reverse, case_sensitive, attribute)
	return values.sort(copied(v), sort_key(attribute, case_sensitive), is_true(reverse))
end)
filter("dictsort", { "case_sensitive:bool", "by:str", "reverse:bool" }, function(v, case_sensitive, by, reverse)
	if by ~= nil and by ~= "key" and by ~= "value" then
		fail("dictsort: you can only sort by either 'key' or 'value'")
	end
	local at = by == "value" and 2 or 1
	local fold = not is_true(case_sensitive)
	return values.sort(values.dict_items(v), function(pair)
		return fold and sequence.fold(pair[at]) or pair[at]
	end, is_true(reverse))
end)

local function extreme(better)
	return function(v, case_sensitive, attribute)
		local items = elements(v)
		if #items == 0 then
			return values.undefined("the sequence is empty, so it has no smallest or largest item")
		end
		local key = sort_key(attribute, case_sensitive)
		local best, best_key = items[1], key(items[1])
		for i = 2, #items do
			local this = key(items[i])
			if better(this, best_key) then
				best, best_key = items[i], this
			end
		end
		return best
	end
end
filter("min", { "case_sensitive:bool", "attribute:attribute" }, extreme(values.less))
filter("max", { "case_sensitive:bool", "attribute:attribute" }, extreme(values.greater))

filter("unique", { "case_sensitive:bool", "attribute:attribute" }, function(v, case_sensitive, attribute)
	local get = getter(attribute)
	local fold = not is_true(case_sensitive)
	local seen, out = sequence.set(), {}
	for _, item in ipairs(elements(v)) do
		local key = get(item)
		if seen:add(fold and sequence.fold(key) or key) then
			out[#out + 1] = item
		end
	end
	return list(out)
end)
filter("groupby", { "attribute!:attribute", "default:lazy", "case_sensitive:bool" }, function(v, attribute, default, case_sensitive)
	local fold = not is_true(case_sensitive) and sequence.fold or nil
	local get = sequence.getter(attribute, default)
	local key = function(item)
		local value = values.defined(get(item))
		return fold and fold(value) or value
	end
	local out, last = {}, nil
	for _, item in ipairs(values.sort(copied(v), key)) do
		local this = key(item)
		if last == nil or not values.equal(last, this) then
			local group = values.tuple({ get(item), list() })
			group.names = { grouper = 1, list = 2 }
			out[#out + 1] = group
			last = this
		end
		local members = out[#out][2]
		members[#members + 1] = item
	end
	return list(out)
end)
filter("map", { "*", "**" }, function(v, more, name, ...)
	local apply
	if name == nil then
		local attribute = more.attribute
		if attribute == nil then
			fail("map: it needs the name of a filter or an attribute")
		end
		apply = sequence.getter(attribute, more.default)
	else
		apply = sequence.applied(filters, "filter", name, { ... }, more)
	end
	local out = {}
	for i, item in ipairs(elements(v)) do
		out[i] = apply(item)
	end
	return list(out)
end)

local function chooser(wanted, with_attribute)
	return function(v, more, ...)
		local arguments = { ... }
		local get = with_attribute and sequence.getter(table.remove(arguments, 1) or fail("the name of an attribute is missing"))
		local name = table.remove(arguments, 1)
		local test = name == nil and truth or sequence.applied(compiler.tests, "test", name, arguments, more)
		local out = {}
		for _, item in ipairs(elements(v)) do
			local value = item
			if get then
				value = get(item)
			end
			if truth(test(value)) == wanted then
				out[#out + 1] = item
			end
		end
		return list(out)
	end
end
filter("select", { "*", "**" }, chooser(true, false))
filter("reject", { "*", "**" }, chooser(false, false))
filter("selectattr", { "*", "**" }, chooser(true, true))
filter("rejectattr", { "*", "**" }, chooser(false, true))

compiler.light(filters, "default format lower upper trim replace length string")

return filters

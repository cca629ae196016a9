-- The methods of strings, lists, dictionaries and dates that templates in the wild use, as Python's.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local format = import("jinja/format.lua")

local fail, equal, null = values.fail, values.equal, values.null
local methods = values.methods
methods.str, methods.list, methods.dict, methods.tuple = {}, {}, {}, {}

local function method(of, names, parameters, run)
	return compiler.define(methods[of], names, parameters, run)
end

local function string_argument(v, what)
	if type(v) ~= "string" then
		values.defined(v)
		fail("%s must be a string, not a value of type %s", what, values.type_name(v))
	end
	return v
end

-- Dictionaries

method("dict", "get", { "key!", "default:lazy" }, function(dict, key, default)
	local value = values.dict_get(dict, values.defined(key))
	if value ~= nil then
		return value
	end
	return default == nil and null or default
end)
method("dict", "items iteritems", {}, values.dict_items)
method("dict", "keys", {}, function(dict)
	local keys = values.dict_keys(dict)
	return values.list(table.move(keys, 1, #keys, 1, {}))
end)
method("dict", "values", {}, values.dict_values)
method("dict", "copy", {}, values.dict_copy)

local function dict_update(dict, other)
	if values.kind(values.defined(other)) == "dict" then
		for key, value in values.each(other) do
			values.dict_set(dict, key, value)
		end
		return
	end
	for _, pair in ipairs(values.elements(other)) do
		local members = values.elements(pair)
		if #members ~= 2 then
			fail("update: an element has %d members where a key and a value are needed", #members)
		end
		values.dict_set(dict, members[1], members[2])
	end
end

method("dict", "update", { "other", "**" }, function(dict, more, other)
	if other ~= nil then
		dict_update(dict, other)
	end
	for key, value in pairs(more) do
		values.dict_set(dict, key, value)
	end
	return null
end)
method("dict", "pop", { "key!", "default:lazy" }, function(dict, key, default)
	local value = values.dict_remove(dict, key)
	if value ~= nil then
		return value
	elseif default == nil then
		fail("pop: there is no key %s in the dictionary", values.repr(key))
	end
	return default
end)
method("dict", "setdefault", { "key!", "default:lazy" }, function(dict, key, default)
	local value = values.dict_get(dict, key)
	if value == nil then
		value = default == nil and null or default
		values.dict_set(dict, key, value)
	end
	return value
end)
method("dict", "clear", {}, function(dict)
	for _, key in ipairs(table.move(values.dict_keys(dict), 1, #values.dict_keys(dict), 1, {})) do
		values.dict_remove(dict, key)
	end
	return null
end)
method("dict", "fromkeys", { "keys!:items", "value:lazy" }, function(_, keys, value)
	local dict = values.dict()
	for _, key in ipairs(values.elements(keys)) do
		values.dict_set(dict, key, value == nil and null or value)
	end
	return dict
end)

-- Lists

local function position(list, at)
	if math.type(at) ~= "integer" then
		fail("a position must be an integer, not a value of type %s", values.type_name(values.defined(at)))
	end
	return at < 0 and at + #list or at
end

method("list", "append", { "item!:lazy" }, function(list, item)
	list[#list + 1] = item
	return null
end)
method("list", "extend", { "items!:items" }, function(list, items)
	for _, item in ipairs(values.elements(items)) do
		list[#list + 1] = item
	end
	return null
end)
method("list", "insert", { "position!:int", "item!:lazy" }, function(list, at, item)
	at = math.max(0, math.min(position(list, at), #list))
	table.insert(list, at + 1, item)
	return null
end)
method("list", "pop", { "position:int" }, function(list, at)
	at = position(list, at == nil and -1 or at)
	if at < 0 or at >= #list then
		fail("pop: the list has no element at that position")
	end
	return table.remove(list, at + 1)
end)
method("list", "remove", { "item!" }, function(list, item)
	for i = 1, #list do
		if equal(list[i], item) then
			table.remove(list, i)
			return null
		end
	end
	fail("remove: %s is not in the list", values.repr(item))
end)
method("list", "reverse", {}, function(list)
	local count = #list
	for i = 1, count // 2 do
		list[i], list[count - i + 1] = list[count - i + 1], list[i]
	end
	return null
end)
method("list", "sort", { "reverse:bool" }, function(list, reverse)
	values.sort(list, function(v) return v end, reverse ~= nil and values.truth(reverse))
	return null
end)
method("list", "copy", {}, function(list)
	return values.list(table.move(list, 1, #list, 1, {}))
end)
method("list", "clear", {}, function(list)
	for i = #list, 1, -1 do
		list[i] = nil
	end
	return null
end)

for _, of in ipairs({ "list", "tuple" }) do
	method(of, "index", { "item!", "start:int" }, function(list, item, start)
		start = start or 0
		for i = math.max(0, math.min(start < 0 and start + #list or start, #list)) + 1, #list do
			if equal(list[i], item) then
				return i - 1
			end
		end
		fail("%s is not in the %s", values.repr(item), of)
	end)
	method(of, "count", { "item!" }, function(list, item)
		local count = 0
		for i = 1, #list do
			count = count + (equal(list[i], item) and 1 or 0)
		end
		return count
	end)
end

-- Strings

local function plain_set(characters)
	return "[" .. characters:gsub("[%^%]%-%%]", "%%%0") .. "]"
end

-- A pattern such as "^(.-)%s*$" would look at a long run of blanks again and again.
local function right_stripped(s)
	local last = #s
	while last > 0 and s:find("^%s", last) do
		last = last - 1
	end
	return s:sub(1, last)
end

-- Strips whitespace, or any of the characters given, from the sides named ("l", "r", "lr").
function values.strip(s, characters, sides)
	if characters == nil or characters == null then
		s = sides:find("l") and s:gsub("^%s+", "") or s
		return sides:find("r") and right_stripped(s) or s
	end
	string_argument(characters, "the characters to strip")
	if characters == "" then
		return s
	end
	if characters:find("[\128-\255]") then
		local set = {}
		for _, c in ipairs(native.characters(characters)) do
			set[c] = true
		end
		local all = native.characters(s)
		local first, last = 1, #all
		while sides:find("l") and first <= last and set[all[first]] do
			first = first + 1
		end
		while sides:find("r") and last >= first and set[all[last]] do
			last = last - 1
		end
		return table.concat(all, "", first, last)
	end
	local set = plain_set(characters)
	s = sides:find("l") and s:gsub("^" .. set .. "+", "") or s
	if sides:find("r") then
		local last = #s
		while last > 0 and s:find("^" .. set, last) do
			last = last - 1
		end
		s = s:sub(1, last)
	end
	return s
end

method("str", "strip", { "chars:str" }, function(s, c) return values.strip(s, c, "lr") end)
method("str", "lstrip", { "chars:str" }, function(s, c) return values.strip(s, c, "l") end)
method("str", "rstrip", { "chars:str" }, function(s, c) return values.strip(s, c, "r") end)
method("str", "upper", {}, function(s) return native.upper(s) end)
method("str", "lower", {}, function(s) return native.lower(s) end)
method("str", "casefold", {}, function(s) return (native.lower(s):gsub("ß", "ss")) end)

function values.capitalize(s)
	local first = s:match("^" .. utf8.charpattern) or ""
	return native.upper(first) .. native.lower(s:sub(#first + 1))
end
method("str", "capitalize", {}, values.capitalize)

local function is_letter(c)
	return native.upper(c) ~= native.lower(c)
end

method("str", "title", {}, function(s)
	local out, inside = {}, false
	for i, c in ipairs(native.characters(s)) do
		out[i] = inside and native.lower(c) or native.upper(c)
		inside = is_letter(c)
	end
	return table.concat(out)
end)
method("str", "swapcase", {}, function(s)
	local out = {}
	for i, c in ipairs(native.characters(s)) do
		out[i] = native.upper(c) == c and native.lower(c) or native.upper(c)
	end
	return table.concat(out)
end)

local function affix(s, what, of_start)
	if values.is_sequence(what) then
		for i = 1, #what do
			if affix(s, what[i], of_start) then
				return true
			end
		end
		return false
	end
	string_argument(what, "what the string starts or ends with")
	if of_start then
		return s:sub(1, #what) == what
	end
	return what == "" or s:sub(-#what) == what
end
method("str", "startswith", { "prefix!:strs", "start:int", "end:int" }, function(s, what, from, to)
	return affix((from or to) and values.slice(s, from, to) or s, what, true)
end)
method("str", "endswith", { "suffix!:strs", "start:int", "end:int" }, function(s, what, from, to)
	return affix((from or to) and values.slice(s, from, to) or s, what, false)
end)
method("str", "removeprefix", { "prefix!:str" }, function(s, prefix)
	return affix(s, prefix, true) and s:sub(#prefix + 1) or s
end)
method("str", "removesuffix", { "suffix!:str" }, function(s, suffix)
	return suffix ~= "" and affix(s, suffix, false) and s:sub(1, -#suffix - 1) or s
end)

-- Splits at whitespace, at most so many times.
local function split_blank(s, most)
	local out, at = {}, s:match("^%s*()")
	while at <= #s do
		if most >= 0 and #out == most then
			out[#out + 1] = s:sub(at)
			break
		end
		local word, behind = s:match("^(%S+)%s*()", at)
		out[#out + 1] = word
		at = behind
	end
	return values.list(out)
end

function values.split(s, separator, most)
	most = most == nil and -1 or most
	if separator == nil or separator == null then
		return split_blank(s, most)
	end
	if string_argument(separator, "the separator") == "" then
		fail("empty separator")
	end
	local out, at = {}, 1
	while most < 0 or #out < most do
		local from, to = s:find(separator, at, true)
		if not from then
			break
		end
		out[#out + 1] = s:sub(at, from - 1)
		at = to + 1
	end
	out[#out + 1] = s:sub(at)
	return values.list(out)
end
method("str", "split", { "sep:str", "maxsplit:int" }, values.split)

-- The position of the last occurrence in s that ends at or before stop.
local function find_last(s, what, stop)
	for at = stop - #what + 1, 1, -1 do
		if s:sub(at, at + #what - 1) == what then
			return at
		end
	end
end

method("str", "rsplit", { "sep:str", "maxsplit:int" }, function(s, separator, most)
	most = most == nil and -1 or most
	if most < 0 then
		return values.split(s, separator, -1)
	end
	local out = {}
	if separator == nil or separator == null then
		s = right_stripped(s)
		while #out < most and s ~= "" do
			local head, word = s:match("^(.-)%s*(%S+)$")
			table.insert(out, 1, word)
			s = head
		end
		if s:find("%S") then
			table.insert(out, 1, s)
		end
		return values.list(out)
	end
	string_argument(separator, "the separator")
	while #out < most do
		local at = find_last(s, separator, #s)
		if not at then
			break
		end
		table.insert(out, 1, s:sub(at + #separator))
		s = s:sub(1, at - 1)
	end
	table.insert(out, 1, s)
	return values.list(out)
end)

function values.splitlines(s, keep)
	local out, at = {}, 1
	while at <= #s do
		local line, ending, behind = s:match("^([^\r\n]*)(\r?\n?)()", at)
		out[#out + 1] = keep and line .. ending or line
		at = behind
	end
	return values.list(out)
end
method("str", "splitlines", { "keepends:bool" }, function(s, keep)
	return values.splitlines(s, keep ~= nil and values.truth(keep))
end)

function values.join(parts, separator)
	local out = {}
	for i, element in ipairs(values.elements(parts)) do
		out[i] = string_argument(element, "what is joined")
	end
	return table.concat(out, separator)
end
method("str", "join", { "iterable!" }, function(s, parts) return values.join(parts, s) end)
method("str", "replace", { "old!:str", "new!:str", "count:int" }, function(s, old, new, count)
	return native.replace(s, string_argument(old, "the old text"), string_argument(new, "the new text"), count or -1)
end)

-- The position in characters of byte position at.
local function character_position(s, at)
	return native.length(s:sub(1, at - 1))
end

local function find_text(s, what, last, from, to)
	string_argument(what, "what is looked for")
	local offset = 0
	if from or to then
		local all = native.length(s)
		offset = math.max(0, math.min(from and from ~= null and (from < 0 and from + all or from) or 0, all))
		s = values.slice(s, from, to)
	end
	local at = last and (what == "" and #s + 1 or find_last(s, what, #s)) or not last and s:find(what, 1, true)
	return at and character_position(s, at) + offset or -1
end

for name, last in pairs({ find = false, rfind = true }) do
	method("str", name, { "sub!:str", "start:int", "end:int" }, function(s, what, from, to)
		return find_text(s, what, last, from, to)
	end)
end
for name, last in pairs({ index = false, rindex = true }) do
	method("str", name, { "sub!:str", "start:int", "end:int" }, function(s, what, from, to)
		local at = find_text(s, what, last, from, to)
		if at < 0 then
			fail("substring not found")
		end
		return at
	end)
end
method("str", "count", { "sub!:str" }, function(s, what)
	if string_argument(what, "what is counted") == "" then
		return native.length(s) + 1
	end
	return #values.split(s, what) - 1
end)
method("str", "partition", { "sep!:str" }, function(s, separator)
	local from, to = s:find(string_argument(separator, "the separator"), 1, true)
	if not from then
		return values.tuple({ s, "", "" })
	end
	return values.tuple({ s:sub(1, from - 1), separator, s:sub(to + 1) })
end)
method("str", "rpartition", { "sep!:str" }, function(s, separator)
	local from = find_last(s, string_argument(separator, "the separator"), #s)
	if not from then
		return values.tuple({ "", "", s })
	end
	return values.tuple({ s:sub(1, from - 1), separator, s:sub(from + #separator) })
end)
method("str", "zfill", { "width!:int" }, function(s, width)
	local sign = s:match("^[+-]") or ""
	return sign .. format.pad(s:sub(#sign + 1), width - #sign, ">", "0")
end)
for name, align in pairs({ ljust = "<", rjust = ">" }) do
	method("str", name, { "width!:int", "fill:str" }, function(s, width, fill)
		return format.pad(s, width, align, fill or " ")
	end)
end
method("str", "center", { "width!:int", "fill:str" }, function(s, width, fill)
	local missing = width - native.length(s)
	if missing <= 0 then
		return s
	end
	local before = missing // 2 + (missing & width & 1)
	return format.pad(format.pad(s, width - before, "<", fill or " "), width, ">", fill or " ")
end)
method("str", "expandtabs", { "size:int" }, function(s, size)
	size = size or 8
	if size > 1000 then
		fail("expandtabs: a size of %d is too large", size)
	end
	return (s:gsub("([^\t\n]*)\t", function(before)
		return before .. (size > 0 and (" "):rep(size - #before % size) or "")
	end))
end)
method("str", "encode", { "encoding:str" }, function(s) return s end)
method("str", "format", { "*", "**" }, function(s, more, ...)
	return format.brace(s, { ... }, more)
end)
method("str", "format_map", { "mapping!:dict" }, function(s, mapping)
	local keywords = {}
	for key, value in values.each(mapping) do
		keywords[key] = value
	end
	return format.brace(s, {}, keywords)
end)

local function all_match(pattern)
	return function(s)
		return s:find(pattern) ~= nil
	end
end
method("str", "isdigit isdecimal isnumeric", {}, all_match("^%d+$"))
method("str", "isspace", {}, all_match("^%s+$"))
method("str", "isidentifier", {}, all_match("^[%a_\128-\255][%w_\128-\255]*$"))
method("str", "isascii", {}, all_match("^[\0-\127]*$"))
method("str", "isalpha", {}, function(s)
	for _, c in ipairs(native.characters(s)) do
		if not is_letter(c) then
			return false
		end
	end
	return s ~= ""
end)
method("str", "isalnum", {}, function(s)
	for _, c in ipairs(native.characters(s)) do
		if not is_letter(c) and not c:find("^%d$") then
			return false
		end
	end
	return s ~= ""
end)
method("str", "istitle", {}, function(s)
	local inside, found = false, false
	for _, c in ipairs(native.characters(s)) do
		local letter = is_letter(c)
		if letter and inside ~= (native.lower(c) == c) then
			return false
		end
		inside, found = letter, found or letter
	end
	return found
end)
method("str", "isupper", {}, function(s) return native.upper(s) == s and native.lower(s) ~= s end)
method("str", "islower", {}, function(s) return native.lower(s) == s and native.upper(s) ~= s end)

-- Numbers

methods.int, methods.float = {}, {}
method("int", "bit_length", {}, function(n)
	local count = 0
	n = math.abs(n)
	while n > 0 do
		n = n >> 1
		count = count + 1
	end
	return count
end)
method("float", "is_integer", {}, function(n) return n == math.floor(n) end)

return methods

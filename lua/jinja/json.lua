-- Values as JSON text in the form that Python's json.dumps gives.

local values = import("jinja/values.lua")

local json = {}
local DEPTH_MAX = 150

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function unicode_escape(c)
	local code = utf8.codepoint(c)
	if code < 0x10000 then
		return string.format("\\u%04x", code)
	end
	code = code - 0x10000
	return string.format("\\u%04x\\u%04x", 0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))
end

local function quoted(s, ascii)
	s = s:gsub('[%c"\\\127]', function(c)
		return escapes[c] or c ~= "\127" and string.format("\\u%04x", c:byte()) or c
	end)
	if ascii and s:find("[\128-\255]") then
		s = native.clean(s):gsub("[\194-\244][\128-\191]*", unicode_escape)
	end
	return '"' .. s .. '"'
end

local function key_text(key)
	local k = values.kind(key)
	if k == "str" then
		return key
	elseif k == "bool" then
		return key and "true" or "false"
	elseif k == "none" then
		return "null"
	end
	return values.text(key)
end

local encode

local function lines(parts, open, close, options, depth)
	if #parts == 0 then
		return open .. close
	elseif not options.indent then
		return open .. table.concat(parts, options.item) .. close
	end
	local inner = "\n" .. options.indent:rep(depth + 1)
	return open .. inner .. table.concat(parts, options.item .. inner) .. "\n" .. options.indent:rep(depth) .. close
end

local function encode_dict(v, options, depth)
	local keys = values.dict_keys(v)
	if options.sort then
		keys = values.sort(table.move(keys, 1, #keys, 1, {}), function(key) return key end)
	end
	local parts = {}
	for i = 1, #keys do
		local member = values.dict_get(v, keys[i])
		parts[i] = quoted(key_text(keys[i]), options.ascii) .. options.key .. encode(member, options, depth + 1)
	end
	return lines(parts, "{", "}", options, depth)
end

local function encode_list(v, options, depth)
	local parts = {}
	for i = 1, #v do
		parts[i] = encode(v[i], options, depth + 1)
	end
	return lines(parts, "[", "]", options, depth)
end

encode = function(v, options, depth)
	if depth > DEPTH_MAX then
		values.fail("a value is nested more than %d levels deep, or contains itself", DEPTH_MAX)
	end
	local k = values.kind(v)
	if k == "str" then
		return quoted(v, options.ascii)
	elseif k == "dict" then
		return encode_dict(v, options, depth)
	elseif k == "list" or k == "tuple" then
		return encode_list(v, options, depth)
	elseif k == "none" then
		return "null"
	elseif k == "bool" then
		return v and "true" or "false"
	elseif k == "int" then
		return tostring(v)
	elseif k == "float" then
		return v ~= v and "NaN" or v == math.huge and "Infinity" or v == -math.huge and "-Infinity" or native.float_text(v)
	elseif k == "undefined" then
		values.raise_undefined(v)
	elseif k == "datetime" then
		return quoted((values.text(v):gsub(" ", "T", 1)), true)
	end
	values.fail("a value of type %s has no form in JSON", values.type_name(v))
end

-- options: indent (a string, or nil), sort, ascii (default true), item and key (the separators)
function json.encode(v, options)
	return encode(v, {
		indent = options.indent,
		sort = options.sort,
		ascii = options.ascii ~= false,
		item = options.item or options.indent and "," or ", ",
		key = options.key or ": ",
	}, 0)
end

return json

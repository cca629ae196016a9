-- The methods of strings, lists, dictionaries that templates in the wild use, as Python's.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local fail, equal = values.fail, values.equal
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

method("dict", "get", { "key!", "default" }, function(dict, key, default)
	local value = values.dict_get(dict, key)
	if value ~= nil then
		return value
	end
	return default == nil and values.null or default
end)
method("dict", "items", {}, values.dict_items)
method("dict", "keys", {}, function(dict)
	return values.list(table.move(values.dict_keys(dict), 1, #values.dict_keys(dict), 1, {}))
end)
method("dict", "values", {}, values.dict_values)
method("dict", "copy", {}, values.dict_copy)
method("dict", "update", { "other", "**" }, function(dict, more, other)
	if other ~= nil then
		for key, value in values.each(other) do
			values.dict_set(dict, key, value)
		end
	end
	for key, value in pairs(more) do
		values.dict_set(dict, key, value)
	end
	return values.null
end)

-- Lists

method("list", "append", { "item!" }, function(list, item)
	list[#list + 1] = item
	return values.null
end)

for _, of in ipairs({ "list", "tuple" }) do
	method(of, "index", { "item!" }, function(list, item)
		for i = 1, #list do
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

method("str", "upper", {}, function(s) return native.upper(s) end)
method("str", "lower", {}, function(s) return native.lower(s) end)
method("str", "startswith", { "prefix!" }, function(s, prefix)
	if values.is_sequence(prefix) then
		for i = 1, #prefix do
			if s:sub(1, #prefix[i]) == prefix[i] then
				return true
			end
		end
		return false
	end
	return s:sub(1, #string_argument(prefix, "the prefix")) == prefix
end)
method("str", "endswith", { "suffix!" }, function(s, suffix)
	if values.is_sequence(suffix) then
		for i = 1, #suffix do
			if suffix[i] == "" or s:sub(-#suffix[i]) == suffix[i] then
				return true
			end
		end
		return false
	end
	return string_argument(suffix, "the suffix") == "" or s:sub(-#suffix) == suffix
end)
method("str", "join", { "iterable!" }, function(s, iterable)
	local parts = {}
	for i, element in ipairs(values.elements(iterable)) do
		parts[i] = string_argument(element, "what is joined")
	end
	return table.concat(parts, s)
end)
method("str", "replace", { "old!", "new!", "count" }, function(s, old, new, count)
	return native.replace(s, string_argument(old, "the old text"), string_argument(new, "the new text"), count or -1)
end)

return methods

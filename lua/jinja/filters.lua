-- Jinja's filters.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local truth, text, fail = values.truth, values.text, values.fail
local filters = compiler.filters

local function filter(names, parameters, run)
	return compiler.define(filters, names, parameters, run)
end

filter("default d", { "default_value", "boolean" }, function(v, default, boolean)
	if values.is_undefined(v) or boolean and truth(boolean) and not truth(v) then
		return default == nil and "" or default
	end
	return v
end).takes_undefined = true

filter("lower", {}, function(v) return native.lower(text(v)) end)
filter("upper", {}, function(v) return native.upper(text(v)) end)
filter("string", {}, function(v) return text(v) end)
filter("length count", {}, values.length)
filter("list", {}, function(v)
	local elements = values.elements(v)
	return values.list(table.move(elements, 1, #elements, 1, {}))
end)
filter("bool", {}, function(v)
	if type(v) == "boolean" or v == values.null then
		return v
	end
	local s = type(v) == "string" and v:lower() or v
	return s == "yes" or s == "on" or s == "1" or s == "true" or s == 1
end)
filter("int", { "default", "base" }, function(v, default)
	if type(v) == "number" then
		return math.tointeger(v < 0 and math.ceil(v) or math.floor(v)) or fail("int: the number is too large")
	elseif type(v) == "boolean" then
		return v and 1 or 0
	end
	local number = type(v) == "string" and v:match("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(v))
	return number or default or 0
end)
filter("join", { "d", "attribute" }, function(v, d, attribute)
	local parts = {}
	for i, element in ipairs(values.elements(v)) do
		if attribute then
			element = values.item(element, attribute)
		end
		parts[i] = text(values.defined(element))
	end
	return table.concat(parts, d and text(d) or "")
end)

return filters

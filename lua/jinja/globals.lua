-- The functions that every template can call.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local globals = {}
local definitions = {}

-- A global function; its run gets the arguments without a first value.
function globals.add(name, parameters, run)
	local definition = compiler.define(definitions, name, parameters, function(_, ...)
		return run(...)
	end)
	globals[name] = values.callable(name, function(arguments, keywords)
		return definition.apply(nil, arguments, keywords)
	end)
end
local add = globals.add
local RANGE_MAX = 100000

add("range", { "a!:int", "b:int", "step:int" }, function(a, b, step)
	local from, to = a, b
	if b == nil then
		from, to = 0, a
	end
	step = step or 1
	for _, bound in ipairs({ from, to, step }) do
		if math.type(bound) ~= "integer" then
			values.fail("range: '%s' cannot be interpreted as an integer", values.type_name(values.defined(bound)))
		end
	end
	if step == 0 then
		values.fail("range: the step must not be zero")
	elseif (to - from) // step > RANGE_MAX then
		values.fail("range: more than %d elements", RANGE_MAX)
	end
	local items = {}
	for i = from, step > 0 and to - 1 or to + 1, step do
		items[#items + 1] = i
	end
	return values.list(items)
end)

add("dict", { "source", "**" }, function(more, source)
	local dict = values.dict()
	if source ~= nil then
		if values.kind(source) == "dict" then
			dict = values.dict_copy(source)
		else
			for _, pair in ipairs(values.elements(source)) do
				local members = values.elements(pair)
				if #members ~= 2 then
					values.fail("dict: an element has %d members where a key and a value are needed", #members)
				end
				values.dict_set(dict, members[1], members[2])
			end
		end
	end
	for name, value in pairs(more) do
		values.dict_set(dict, name, value)
	end
	return dict
end)

add("namespace", { "source", "**" }, function(more, source)
	return values.namespace(globals.dict.call({ source }, more))
end)

add("now", { "utc:bool", "fmt:str" }, function(utc, format)
	local at = native.time()
	if utc == nil or not values.truth(utc) then
		at = native.utc_offset(at // 1000000) * 1000000 + at
	end
	local now = setmetatable({ microseconds = at }, values.datetime_meta)
	if format ~= nil and format ~= values.null then
		return values.date_format(now, format)
	end
	return now
end)

add("undef", { "hint" }, function(hint)
	return values.undefined(hint ~= nil and hint ~= values.null and values.text(hint) or "a value that was left undefined on purpose is used")
end)

add("cycler", { "*" }, function(...)
	local items, at = { ... }, 0
	if #items == 0 then
		values.fail("cycler: at least one item is needed")
	end
	local members = {}
	members.next = values.callable("next", function()
		at = at % #items + 1
		return items[at]
	end)
	members.reset = values.callable("reset", function()
		at = 0
		return values.null
	end)
	return values.callable("cycler", function() return items[at % #items + 1] end, { members = setmetatable(members, {
		__index = function(_, name)
			if name == "current" then
				return items[at % #items + 1]
			end
		end,
	}) })
end)

add("joiner", { "sep:any" }, function(separator)
	local used = false
	return values.callable("joiner", function()
		if not used then
			used = true
			return ""
		end
		return separator or ", "
	end)
end)

globals.omit = values.omit
globals.vars = setmetatable({ find = function(name)
	return compiler.runtime.lookup(values.text(values.defined(name)))
end }, { __metatable = "vars" })

return globals

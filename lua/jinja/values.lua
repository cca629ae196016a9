-- Python's rules for values: truth, equality, order, printing; members and items of containers. Arithmetic is in arithmetic.lua.
--
-- A table's kind is its protected metatable: "list", "tuple", "dict", "undefined", "function", "datetime", ... A dict
-- keeps its keys in order under the key ORDER. A dict that mirrors a JSON object has that under SOURCE and converts its
-- members when they are first read; FINAL tells whether their strings may be templates.

local null, omit = native.null, native.omit
local ORDER, SOURCE = native.order, native.source
local list_meta, dict_meta = native.list_meta, native.dict_meta
local math_type = math.type

local values = { null = null, omit = omit }

-- The keys of a plain table, which are names, in order.
function values.names_of(by_name)
	local names = {}
	for name in pairs(by_name) do
		names[#names + 1] = name
	end
	table.sort(names)
	return names
end

function values.fail(...)
	error({ text = string.format(...) }, 0)
end
local fail = values.fail

-- Kinds

local tuple_meta = native.tuple_meta
local UNDEFINED = native.undefined -- a key that undefined values have, and nothing else
local undefined_meta = { __metatable = "undefined" }
local function_meta = { __metatable = "function" }
local namespace_meta = { __metatable = "namespace" }
values.datetime_meta = { __metatable = "datetime" }
values.timedelta_meta = { __metatable = "timedelta" }

local kind = native.kind
values.kind = kind

local python_names = { none = "NoneType", undefined = "AnsibleUndefined", ["function"] = "function", omit = "str" }

-- The type's name as Python has it, for messages.
local function type_name(v)
	local k = kind(v)
	return python_names[k] or k
end
values.type_name = type_name

-- A table as a list or tuple: the table itself, or a copy where it is one of the other kind.
local function tagged(items, wanted, meta)
	local k = getmetatable(items)
	if k == nil then
		return setmetatable(items, meta)
	elseif k == wanted then
		return items
	end
	return setmetatable(table.move(items, 1, #items, 1, {}), meta)
end

function values.list(items)
	return tagged(items or {}, "list", list_meta)
end
local list = values.list

function values.tuple(items)
	return tagged(items, "tuple", tuple_meta)
end

function values.dict()
	return setmetatable({ [ORDER] = {} }, dict_meta)
end
local new_dict = values.dict

-- A callable: call(arguments, keywords), a list and a table or nil.
function values.callable(name, call, extra)
	local value = extra or {}
	value.name = name
	value.call = call
	return setmetatable(value, function_meta)
end

function values.namespace(members)
	return setmetatable({ members = members }, namespace_meta)
end

function values.undefined(text, name, hint)
	return setmetatable({ [UNDEFINED] = true, text = text, name = name, hint = hint }, undefined_meta)
end
local undefined = values.undefined

-- The value of an 'if' without 'else' whose condition is false: undefined, but it prints as nothing and is false.
function values.nothing()
	return setmetatable({ [UNDEFINED] = true, text = "the condition of an 'if' without 'else' is false, so it has no value",
		soft = true }, undefined_meta)
end

-- Raises the error of an undefined value that is used.
local function raise_undefined(v)
	error({ text = v.text, hint = v.hint, code = native.undefined_code }, 0)
end
values.raise_undefined = raise_undefined

local function is_undefined(v)
	return type(v) == "table" and getmetatable(v) == "undefined"
end
values.is_undefined = is_undefined

-- The value itself, if it is defined.
function values.defined(v)
	if type(v) == "table" and getmetatable(v) == "undefined" then
		raise_undefined(v)
	end
	return v
end
local defined = values.defined

-- The same where what an 'if' without 'else' leaves out counts as empty text.
function values.defined_or_soft(v)
	return is_undefined(v) and v.soft and "" or defined(v)
end

function values.is_sequence(v)
	if type(v) ~= "table" then
		return false
	end
	local k = getmetatable(v)
	return k == "list" or k == "tuple"
end
local is_sequence = values.is_sequence

-- Dictionaries

-- Set by template.lua: evaluates a text that may be a template.
values.evaluate = nil

local function adopt(value, pending)
	if not pending then
		return value
	end
	if type(value) == "string" then
		return values.evaluate(value)
	end
	for i = 1, #value do
		if type(value[i]) == "string" then
			value[i] = values.evaluate(value[i])
		end
	end
	return value
end
values.adopt = adopt

-- A key of a dict as Lua keeps it: True and 1 are different keys here, floats that are whole are their integers.
local function key_of(key)
	local k = kind(key)
	if k == "list" or k == "dict" or k == "undefined" then
		if k == "undefined" then
			raise_undefined(key)
		end
		fail("a %s cannot be the key of a dictionary", k)
	elseif k == "tuple" then
		return values.repr(key)
	elseif key ~= key then
		fail("a number that is none (nan) cannot be the key of a dictionary")
	end
	return key
end

-- The member, or nil.
local function dict_get(dict, key)
	if key ~= key then
		return nil
	end
	local value = dict[key]
	if value ~= nil then
		return value
	end
	if dict[SOURCE] then
		if type(key) ~= "string" then
			return nil
		end
		local member, pending = native.member(dict, key) -- keeps it in the dict, unless it may be a template
		if pending then
			member = adopt(member, pending)
			rawset(dict, key, member)
		end
		return member
	end
	return nil
end
values.dict_get = dict_get

-- The keys in order: a plain Lua table that must not be changed.
local function dict_keys(dict)
	local order = dict[ORDER]
	if order then
		return order
	end
	order = native.keys(dict)
	rawset(dict, ORDER, order)
	return order
end
values.dict_keys = dict_keys

-- Makes every member present, so that the dict can be changed.
local function dict_force(dict)
	if dict[SOURCE] then
		local keys = dict_keys(dict)
		for i = 1, #keys do
			dict_get(dict, keys[i])
		end
		rawset(dict, SOURCE, nil)
	end
	return dict
end
values.dict_force = dict_force

function values.dict_set(dict, key, value)
	dict_force(dict)
	key = key_of(key)
	if dict[key] == nil then
		local order = dict[ORDER]
		order[#order + 1] = key
	end
	rawset(dict, key, value)
	return dict
end
local dict_set = values.dict_set

function values.dict_remove(dict, key)
	dict_force(dict)
	local value = dict[key]
	if value == nil then
		return nil
	end
	rawset(dict, key, nil)
	local order = dict[ORDER]
	for i = 1, #order do
		if order[i] == key then
			table.remove(order, i)
			break
		end
	end
	return value
end

function values.dict_copy(dict)
	local copy = new_dict()
	local order = copy[ORDER]
	local keys = dict_keys(dict)
	for i = 1, #keys do
		local key = keys[i]
		order[i] = key
		rawset(copy, key, dict_get(dict, key))
	end
	return copy
end

function values.dict_items(dict)
	if kind(dict) ~= "dict" then
		fail("a dictionary is needed, not a value of type %s", type_name(dict))
	end
	local keys = dict_keys(dict)
	local items = {}
	for i = 1, #keys do
		items[i] = values.tuple({ keys[i], dict_get(dict, keys[i]) })
	end
	return list(items)
end

function values.dict_values(dict)
	local keys = dict_keys(dict)
	local members = {}
	for i = 1, #keys do
		members[i] = dict_get(dict, keys[i])
	end
	return list(members)
end

-- Iterates for k, v in order.
function values.each(dict)
	if kind(defined(dict)) ~= "dict" then
		fail("a dictionary is needed, not a value of type %s", type_name(dict))
	end
	local keys = dict_keys(dict)
	local i = 0
	return function()
		i = i + 1
		local key = keys[i]
		if key ~= nil then
			return key, dict_get(dict, key)
		end
	end
end

-- Truth, equality, order

local function truth(v)
	local t = type(v)
	if t == "boolean" then
		return v
	elseif t == "string" then
		return v ~= ""
	elseif t == "number" then
		return v ~= 0
	elseif t == "table" then
		local k = getmetatable(v)
		if k == "list" or k == "tuple" then
			return #v > 0
		elseif k == "dict" then
			return #dict_keys(v) > 0
		elseif k == "undefined" then
			return not v.soft and raise_undefined(v)
		elseif k == "timedelta" then
			return v.microseconds ~= 0
		end
		return true
	end
	return v ~= null
end
values.truth = truth

local flag_words = { yes = true, on = true, ["1"] = true, ["true"] = true, t = true, y = true }

-- A boolean as Ansible reads options: text counts by its word.
function values.flag(v)
	if type(v) == "string" then
		return flag_words[native.lower(v)] == true
	end
	return v ~= nil and truth(v)
end

-- True and False as numbers; any other value as it is.
local function number_of(v)
	if v == true then
		return 1
	elseif v == false then
		return 0
	end
	return v
end
values.number_of = number_of

local depth = 0
local DEPTH_MAX = 150

local function deeper()
	depth = depth + 1
	if depth > DEPTH_MAX then
		depth = 0
		fail("a value is nested more than %d levels deep, or contains itself", DEPTH_MAX)
	end
end

function values.reset()
	depth = 0
end

local equal

-- What takes longer for larger values is counted by its instructions, whoever calls it.
local function watched(compare, a, b)
	local was = native.watch(true)
	local result = compare(a, b)
	if not was then
		native.watch(false)
	end
	return result
end

local function equal_tables(a, b)
	local ka, kb = getmetatable(a), getmetatable(b)
	if ka == "undefined" then
		raise_undefined(a)
	elseif kb == "undefined" then
		raise_undefined(b)
	elseif rawequal(a, b) then
		return true
	elseif ka ~= kb then
		return false
	elseif ka == "list" or ka == "tuple" then
		if #a ~= #b then
			return false
		end
		deeper()
		for i = 1, #a do
			if not equal(a[i], b[i]) then
				depth = depth - 1
				return false
			end
		end
		depth = depth - 1
		return true
	elseif ka == "dict" then
		local keys = dict_keys(a)
		if #keys ~= #dict_keys(b) then
			return false
		end
		deeper()
		for i = 1, #keys do
			local other = dict_get(b, keys[i])
			if other == nil or not equal(dict_get(a, keys[i]), other) then
				depth = depth - 1
				return false
			end
		end
		depth = depth - 1
		return true
	elseif ka == "datetime" or ka == "timedelta" then
		return a.microseconds == b.microseconds
	end
	return false
end

local LONG = 4096 -- a text whose comparison is worth charging

equal = function(a, b)
	local ta, tb = type(a), type(b)
	if ta == "table" or tb == "table" then
		if ta == tb then
			return watched(equal_tables, a, b)
		end
		defined(a)
		defined(b)
		return false
	elseif ta == tb then
		if ta == "string" and #a > LONG then
			native.spend(#a)
		end
		return a == b
	elseif ta == "boolean" or tb == "boolean" then
		return number_of(a) == number_of(b)
	end
	return false
end
values.equal = equal

local less

local function less_sequences(a, b)
	deeper()
	for i = 1, math.min(#a, #b) do
		if not equal(a[i], b[i]) then
			depth = depth - 1
			return less(a[i], b[i])
		end
	end
	depth = depth - 1
	return #a < #b
end

less = function(a, b, operator)
	local ta, tb = type(a), type(b)
	if ta == "number" and tb == "number" then
		return a < b
	elseif ta == "string" and tb == "string" then
		return native.less(a, b)
	elseif (ta == "number" or ta == "boolean") and (tb == "number" or tb == "boolean") then
		return number_of(a) < number_of(b)
	end
	defined(a)
	defined(b)
	local ka, kb = kind(a), kind(b)
	if ka == kb and (ka == "list" or ka == "tuple") then
		return watched(less_sequences, a, b)
	elseif ka == kb and (ka == "datetime" or ka == "timedelta") then
		return a.microseconds < b.microseconds
	end
	fail("'%s' not supported between instances of '%s' and '%s'", operator or "<", type_name(a), type_name(b))
end
values.less = less

-- Whether a < b, a <= b, a > b, a >= b
function values.less_equal(a, b)
	if type(a) == "number" and type(b) == "number" then
		return a <= b
	end
	return less(a, b, "<=") or equal(a, b)
end

function values.greater(a, b)
	return less(b, a, ">")
end

function values.greater_equal(a, b)
	return values.less_equal(b, a)
end

-- Printing

local repr

local function string_repr(s)
	return native.string_repr(s)
end

local REPR_COST = 15 -- instructions for each member; it is not watched

local function sequence_repr(v, open, close)
	deeper()
	native.charge(REPR_COST * (#v + 1))
	local parts = {}
	for i = 1, #v do
		parts[i] = repr(v[i])
	end
	depth = depth - 1
	if open == "(" and #parts == 1 then
		return "(" .. parts[1] .. ",)"
	end
	return open .. table.concat(parts, ", ") .. close
end

local function dict_repr(v)
	deeper()
	local keys, parts = dict_keys(v), {}
	native.charge(2 * REPR_COST * (#keys + 1))
	for i = 1, #keys do
		local key = keys[i]
		parts[i] = repr(key) .. ": " .. repr(dict_get(v, key))
	end
	depth = depth - 1
	return "{" .. table.concat(parts, ", ") .. "}"
end

local function table_repr(v)
	local k = getmetatable(v)
	if k == "list" then
		return sequence_repr(v, "[", "]")
	elseif k == "tuple" then
		return sequence_repr(v, "(", ")")
	elseif k == "dict" then
		return dict_repr(v)
	elseif k == "undefined" then
		raise_undefined(v)
	elseif k == "namespace" then
		return "<Namespace " .. dict_repr(v.members) .. ">"
	elseif k == "datetime" or k == "timedelta" then
		return values.date_repr(v)
	elseif k == "loop" then
		return string.format("<LoopContext %d/%d>", v.at, #v.items)
	elseif k == "function" then
		return "<function " .. tostring(v.name) .. ">"
	elseif k == "markup" then
		return v.text
	end
	return "<" .. tostring(k) .. ">"
end

repr = function(v)
	local t = type(v)
	if t == "string" then
		return string_repr(v)
	elseif t == "number" then
		return math_type(v) == "integer" and tostring(v) or native.float_text(v)
	elseif t == "boolean" then
		return v and "True" or "False"
	elseif v == null then
		return "None"
	elseif v == omit then
		return "omit"
	end
	return table_repr(v)
end
values.repr = repr

-- As Python's str().
local function text(v)
	if type(v) == "string" then
		return v
	end
	if type(v) == "table" then
		local k = getmetatable(v)
		if k == "datetime" or k == "timedelta" then
			return values.date_text(v)
		elseif k == "undefined" and v.soft then
			return ""
		end
	end
	return repr(v)
end
values.text = text

-- Iteration, items, members

-- The elements as a Lua table that must not be changed: of a list, the keys of a dict, the characters of a string.
function values.elements(v)
	local t = type(v)
	if t == "table" then
		local k = getmetatable(v)
		if k == "list" or k == "tuple" then
			return v
		elseif k == "dict" then
			return dict_keys(v)
		elseif k == "undefined" then
			return v.soft and {} or raise_undefined(v)
		end
	elseif t == "string" then
		return native.characters(v)
	end
	fail("'%s' object is not iterable", type_name(v))
end
local elements = values.elements

function values.length(v)
	if type(v) == "string" then
		return native.length(v)
	elseif type(v) == "table" then
		local k = getmetatable(v)
		if k == "list" or k == "tuple" then
			return #v
		elseif k == "dict" then
			return #dict_keys(v)
		elseif k == "undefined" then
			raise_undefined(v)
		end
	end
	fail("object of type '%s' has no len()", type_name(v))
end

local function has_element(sequence, item)
	for i = 1, #sequence do
		if equal(sequence[i], item) then
			return true
		end
	end
	return false
end

function values.contains(container, item)
	local t = type(container)
	if t == "string" then
		if type(item) ~= "string" then
			defined(item)
			fail("'in <string>' requires string as left operand, not %s", type_name(item))
		end
		return container:find(item, 1, true) ~= nil
	elseif t == "table" then
		local k = getmetatable(container)
		if k == "list" or k == "tuple" then
			return watched(has_element, container, item)
		elseif k == "dict" then
			return dict_get(container, key_of(item)) ~= nil
		elseif k == "undefined" then
			raise_undefined(container)
		elseif k == "vars" then
			return not is_undefined(container.find(item))
		end
	end
	fail("argument of type '%s' is not iterable", type_name(container))
end

local function slice_bound(v, length, default, lowest, highest)
	if v == nil or v == null then
		return default
	end
	v = number_of(v)
	if math_type(v) ~= "integer" then
		defined(v)
		fail("slice indices must be integers or None")
	end
	if v < 0 then
		v = v + length
	end
	return math.max(lowest, math.min(v, highest))
end

-- As v[from:to:step]
function values.slice(v, from, to, step)
	local is_text = type(v) == "string"
	if not is_text and not is_sequence(v) then
		defined(v)
		fail("'%s' object cannot be sliced", type_name(v))
	end
	step = step == nil and 1 or step == null and 1 or number_of(step)
	if math_type(step) ~= "integer" then
		fail("slice indices must be integers or None")
	elseif step == 0 then
		fail("slice step cannot be zero")
	end
	local all = is_text and native.characters(v) or v
	local length = #all
	local out = {}
	if step > 0 then
		local first = slice_bound(from, length, 0, 0, length)
		local last = slice_bound(to, length, length, 0, length)
		for i = first, last - 1, step do
			out[#out + 1] = all[i + 1]
		end
	else
		local first = slice_bound(from, length, length - 1, -1, length - 1)
		local last = slice_bound(to, length, -1, -1, length - 1)
		for i = first, last + 1, step do
			out[#out + 1] = all[i + 1]
		end
	end
	if is_text then
		return table.concat(out)
	end
	return setmetatable(out, getmetatable(v) == "list" and list_meta or tuple_meta)
end

-- Set by methods.lua: kind to name to definition.
values.methods = {}

local function bound_method(object, k, name)
	local definition = (values.methods[k] or {})[name]
	if definition then
		return values.callable(name, function(arguments, keywords)
			return definition.apply(object, arguments, keywords)
		end)
	end
end

local function missing(object, name)
	local key = type(name) == "string" and name or repr(name)
	local k = kind(object)
	if k == "dict" then
		return undefined(string.format("there is no key '%s' in the dictionary", key), key, native.nearest(key, dict_keys(object)))
	elseif math_type(name) == "integer" and (k == "list" or k == "tuple") then
		return undefined(string.format("the %s has %d elements, so there is no element %d", k, #object, name), key)
	end
	local names = values.names_of(values.methods[k] or {})
	return undefined(string.format("a value of type %s has no attribute '%s'", type_name(object), key), key, native.nearest(key, names))
end

-- What object.name is where it is not called: a member comes before a method, so that item.values can be a key.
function values.attribute(object, name)
	local t = type(object)
	if t == "table" then
		local k = getmetatable(object)
		if k == "dict" then
			local value = dict_get(object, name)
			if value ~= nil then
				return value
			end
		elseif k == "undefined" then
			return object
		elseif k == "function" then
			local value = object.members and object.members[name]
			if value ~= nil then
				return value
			elseif name == "name" then
				return object.name
			end
		elseif k == "namespace" then
			local value = dict_get(object.members, name)
			if value ~= nil then
				return value
			end
		elseif k == "vars" then
			return object.find(name)
		elseif k == "tuple" then
			local at = object.names and object.names[name]
			if at then
				return object[at]
			end
		elseif k == "loop" then
			local value = values.loop_attribute(object, name)
			if value ~= nil then
				return value
			end
		elseif k == "datetime" or k == "timedelta" then
			local value = values.date_attribute(object, name)
			if value ~= nil then
				return value
			end
		end
	end
	return bound_method(object, kind(object), name) or missing(object, name)
end
local attribute = values.attribute

-- As object[key]; what is not there is an undefined value.
function values.item(object, key)
	local t = type(object)
	if type(key) == "table" and getmetatable(key) == "undefined" then
		raise_undefined(key)
	end
	if t == "table" then
		local k = getmetatable(object)
		if k == "dict" then
			local value = dict_get(object, key_of(key))
			if value ~= nil then
				return value
			end
			if type(key) == "string" then
				return bound_method(object, k, key) or missing(object, key)
			end
			return missing(object, key)
		elseif k == "undefined" then
			return object
		elseif k == "list" or k == "tuple" then
			local at = number_of(key)
			if math_type(at) == "integer" then
				local value = object[at < 0 and at + #object + 1 or at + 1]
				if value ~= nil then
					return value
				end
				return missing(object, at)
			end
		end
	elseif t == "string" then
		local at = number_of(key)
		if math_type(at) == "integer" then
			local all = native.characters(object)
			local value = all[at < 0 and at + #all + 1 or at + 1]
			return value or undefined(string.format("the string has %d characters, so there is none at %d", #all, at), tostring(at))
		end
	end
	if type(key) == "string" then
		return attribute(object, key)
	end
	return missing(object, key)
end

-- Hash keys: equal values give the same key. nil for a value that cannot be hashed (lists, dictionaries).
function values.hash_key(v)
	local k = kind(v)
	if k == "bool" then
		return v and 1 or 0
	elseif k == "tuple" then
		return repr(v)
	elseif k == "list" or k == "dict" or k == "undefined" or k == "datetime" or k == "timedelta" then
		if k == "undefined" then
			raise_undefined(v)
		end
		return nil
	end
	return v
end

-- Brings a result into the form that native.json reads: every lazy member that may be a template is evaluated.
local function settle(v)
	if type(v) ~= "table" then
		return v
	end
	local k = getmetatable(v)
	if k == "undefined" then
		return v.soft and "" or raise_undefined(v)
	end
	deeper()
	if k == "list" or k == "tuple" then
		for i = 1, #v do
			local element = v[i]
			local settled = settle(element)
			if settled ~= element then
				v[i] = settled
			end
		end
	elseif k == "dict" then
		if not v[SOURCE] or not native.untouched(v) then
			dict_force(v)
			for _, key in ipairs(dict_keys(v)) do
				local member = v[key]
				local settled = settle(member)
				if settled ~= member then
					rawset(v, key, settled)
				end
			end
		end
	elseif k == "datetime" or k == "timedelta" then
		v = text(v)
	elseif k == "markup" then
		v = v.text
	elseif k == "namespace" then
		v = settle(v.members)
	else
		fail("the result is a %s, which has no form in JSON", type_name(v))
	end
	depth = depth - 1
	return v
end
values.settle = settle

return values

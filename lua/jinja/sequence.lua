-- What filters over sequences share: paths of attributes, stable sorting, applying filters and tests by name.

local values = import("jinja/values.lua")

local fail, less = values.fail, values.less
local sequence = {}

-- A function(item) that follows "a.b.0"; default stands for what is undefined.
function sequence.getter(path, default, post)
	if math.type(path) == "integer" then
		path = { path }
	elseif type(path) == "string" then
		local parts = {}
		for part in (path .. "."):gmatch("([^.]*)%.") do
			parts[#parts + 1] = math.tointeger(tonumber(part:match("^%d+$"))) or part
		end
		path = parts
	else
		fail("the name of an attribute must be a string or an integer, not a value of type %s", values.type_name(values.defined(path)))
	end
	return function(item)
		for i = 1, #path do
			item = values.item(item, path[i])
			if values.is_undefined(item) then
				if default == nil then
					return item
				end
				item = default
			end
		end
		return post and post(item) or item
	end
end

-- Strings without regard to case.
function sequence.fold(v)
	return type(v) == "string" and native.lower(v) or v
end

-- Merges the sorted halves from..middle and middle+1..to of items by their keys.
local function merge(items, keys, from, middle, to, before)
	local left_items, left_keys = {}, {}
	for i = from, middle do
		left_items[#left_items + 1] = items[i]
		left_keys[#left_keys + 1] = keys[i]
	end
	local l, r, at = 1, middle + 1, from
	while l <= #left_items do
		if r <= to and before(keys[r], left_keys[l]) then
			items[at], keys[at] = items[r], keys[r]
			r = r + 1
		else
			items[at], keys[at] = left_items[l], left_keys[l]
			l = l + 1
		end
		at = at + 1
	end
end

local function sort_range(items, keys, from, to, before)
	if to - from < 1 then
		return
	end
	local middle = (from + to) // 2
	sort_range(items, keys, from, middle, before)
	sort_range(items, keys, middle + 1, to, before)
	merge(items, keys, from, middle, to, before)
end

-- Sorts a Lua table of values in place, stable, by key(value).
function values.sort(items, key, reverse)
	local keys = {}
	for i = 1, #items do
		keys[i] = values.defined(key(items[i]))
	end
	local before = reverse and function(a, b) return less(b, a) end or less
	sort_range(items, keys, 1, #items, before)
	return items
end

-- A function(item) for map, select and reject: what names a filter or a test; arguments are those behind the name.
function sequence.applied(registry, what, name, arguments, keywords)
	if type(name) ~= "string" then
		fail("the name of a %s must be a string, not a value of type %s", what, values.type_name(values.defined(name)))
	end
	local definition = registry[name] or registry[name:match("([%w_]+)$") or ""]
	if not definition then
		local names = values.names_of(registry)
		error({ text = string.format("there is no %s '%s'", what, name), hint = native.nearest(name, names) }, 0)
	end
	local apply -- bound for the first item: without one, arguments are not looked at
	return function(item)
		apply = apply or definition.bound(arguments, keywords)
		return apply(definition.takes_undefined and item or values.defined(item))
	end
end

-- The elements of one sequence that are in a set of seen values; works for values that cannot be hashed too.
local Set = {}
Set.__index = Set

function sequence.set(elements)
	local set = setmetatable({ hashed = {}, others = {} }, Set)
	for i = 1, #(elements or {}) do
		set:add(elements[i])
	end
	return set
end

function Set:has(v)
	local key = values.hash_key(v)
	if key ~= nil then
		return self.hashed[key] == true
	end
	for i = 1, #self.others do
		if values.equal(self.others[i], v) then
			return true
		end
	end
	return false
end

-- Whether it was new.
function Set:add(v)
	if self:has(v) then
		return false
	end
	local key = values.hash_key(v)
	if key ~= nil then
		self.hashed[key] = true
	else
		self.others[#self.others + 1] = v
	end
	return true
end

return sequence

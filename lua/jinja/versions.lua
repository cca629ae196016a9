-- Comparing version numbers as the 'version' test does.

local values = import("jinja/values.lua")

local fail = values.fail
local versions = {}

local function compare(a, b)
	if a == b then
		return 0
	end
	return values.less(a, b) and -1 or 1
end

local function compare_lists(a, b)
	for i = 1, math.max(#a, #b) do
		if a[i] == nil or b[i] == nil then
			return a[i] == nil and -1 or 1
		end
		local order = compare(a[i], b[i])
		if order ~= 0 then
			return order
		end
	end
	return 0
end

-- Numbers and runs of lower-case letters; what stands between them is a part of its own, but for dots.
local function loose(s)
	local parts, at = {}, 1
	while at <= #s do
		local digits, letters = s:match("^%d+", at), s:match("^[a-z]+", at)
		local part = digits or letters or s:match("^[^%da-z.]+", at) or "."
		if part ~= "." then
			parts[#parts + 1] = digits and math.tointeger(tonumber(digits)) or part
		end
		at = at + #part
	end
	return parts
end

-- major.minor[.patch][(a|b)number]
local function strict(s)
	local major, minor, patch, letter, number = s:match("^(%d+)%.(%d+)%.?(%d*)([ab]?)(%d*)$")
	if not major then
		fail("invalid version number '%s'", s)
	end
	return { tonumber(major), tonumber(minor), tonumber(patch) or 0, letter == "" and "z" or letter, tonumber(number) or 0 }
end

local function identifiers(s)
	local parts = {}
	for part in s:gmatch("[^.]+") do
		local number = math.tointeger(tonumber(part:match("^%d+$")))
		parts[#parts + 1] = { number and 0 or 1, number or part }
	end
	return parts
end

local function compare_prerelease(a, b)
	if a == b then
		return 0
	elseif a == "" or b == "" then
		return a == "" and 1 or -1
	end
	local x, y = identifiers(a), identifiers(b)
	for i = 1, math.max(#x, #y) do
		if not x[i] or not y[i] then
			return x[i] and 1 or -1
		end
		local order = compare_lists(x[i], y[i])
		if order ~= 0 then
			return order
		end
	end
	return 0
end

local function semantic(s)
	local major, minor, patch, rest = s:match("^(%d+)%.(%d+)%.(%d+)(.*)$")
	local prerelease = rest and rest:match("^%-([%w.-]+)")
	if not major or not (rest == "" or rest:find("^%-[%w.-]+$") or rest:find("^%+[%w.-]+$") or rest:find("^%-[%w.-]+%+[%w.-]+$")) then
		fail("invalid semantic version '%s'", s)
	end
	return { tonumber(major), tonumber(minor), tonumber(patch) }, prerelease or ""
end

local phases = { a = 1, alpha = 1, b = 2, beta = 2, c = 3, rc = 3, pre = 3, preview = 3 }

-- [epoch!]release[phase][.postN][.devN][+local] as PEP 440 orders them.
local function pep440(s)
	local body = s:lower():match("^%s*v?(.-)%s*$")
	local epoch = body:match("^(%d+)!")
	body = body:gsub("^%d+!", ""):gsub("%+.*$", "")
	local release, rest = body:match("^([%d.]*%d)(.*)$")
	if not release then
		fail("invalid version: '%s'", s)
	end
	local numbers = {}
	for part in release:gmatch("%d+") do
		numbers[#numbers + 1] = tonumber(part)
	end
	while numbers[#numbers] == 0 do
		numbers[#numbers] = nil
	end
	local phase, number, more = rest:match("^[._-]?(%a+)[._-]?(%d*)(.*)$")
	local rank = phases[phase or ""]
	if rank then
		rest = more
	end
	local post = rest:match("^[._-]?post[._-]?(%d*)") or rest:match("^[._-]?rev?[._-]?(%d*)") or rest:match("^%-(%d+)")
	local dev = rest:match("[._-]?dev[._-]?(%d*)$")
	local pre = rank and { rank, tonumber(number) or 0 } or (dev and not post) and { 0, 0 } or { 9, 0 }
	return { tonumber(epoch) or 0 }, numbers, pre, { post and tonumber(post) or post and 0 or -1 }, { dev and (tonumber(dev) or 0) or math.huge }
end

local function compare_pep440(a, b)
	local x, y = { pep440(a) }, { pep440(b) }
	for i = 1, #x do
		local order = compare_lists(x[i], y[i])
		if order ~= 0 then
			return order
		end
	end
	return 0
end

local function compare_semantic(a, b)
	local x, x_pre = semantic(a)
	local y, y_pre = semantic(b)
	local order = compare_lists(x, y)
	return order ~= 0 and order or compare_prerelease(x_pre, y_pre)
end

local kinds = {
	loose = function(a, b) return compare_lists(loose(a), loose(b)) end,
	strict = function(a, b) return compare_lists(strict(a), strict(b)) end,
	semver = compare_semantic,
	semantic = compare_semantic,
	pep440 = compare_pep440,
}

local operators = {}
for names, holds in pairs({
	["== = eq"] = function(order) return order == 0 end,
	["< lt"] = function(order) return order < 0 end,
	["<= le"] = function(order) return order <= 0 end,
	["> gt"] = function(order) return order > 0 end,
	[">= ge"] = function(order) return order >= 0 end,
	["!= <> ne"] = function(order) return order ~= 0 end,
}) do
	for name in names:gmatch("%S+") do
		operators[name] = holds
	end
end

function versions.test(v, version, operator, is_strict, kind)
	if is_strict ~= nil and is_strict ~= values.null and kind ~= nil and kind ~= values.null then
		fail("version: 'strict' and 'version_type' cannot both be given")
	elseif not values.truth(v) then
		fail("version: the version to compare is empty")
	elseif not values.truth(version) then
		fail("version: the version to compare with is empty")
	end
	local holds = operators[operator == nil and "eq" or operator]
	if not holds then
		fail("version: unknown operator %s; one of ==, !=, <, <=, >, >=", values.repr(operator))
	end
	local name = is_strict ~= nil and is_strict ~= values.null and values.truth(is_strict) and "strict" or kind or "loose"
	local order = kinds[name == values.null and "loose" or name]
	if not order then
		fail("version: unknown version_type %s; one of loose, strict, semver, semantic, pep440", values.repr(name))
	end
	return holds(order(values.text(v), values.text(version)))
end

return versions

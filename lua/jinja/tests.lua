-- Jinja's and Ansible's tests: what stands behind "is".

local values = import("jinja/values.lua")
local arithmetic = import("jinja/arithmetic.lua")
local compiler = import("jinja/compiler.lua")

local sequence = import("jinja/sequence.lua")
local versions = import("jinja/versions.lua")

local kind, equal, fail, truth = values.kind, values.equal, values.fail, values.truth
local tests = compiler.tests

local function test(names, parameters, run)
	return compiler.define(tests, names, parameters, run)
end

test("defined", {}, function(v) return not values.is_undefined(v) end).takes_undefined = true
test("undefined", {}, function(v) return values.is_undefined(v) end).takes_undefined = true
test("none", {}, function(v) return v == values.null end)
test("boolean", {}, function(v) return type(v) == "boolean" end)
test("true", {}, function(v) return v == true end)
test("false", {}, function(v) return v == false end)
test("integer", {}, function(v) return math.type(v) == "integer" end)
test("float", {}, function(v) return math.type(v) == "float" end)
test("number", {}, function(v) return type(v) == "number" or type(v) == "boolean" end)
test("string", {}, function(v) return type(v) == "string" end)
test("mapping", {}, function(v) return kind(v) == "dict" end)
test("iterable", {}, function(v)
	local k = kind(v)
	return k == "str" or k == "list" or k == "tuple" or k == "dict"
end)
test("sequence", {}, function(v)
	local k = kind(v)
	return k == "str" or k == "list" or k == "tuple" or k == "dict"
end)
test("callable", {}, function(v) return kind(v) == "function" end)
test("sameas", { "other!" }, function(v, other)
	return kind(v) == kind(other) and rawequal(v, other)
end)
test("escaped", {}, function(v) return kind(v) == "markup" end)
test("filter", {}, function(v) return compiler.filters[v] ~= nil end)
test("test", {}, function(v) return compiler.tests[v] ~= nil end)
test("even", {}, function(v) return arithmetic.modulo(v, 2) == 0 end)
test("odd", {}, function(v) return arithmetic.modulo(v, 2) == 1 end)
test("divisibleby", { "num!:number" }, function(v, num) return arithmetic.modulo(v, num) == 0 end)
test("lower", {}, function(v)
	local s = values.text(v)
	return native.lower(s) == s and native.upper(s) ~= s
end)
test("upper", {}, function(v)
	local s = values.text(v)
	return native.upper(s) == s and native.lower(s) ~= s
end)
test("eq equalto ==", { "other!" }, equal)
test("ne !=", { "other!" }, function(a, b) return not equal(a, b) end)
test("lt lessthan <", { "other!" }, values.less)
test("le <=", { "other!" }, values.less_equal)
test("gt greaterthan >", { "other!" }, values.greater)
test("ge >=", { "other!" }, values.greater_equal)
test("in", { "seq!" }, function(v, seq) return values.contains(seq, v) end)

-- Results of tasks

local function member(result, key, test_name)
	if kind(result) ~= "dict" then
		fail("the '%s' test expects a dictionary, not a value of type %s", test_name, values.type_name(result))
	end
	return values.dict_get(result, key)
end

local function is_set(result, key, test_name)
	local value = member(result, key, test_name)
	return value ~= nil and values.truth(value)
end

local function any_result(result, key)
	local results = values.dict_get(result, "results")
	if results ~= nil and values.is_sequence(results) then
		for i = 1, #results do
			local value = kind(results[i]) == "dict" and values.dict_get(results[i], key)
			if value and values.truth(value) then
				return true
			end
		end
	end
	return false
end

test("failed failure", {}, function(v) return is_set(v, "failed", "failed") end)
test("succeeded success successful", {}, function(v) return not is_set(v, "failed", "success") end)
test("changed change", {}, function(v)
	if member(v, "changed", "changed") == nil then
		return any_result(v, "changed")
	end
	return is_set(v, "changed", "changed")
end)
test("skipped skip", {}, function(v) return is_set(v, "skipped", "skipped") end)
test("unreachable", {}, function(v) return is_set(v, "unreachable", "unreachable") end)
test("reachable", {}, function(v) return not is_set(v, "unreachable", "reachable") end)
test("timedout", {}, function(v)
	local timed_out = member(v, "timedout", "timedout")
	return timed_out ~= nil and kind(timed_out) == "dict" and values.truth(values.dict_get(timed_out, "period") or false)
end)
for _, name in ipairs({ "finished", "started" }) do
	test(name, {}, function(v)
		local value = member(v, name, name)
		return value == nil or equal(value, 1)
	end)
end

-- Regular expressions

local function matches(default)
	return function(v, pattern, ignorecase, multiline, match_type)
		local how = match_type or default
		local re = values.regex(pattern or "", ignorecase, multiline)
		local s = native.clean(values.text(v))
		local found
		if how == "match" then
			found = re:match(s)
		elseif how == "fullmatch" then
			found = re:full(s)
		elseif how == "search" then
			found = re:search(s, 1)
		else
			values.fail("regex: match_type is match, fullmatch or search, not %s", values.repr(how))
		end
		return found and true or false
	end
end
test("match", { "pattern:str", "ignorecase:bool", "multiline:bool" }, matches("match"))
test("search", { "pattern:str", "ignorecase:bool", "multiline:bool" }, matches("search"))
test("regex", { "pattern:str", "ignorecase:bool", "multiline:bool", "match_type:str" }, matches("search"))

-- Versions, sets, truth

test("version version_compare", { "version!", "operator:str", "strict:bool", "version_type:str" }, function(v, version, operator, strict, kind_of)
	return versions.test(v, version, operator, strict, kind_of)
end)

local function subset(a, b)
	local set = sequence.set(values.elements(b))
	for _, item in ipairs(values.elements(a)) do
		if not set:has(item) then
			return false
		end
	end
	return true
end
test("subset issubset", { "b!:items" }, subset)
test("superset issuperset", { "b!:items" }, function(a, b) return subset(b, a) end)
test("contains", { "value!" }, values.contains)
test("nan isnan", {}, function(v) return v ~= v end)
test("any", {}, function(v)
	for _, item in ipairs(values.elements(v)) do
		if truth(item) then
			return true
		end
	end
	return false
end)
test("all", {}, function(v)
	for _, item in ipairs(values.elements(v)) do
		if not truth(item) then
			return false
		end
	end
	return true
end)

local booleans = { y = true, yes = true, on = true, ["1"] = true, ["true"] = true, t = true,
	n = false, no = false, off = false, ["0"] = false, ["false"] = false, f = false }

local function truthy(v, convert)
	if convert ~= nil and truth(convert) then
		local converted = booleans[native.lower(values.text(v)):match("^%s*(.-)%s*$")]
		if converted ~= nil then
			return converted
		end
	end
	return truth(v)
end
test("truthy", { "convert_bool:bool" }, truthy)
test("falsy", { "convert_bool:bool" }, function(v, convert) return not truthy(v, convert) end)

-- Addresses, files where neap runs

local function is_uri(v, schemes)
	if type(v) ~= "string" then
		return false
	end
	local parts = values.url_parts(v)
	return (schemes == nil or not truth(schemes) or values.contains(schemes, parts[8][2])), parts
end
test("uri", { "schemes" }, function(v, schemes) return (is_uri(v, schemes)) end)
test("url", { "schemes" }, function(v, schemes)
	local good, parts = is_uri(v, schemes)
	return good and (parts[3][2] ~= "" or parts[8][2] == "file")
end)
test("urn", {}, function(v) return (is_uri(v, values.list({ "urn" }))) end)
test("abs is_abs", {}, function(v) return values.text(v):sub(1, 1) == "/" end)
test("vault_encrypted", {}, function() return false end)
for names, wanted in pairs({ ["directory is_dir"] = "directory", ["file is_file"] = "file" }) do
	test(names, {}, function(v) return native.file_kind(values.text(v), true) == wanted end)
end
test("link is_link", {}, function(v) return native.file_kind(values.text(v), false) == "link" end)
test("exists", {}, function(v) return native.file_kind(values.text(v), true) ~= nil end)
test("mount is_mount", {}, function(v) return native.is_mount(values.text(v)) end)
test("link_exists", {}, function(v) return native.file_kind(values.text(v), false) ~= nil end)
test("same_file is_same_file", { "other!:text" }, function(v, other)
	for _, path in ipairs({ values.text(v), values.text(other) }) do
		if not native.file_kind(path, true) then
			values.fail("same_file: there is no file %s", path)
		end
	end
	return native.real_path(values.text(v)) == native.real_path(values.text(other))
end)

-- Of something undefined they are false, as in Ansible.
for name in ("none true false boolean integer float number string mapping sequence sameas callable escaped url uri urn"):gmatch("%S+") do
	tests[name].takes_undefined = true
end
compiler.light(tests, "defined undefined none boolean true false integer float number string mapping iterable sequence eq ne lt le gt ge in even odd "
	.. "divisibleby lower upper")

return tests

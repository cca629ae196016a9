-- Jinja's and Ansible's tests: what stands behind "is".

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local kind, equal, fail = values.kind, values.equal, values.fail
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
test("even", {}, function(v) return values.modulo(v, 2) == 0 end)
test("odd", {}, function(v) return values.modulo(v, 2) == 1 end)
test("divisibleby", { "num!" }, function(v, num) return values.modulo(v, num) == 0 end)
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
test("finished", {}, function(v) return is_set(v, "finished", "finished") end)
test("started", {}, function(v)
	return is_set(v, "started", "started")
end)

return tests

-- Python's arithmetic on values: numbers, texts, lists, dates. Integers have 64 bits, and a result that does not fit is an error.

local values = import("jinja/values.lua")
local kind, number_of, is_sequence = values.kind, values.number_of, values.is_sequence
local type_name, defined, fail = values.type_name, values.defined, values.fail
local math_type = math.type

local arithmetic = {}

local function not_supported(operator, a, b)
	defined(a)
	defined(b)
	fail("unsupported operand type(s) for %s: '%s' and '%s'", operator, type_name(a), type_name(b))
end

local function overflow(operator)
	fail("the result of %s is too large (integers have 64 bits)", operator)
end

-- Both as numbers, or an error.
local function operands(operator, a, b)
	local na, nb = number_of(a), number_of(b)
	if type(na) ~= "number" or type(nb) ~= "number" then
		not_supported(operator, a, b)
	end
	return na, nb
end

-- A new sequence, a list or a tuple as another is.
local function as_other(items, other)
	return setmetatable(items, getmetatable(other) == "list" and native.list_meta or native.tuple_meta)
end

local function concat_lists(a, b)
	native.charge((#a + #b) // 4)
	local out = {}
	table.move(a, 1, #a, 1, out)
	table.move(b, 1, #b, #a + 1, out)
	return as_other(out, a)
end

function arithmetic.add(a, b)
	local ma, mb = math_type(a), math_type(b)
	if ma == "integer" and mb == "integer" then
		local sum = a + b
		if (a ~ sum) & (b ~ sum) < 0 then
			overflow("+")
		end
		return sum
	elseif ma and mb then
		return a + b
	end
	local ka, kb = kind(a), kind(b)
	if ka == "str" and kb == "str" then
		return a .. b
	elseif ka == kb and (ka == "list" or ka == "tuple") then
		return concat_lists(a, b)
	elseif ka == "datetime" or ka == "timedelta" then
		return values.date_add(a, b, 1)
	elseif ka == "str" and kb ~= "undefined" then
		error({ text = string.format('can only concatenate str (not "%s") to str', type_name(b)), hint = "~ joins values as text" }, 0)
	elseif (ka == "list" or ka == "tuple") and kb ~= "undefined" then
		fail('can only concatenate %s (not "%s") to %s', ka, type_name(b), ka)
	end
	local na, nb = operands("+", a, b)
	return arithmetic.add(na, nb)
end

function arithmetic.subtract(a, b)
	local ma, mb = math_type(a), math_type(b)
	if ma == "integer" and mb == "integer" then
		local difference = a - b
		if (a ~ b) & (a ~ difference) < 0 then
			overflow("-")
		end
		return difference
	elseif ma and mb then
		return a - b
	end
	local ka = kind(a)
	if ka == "datetime" or ka == "timedelta" then
		return values.date_add(a, b, -1)
	end
	local na, nb = operands("-", a, b)
	return arithmetic.subtract(na, nb)
end

local function multiply_integers(a, b)
	local product = a * b
	if math.abs((a + 0.0) * (b + 0.0)) > 9.3e18 or a ~= 0 and (product // a ~= b or a == -1 and b == math.mininteger) then
		overflow("*")
	end
	return product
end

local REPEAT_MAX = 64 * 1024 * 1024

local function repeat_value(v, times)
	times = #v > 0 and math.max(times, 0) or 0
	if type(v) == "string" then
		if times > 0 and times > REPEAT_MAX // #v then
			fail("the result of * is longer than %d MB", REPEAT_MAX >> 20)
		end
		return v:rep(times)
	end
	if times > 0 and times > 1000000 // #v then
		fail("the result of * has more than a million elements")
	end
	local out = {}
	for i = 0, times - 1 do
		table.move(v, 1, #v, i * #v + 1, out)
	end
	return as_other(out, v)
end

function arithmetic.multiply(a, b)
	local ma, mb = math_type(a), math_type(b)
	if ma == "integer" and mb == "integer" then
		return multiply_integers(a, b)
	elseif ma and mb then
		return a * b
	end
	local na, nb = number_of(a), number_of(b)
	if math_type(nb) == "integer" and (type(a) == "string" or is_sequence(a)) then
		return repeat_value(a, nb)
	elseif math_type(na) == "integer" and (type(b) == "string" or is_sequence(b)) then
		return repeat_value(b, na)
	end
	na, nb = operands("*", a, b)
	return arithmetic.multiply(na, nb)
end

function arithmetic.divide(a, b)
	local na, nb = operands("/", a, b)
	if nb == 0 then
		fail("division by zero")
	end
	return na / nb
end

function arithmetic.floor_divide(a, b)
	local na, nb = operands("//", a, b)
	if nb == 0 then
		fail("integer division or modulo by zero")
	end
	if na == math.mininteger and nb == -1 then
		overflow("//")
	end
	return na // nb
end

function arithmetic.modulo(a, b)
	if type(a) == "string" then
		return values.percent_format(a, b)
	end
	local na, nb = operands("%", a, b)
	if nb == 0 then
		fail("integer division or modulo by zero")
	end
	return na % nb
end

local function integer_power(base, exponent)
	local result = 1
	while exponent > 0 do
		if exponent & 1 == 1 then
			result = multiply_integers(result, base)
		end
		exponent = exponent >> 1
		if exponent > 0 then
			base = multiply_integers(base, base)
		end
	end
	return result
end

function arithmetic.power(a, b)
	local na, nb = operands("**", a, b)
	if math_type(na) == "integer" and math_type(nb) == "integer" and nb >= 0 then
		if na == 0 or na == 1 or na == -1 then
			return nb == 0 and 1 or na == -1 and (nb % 2 == 0 and 1 or -1) or na
		end
		return integer_power(na, nb)
	end
	if na == 0 and nb < 0 then
		fail("0.0 cannot be raised to a negative power")
	end
	if na < 0 and nb ~= math.floor(nb) then
		fail("a negative number to a fractional power is a complex number, which has no form here")
	end
	return (na + 0.0) ^ nb
end

function arithmetic.negative(v)
	local n = number_of(v)
	if type(n) ~= "number" then
		if kind(v) == "timedelta" then
			return setmetatable({ microseconds = -v.microseconds }, values.timedelta_meta)
		end
		defined(v)
		fail("bad operand type for unary -: '%s'", type_name(v))
	elseif n == math.mininteger then
		overflow("-")
	end
	return -n
end

function arithmetic.positive(v)
	local n = number_of(v)
	if type(n) ~= "number" then
		defined(v)
		fail("bad operand type for unary +: '%s'", type_name(v))
	end
	return n
end

return arithmetic

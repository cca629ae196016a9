-- Python's two ways to format: "%s" % values and "{}".format(values).

local values = import("jinja/values.lua")
local cache = import("jinja/cache.lua")

local fail, text = values.fail, values.text
local format = {}
local WIDTH_MAX = 1000000

-- Pads to a width in characters; align is "<", ">", "^" or "=" (behind the sign).
function format.pad(s, width, align, fill)
	local missing = width - native.length(s)
	if missing <= 0 then
		return s
	elseif width > WIDTH_MAX then
		fail("a width of %d is too large", width)
	end
	if align == "=" then
		local sign, digits = s:match("^([+ -]?0?[xXob]?)(.*)$")
		if fill ~= "0" or not s:match("^[+ -]?0[xXob]") then
			sign, digits = s:match("^([+ -]?)(.*)$")
		end
		return sign .. fill:rep(missing) .. digits
	elseif align == "<" then
		return s .. fill:rep(missing)
	elseif align == "^" then
		local before = missing // 2
		return fill:rep(before) .. s .. fill:rep(missing - before)
	end
	return fill:rep(missing) .. s
end
local pad = format.pad

local function digits_in_base(number, bits, digits)
	if number == 0 then
		return "0"
	end
	local out = {}
	while number > 0 do
		local at = (number & ((1 << bits) - 1)) + 1
		table.insert(out, 1, digits:sub(at, at))
		number = number >> bits
	end
	return table.concat(out)
end

local function number_value(v, letter)
	if v == true or v == false then
		v = v and 1 or 0
	end
	if type(v) ~= "number" then
		values.defined(v)
		fail("%%%s format: a number is required, not %s", letter, values.type_name(v))
	end
	return v
end

local function integer_value(v, letter)
	v = number_value(v, letter)
	if math.type(v) == "float" then
		v = math.tointeger(v < 0 and math.ceil(v) or math.floor(v)) or fail("the number is too large for %%%s", letter)
	end
	return v
end

-- The digits of a number without sign: letter is one of d x X o b e E f F g G %
local function magnitude(v, letter, precision, alternate)
	if letter == "d" then
		return tostring(v):gsub("^-", "")
	elseif letter == "x" or letter == "X" then
		local digits = digits_in_base(math.abs(v), 4, letter == "x" and "0123456789abcdef" or "0123456789ABCDEF")
		return (alternate and "0" .. letter or "") .. digits
	elseif letter == "o" then
		return (alternate and "0o" or "") .. digits_in_base(math.abs(v), 3, "01234567")
	elseif letter == "b" then
		return (alternate and "0b" or "") .. digits_in_base(math.abs(v), 1, "01")
	end
	v = math.abs(v + 0.0)
	precision = precision or 6
	if precision > 99 then
		fail("a precision of %d is too large", precision)
	end
	if v == math.huge or v ~= v then
		return v ~= v and "nan" or "inf"
	end
	if letter == "%" then
		return string.format("%." .. precision .. "f", v * 100) .. "%"
	end
	return (string.format("%" .. (alternate and "#" or "") .. "." .. precision .. letter, v))
end

local function signed(v, sign)
	if v < 0 or v == 0 and 1 / v < 0 then
		return "-"
	end
	return (sign == "+" or sign == " ") and sign or ""
end

-- The text that a conversion of the % operator gives for a value. plain: what Lua's own function needs for it, if that gives the same.
local function convert(flags, width, precision, letter, plain, v)
	local s
	if letter == "s" or letter == "r" or letter == "a" then
		s = letter == "s" and text(values.defined(v)) or values.repr(v)
		if precision then
			s = values.slice(s, 0, precision)
		end
		if width == 0 then
			return s
		end
	elseif letter == "c" then
		s = math.type(v) == "integer" and utf8.char(v) or text(v)
	elseif plain and math.type(v) == "integer" then
		return plain:format(v)
	else
		local whole = letter == "d" or letter == "x" or letter == "X" or letter == "o"
		v = whole and integer_value(v, letter) or number_value(v, letter)
		local digits = magnitude(v, letter, precision, flags:find("#", 1, true))
		if whole and precision then
			digits = ("0"):rep(precision - #digits) .. digits
		end
		s = signed(v, flags:find("+", 1, true) and "+" or flags:find(" ", 1, true) and " ") .. digits
		if flags:find("0", 1, true) and not flags:find("-", 1, true) then
			return pad(s, width, "=", "0")
		end
	end
	return pad(s, width, flags:find("-", 1, true) and "<" or ">", " ")
end

-- The conversion behind a percent sign, and the position behind it. A width or precision of "*" is an argument.
local function read_conversion(template, at)
	local key, rest = template:match("^%(([^)]*)%)()", at)
	local flags, width, dot, precision, letter, behind = template:match("^([-+ #0]*)(%*?%d*)(%.?)(%*?%d*)[hlL]?(.)()", rest or at)
	if not letter then
		fail("incomplete format")
	elseif letter == "%" then
		return "%", behind
	elseif not letter:find("[diouxXeEfFgGcrsa]") then
		fail("unsupported format character '%s'", letter)
	end
	letter = (letter == "i" or letter == "u") and "d" or letter
	local plain = letter == "d" and dot == "" and width:find("^%d?%d?$") and not flags:find("[#]") and #flags < 3
		and "%" .. flags .. width .. "d"
	return { key = key, flags = flags, letter = letter, plain = plain,
		direct = plain or letter == "s" and width == "" and dot == "" and "%s", width = width == "*" and "*" or tonumber(width) or 0,
		precision = dot ~= "" and (precision == "*" and "*" or tonumber(precision) or 0) or nil }, behind
end

-- Where all of the conversions are of the simplest kind: Lua's own format for them, and the letters of what they take.
local function direct_format(parts)
	local out, letters = {}, {}
	for i, part in ipairs(parts) do
		if type(part) == "string" then
			out[i] = part:gsub("%%", "%%%%")
		elseif part.direct and not part.key then
			out[i], letters[#letters + 1] = part.direct, part.letter
		else
			return nil
		end
	end
	return { format = table.concat(out), letters = table.concat(letters) }
end

-- Templates of the % operator as they were read: texts and conversions.
local read, keep_read = cache(500)

local function parts_of(template)
	if read[template] then
		return read[template]
	end
	local parts, at = {}, 1
	while true do
		local percent = template:find("%", at, true)
		parts[#parts + 1] = template:sub(at, percent and percent - 1)
		if not percent then
			break
		end
		parts[#parts + 1], at = read_conversion(template, percent + 1)
	end
	parts.direct = direct_format(parts)
	return keep_read(template, parts)
end

local function named_argument(arguments, kind, key)
	if kind ~= "dict" then
		fail("format requires a dictionary for %%(%s)", key)
	end
	local v = values.dict_get(arguments, key)
	if v == nil then
		fail("there is no key '%s' in the dictionary to format", key)
	end
	return v
end

-- template % arguments
function values.percent_format(template, arguments)
	local k = values.kind(values.defined(arguments))
	local list = k == "tuple" and arguments or { arguments }
	local parts = parts_of(template)
	native.charge(#template)
	local direct = parts.direct
	local formatted = direct and native.format(direct.format, direct.letters, list)
	if formatted then
		return formatted
	end
	local used, by_name = 0, false
	local function take()
		used = used + 1
		if list[used] == nil then
			fail("not enough arguments for the format string")
		end
		return list[used]
	end
	local out = {}
	for i, part in ipairs(parts) do
		if type(part) == "string" then
			out[i] = part
		else
			local flags, width, precision = part.flags, part.width, part.precision
			width = width == "*" and integer_value(take(), "*") or width
			precision = precision == "*" and integer_value(take(), "*") or precision
			if width < 0 then
				flags, width = flags .. "-", -width
			end
			if precision and (precision < 0 or precision > WIDTH_MAX) then
				fail("a precision of %d is too large or below 0", precision)
			end
			by_name = by_name or part.key ~= nil
			local v = part.key and named_argument(arguments, k, part.key)
			if not part.key then
				v = take()
			end
			out[i] = convert(flags, width, precision, part.letter, part.plain, v)
		end
	end
	if k == "tuple" and used < #list or k ~= "tuple" and k ~= "dict" and k ~= "list" and used == 0 and not by_name then
		fail("not all arguments converted during string formatting")
	end
	return table.concat(out)
end

local function grouped(digits, separator)
	local whole, rest = digits:match("^(%d+)(.*)$")
	if not whole then
		return digits
	end
	whole = whole:reverse():gsub("(%d%d%d)", "%1" .. separator):reverse()
	return whole:gsub("^" .. separator, "") .. rest
end

-- format(v, specification) of Python.
function format.one(v, specification)
	if specification == "" then
		return text(values.defined(v))
	end
	if values.kind(v) == "datetime" then
		return values.date_format(v, specification)
	end
	local fill, align, rest = specification:match("^(" .. utf8.charpattern .. ")([<>=^])(.*)$")
	if not fill then
		fill, align, rest = " ", specification:match("^([<>=^])(.*)$")
	end
	rest = rest or specification
	local sign, alternate, zero, width, separator, precision, letter = rest:match("^([-+ ]?)(#?)(0?)(%d*)([,_]?)%.?(%d*)([a-zA-Z%%]?)$")
	if not sign then
		fail("invalid format specifier '%s'", specification)
	end
	precision = rest:find(".", 1, true) and tonumber(precision) or nil
	width = tonumber(width) or 0
	if zero == "0" and not align then
		fill, align = "0", "="
	end
	local s
	if type(v) == "string" and (letter == "" or letter == "s") then
		return pad(precision and values.slice(v, 0, precision) or v, width, align or "<", fill)
	elseif type(v) == "boolean" and letter == "" then
		v = v and 1 or 0
	elseif type(v) ~= "number" and type(v) ~= "boolean" then
		values.defined(v)
		fail("unknown format code '%s' for a value of type %s", specification, values.type_name(v))
	end
	if letter == "" then
		letter = math.type(v) == "integer" and "d" or precision and "g" or "repr"
	elseif letter == "n" then
		letter = math.type(v) == "integer" and "d" or "g"
	end
	if letter == "c" then
		return pad(utf8.char(integer_value(v, letter)), width, align or "<", fill)
	elseif letter:find("^[dxXob]$") then
		if math.type(v) == "float" then
			fail("unknown format code '%s' for a value of type float", letter)
		end
		v = integer_value(v, letter)
	end
	if letter == "repr" then
		s = native.float_text(math.abs(v))
	elseif letter:find("^[dxXobeEfFgG%%]$") then
		s = magnitude(v, letter, precision, alternate == "#")
	else
		fail("unknown format code '%s' for a number", letter)
	end
	if separator ~= "" then
		s = grouped(s, separator)
	end
	return pad(signed(number_value(v, letter), sign) .. s, width, align or ">", fill)
end

-- The value that a field like 0.name[key] names.
local function field_value(field, list, keywords, counter)
	local first, rest = field, ""
	if field:find("[.%[]") then
		first, rest = field:match("^([^.%[]*)(.*)$")
	end
	local v
	if first == "" then
		counter.at = counter.at + 1
		v = list[counter.at]
	elseif first:find("^%d+$") then
		v = list[tonumber(first) + 1]
	else
		v = keywords and keywords[first]
	end
	if v == nil then
		fail("format: there is no argument for the field '{%s}'", field)
	elseif rest == "" then
		return v
	end
	for dot, name, key in rest:gmatch("(%.?)([^.%[%]]*)%[?([^%]]*)%]?") do
		if dot ~= "" then
			v = values.attribute(v, name)
		elseif key ~= "" or name ~= "" then
			key = key ~= "" and key or name
			v = values.item(v, math.tointeger(tonumber(key)) or key)
		end
		values.defined(v)
	end
	return v
end

-- A template of format as it was read: texts, and fields with what they name, how it is shown and the specification, which is
-- a template itself where it has braces.
local read_braces, keep_braces = cache(500)

local function braces_of(s, nested)
	local parts, at = {}, 1
	while true do
		local brace = s:find("[{}]", at)
		if not brace then
			parts[#parts + 1] = s:sub(at)
			return parts
		end
		parts[#parts + 1] = s:sub(at, brace - 1)
		local c = s:sub(brace, brace)
		if s:sub(brace + 1, brace + 1) == c and not nested then
			parts[#parts + 1] = c
			at = brace + 2
		elseif c == "}" then
			fail("single '}' encountered in format string")
		else
			local inside = s:match("^%b{}", brace)
			if not inside then
				fail("single '{' encountered in format string")
			end
			local field, conversion, specification = inside:sub(2, -2):match("^([^!:]*)(!?[rsa]?):?(.*)$")
			parts[#parts + 1] = { field = field, conversion = conversion,
				plain = specification:find("^0?%d?%d?d?$") and "%" .. specification:gsub("d$", "") .. "d",
				specification = specification:find("{", 1, true) and braces_of(specification, true) or specification }
			at = brace + #inside
		end
	end
end

local function expand(parts, list, keywords, counter)
	local out = {}
	for i = 1, #parts do
		local part = parts[i]
		if type(part) == "string" then
			out[i] = part
		else
			local v, specification = field_value(part.field, list, keywords, counter), part.specification
			if part.conversion == "!r" then
				v = values.repr(v)
			elseif part.conversion == "!s" then
				v = text(v)
			end
			if specification == "" and type(v) == "string" then
				out[i] = v
			elseif part.plain and math.type(v) == "integer" then
				out[i] = part.plain:format(v)
			else
				out[i] = format.one(v, type(specification) == "table" and expand(specification, list, keywords, counter) or specification)
			end
		end
	end
	return table.concat(out)
end

-- template.format(list, keywords)
function format.brace(template, list, keywords)
	local parts = read_braces[template] or keep_braces(template, braces_of(template, false))
	native.charge(#template)
	return expand(parts, list, keywords, { at = 0 })
end

return format

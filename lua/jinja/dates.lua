-- Dates and differences of dates: microseconds since 1970 (a date has no time zone, as Python's naive datetime).

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local fail, kind = values.fail, values.kind
local dates = {}
local DAY = 86400 * 1000000

local function datetime(microseconds)
	return setmetatable({ microseconds = microseconds }, values.datetime_meta)
end
dates.datetime = datetime

local function timedelta(microseconds)
	return setmetatable({ microseconds = microseconds }, values.timedelta_meta)
end

function values.date_add(a, b, sign)
	local ka, kb = kind(a), kind(b)
	if kb == "timedelta" and (ka == "datetime" or ka == "timedelta") then
		return (ka == "datetime" and datetime or timedelta)(a.microseconds + sign * b.microseconds)
	elseif ka == "datetime" and kb == "datetime" and sign < 0 then
		return timedelta(a.microseconds - b.microseconds)
	elseif ka == "timedelta" and kb == "datetime" and sign > 0 then
		return datetime(a.microseconds + b.microseconds)
	end
	values.defined(b)
	fail("unsupported operand type(s) for %s: '%s' and '%s'", sign > 0 and "+" or "-", values.type_name(a), values.type_name(b))
end

function values.date_format(v, format)
	format = format:gsub("%%f", string.format("%06d", v.microseconds % 1000000)):gsub("%%[zZ]", "")
	return native.strftime(format, v.microseconds // 1000000, true)
end

local function delta_text(v)
	local days, rest = v.microseconds // DAY, v.microseconds % DAY
	local seconds = rest // 1000000
	local s = string.format("%d:%02d:%02d", seconds // 3600, seconds // 60 % 60, seconds % 60)
	if rest % 1000000 ~= 0 then
		s = s .. string.format(".%06d", rest % 1000000)
	end
	return days == 0 and s or string.format("%d day%s, %s", days, math.abs(days) == 1 and "" or "s", s)
end

function values.date_text(v)
	if kind(v) == "timedelta" then
		return delta_text(v)
	end
	return values.date_format(v, v.microseconds % 1000000 == 0 and "%Y-%m-%d %H:%M:%S" or "%Y-%m-%d %H:%M:%S.%f")
end

local function members(v)
	local fields = native.time_fields(v.microseconds // 1000000)
	fields.microsecond = v.microseconds % 1000000
	return fields
end

function values.date_repr(v)
	if kind(v) == "timedelta" then
		local days, seconds, micro = v.microseconds // DAY, v.microseconds % DAY // 1000000, v.microseconds % 1000000
		local parts = {}
		for _, part in ipairs({ { "days", days }, { "seconds", seconds }, { "microseconds", micro } }) do
			if part[2] ~= 0 then
				parts[#parts + 1] = part[1] .. "=" .. part[2]
			end
		end
		return "datetime.timedelta(" .. (#parts > 0 and table.concat(parts, ", ") or "0") .. ")"
	end
	local f = members(v)
	local s = string.format("datetime.datetime(%d, %d, %d, %d, %d", f.year, f.month, f.day, f.hour, f.minute)
	if f.second ~= 0 or f.microsecond ~= 0 then
		s = s .. ", " .. f.second
	end
	return s .. (f.microsecond ~= 0 and ", " .. f.microsecond or "") .. ")"
end

function values.date_attribute(v, name)
	if kind(v) == "timedelta" then
		if name == "days" then
			return v.microseconds // DAY
		elseif name == "seconds" then
			return v.microseconds % DAY // 1000000
		elseif name == "microseconds" then
			return v.microseconds % 1000000
		end
		return nil
	end
	return ({ year = true, month = true, day = true, hour = true, minute = true, second = true, microsecond = true })[name] and members(v)[name]
end

-- datetime.strptime
function dates.parse(s, format)
	local fraction = 0
	if format:find("%f", 1, true) then
		local head = format:match("^(.-)%%f")
		local tail = format:sub(#head + 3)
		if tail ~= "" and not tail:find("^[Z%s]*$") then
			fail("to_datetime: text behind %%f is not supported ('%s')", format)
		end
		local digits = s:match("(%d+)" .. tail:gsub("%p", "%%%0") .. "$") or ""
		if digits == "" or #digits > 6 then
			fail("to_datetime: '%s' does not match the format '%s'", s, format)
		end
		fraction = math.tointeger(tonumber(digits .. ("0"):rep(6 - #digits)))
		s = s:sub(1, #s - #digits - #tail)
		format = head
	end
	local seconds = native.strptime(s, format)
	if not seconds then
		fail("to_datetime: '%s' does not match the format '%s'", s, format)
	end
	return datetime(seconds * 1000000 + fraction)
end

local methods = values.methods
methods.datetime, methods.timedelta = {}, {}
local EPOCH_ORDINAL = 719163 -- days from the first one of year 1 to 1970

compiler.define(methods.datetime, "strftime", { "format!:str" }, values.date_format)
compiler.define(methods.datetime, "timestamp", {}, function(v)
	return native.local_seconds(v.microseconds // 1000000) + v.microseconds % 1000000 / 1000000
end)
compiler.define(methods.datetime, "isoformat", { "sep:str" }, function(v, separator)
	return (values.date_text(v):gsub(" ", separator or "T", 1))
end)
compiler.define(methods.datetime, "date", {}, function(v)
	return values.date_format(v, "%Y-%m-%d")
end)
compiler.define(methods.datetime, "weekday", {}, function(v)
	return (v.microseconds // DAY + 3) % 7
end)
compiler.define(methods.datetime, "isoweekday", {}, function(v)
	return (v.microseconds // DAY + 3) % 7 + 1
end)
compiler.define(methods.datetime, "toordinal", {}, function(v)
	return v.microseconds // DAY + EPOCH_ORDINAL
end)
compiler.define(methods.timedelta, "total_seconds", {}, function(v)
	return v.microseconds / 1000000
end)

return dates

-- Values as YAML in the form that PyYAML's safe dumper gives, and YAML as values.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local truth, null, kind, fail = values.truth, values.null, values.kind, values.fail
local DEPTH_MAX = 150

-- What YAML 1.1 reads as something other than a string when it is written plain.
local special = {
	"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
	"^(?:~|null|Null|NULL|<<|=|!|&|\\*)$",
	"^[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*(?::[0-5]?[0-9])*)$",
	"^(?:[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$",
	"^(?:[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$",
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
	"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \\t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]*)?(?:[ \\t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?$",
}

local function is_special(text)
	if text == "" then
		return true
	elseif not text:find("^[-+.%dyYnNtTfFoO~<=!&*]") or #text > 1000 then
		return false
	end
	for i = 1, #special do
		if values.regex(special[i]):search(text, 1) then
			return true
		end
	end
	return false
end

local function float_text(v)
	if v ~= v then
		return ".nan"
	elseif v == math.huge or v == -math.huge then
		return v > 0 and ".inf" or "-.inf"
	end
	local text = native.float_text(v)
	return text:find(".", 1, true) and text or (text:gsub("e", ".0e", 1))
end

-- The text of a scalar and its tag; nothing for a list or a dictionary.
local function scalar(v)
	local k = kind(v)
	if k == "str" then
		return native.clean(v), "str"
	elseif k == "none" then
		return "null", "null"
	elseif k == "bool" then
		return v and "true" or "false", "bool"
	elseif k == "int" then
		return tostring(v), "int"
	elseif k == "float" then
		return float_text(v), "float"
	elseif k == "datetime" then
		return values.text(v), "timestamp"
	elseif k == "undefined" then
		values.raise_undefined(v)
	elseif k ~= "dict" and not values.is_sequence(v) then
		fail("to_yaml: a value of type %s has no form in YAML", values.type_name(v))
	end
end

-- Sorted as Python does: not at all where keys cannot be compared with each other.
local function keys_of(v, options)
	local keys = values.dict_keys(v)
	if not options.sort then
		return keys
	end
	local sorted = table.move(keys, 1, #keys, 1, {})
	local good, result = pcall(values.sort, sorted, function(key) return key end)
	return good and result or keys
end

local emit

local function emit_scalar(out, v, options)
	local text, tag = scalar(v)
	if not text then
		return false
	end
	local is_text = tag == "str"
	native.yaml_scalar(out, text, tag, not is_text or not is_special(text), is_text, options.style)
	return true
end

-- Where no style is asked for, only a collection of nothing but scalars is written in one line.
local function is_flow(options, members)
	if options.flow ~= nil then
		return options.flow
	elseif options.style then
		return false
	end
	for i = 1, #members do
		if not scalar(members[i]) then
			return false
		end
	end
	return true
end

local function emit_dict(out, v, options, depth)
	local keys, members = keys_of(v, options), {}
	for i = 1, #keys do
		members[i] = values.dict_get(v, keys[i])
	end
	native.yaml_begin(out, false, is_flow(options, members) and is_flow(options, keys))
	for i = 1, #keys do
		emit(out, keys[i], options, depth + 1)
		emit(out, members[i], options, depth + 1)
	end
	native.yaml_end(out, false)
end

local function emit_list(out, v, options, depth)
	native.yaml_begin(out, true, is_flow(options, v))
	for i = 1, #v do
		emit(out, v[i], options, depth + 1)
	end
	native.yaml_end(out, true)
end

emit = function(out, v, options, depth)
	if depth > DEPTH_MAX then
		fail("a value is nested more than %d levels deep, or contains itself", DEPTH_MAX)
	elseif emit_scalar(out, v, options) then
		return
	elseif kind(v) == "dict" then
		emit_dict(out, v, options, depth)
	else
		emit_list(out, v, options, depth)
	end
end

-- Those of PyYAML's dump, of which only what changes the text is here.
local options_of_dump = { "width:number", "default_flow_style:any", "default_style:str", "sort_keys:bool", "explicit_start:bool",
	"explicit_end:bool", "canonical:bool", "allow_unicode:bool" }

-- An option that was given, with None as if it were not.
local function given(more, name)
	local value = more[name]
	if value ~= nil and value ~= null then
		return value
	end
end

local function encode(v, indent, more, flow)
	local style = given(more, "default_flow_style")
	if style ~= nil then
		flow = truth(style)
	end
	local width = more.width
	width = width and (math.tointeger(width) or -1)
	local options = { flow = flow, style = more.default_style, sort = more.sort_keys ~= false }
	local out = native.yaml_open(indent, width, more.canonical, more.explicit_start)
	emit(out, v, options, 0)
	return native.yaml_text(out, more.explicit_end)
end

-- The texts of the documents in a text. A line that begins with --- starts one wherever it stands, ... ends one.
local function documents(text)
	local out, lines, open = {}, {}, false
	local function close()
		if open then
			out[#out + 1] = table.concat(lines, "\n") .. "\n"
			lines = {}
		end
		open = false
	end
	for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch("([^\n]*)\n") do
		if line:find("^%-%-%-%f[%s\0]") then
			close()
			open = true
		elseif line:find("^%.%.%.%f[%s\0]") then
			close()
			goto continue
		elseif line:find("^[^%%#%s]") or not open and line:find("^%s+[^#%s]") then
			open = true
		end
		lines[#lines + 1] = line
		::continue::
	end
	close()
	return out
end

compiler.define(compiler.filters, "to_yaml", { "*", "indent:int", table.unpack(options_of_dump) }, function(v, more)
	return encode(v, more.indent, more, nil)
end)
compiler.define(compiler.filters, "to_nice_yaml", { "indent:int", "*", table.unpack(options_of_dump) }, function(v, more, indent)
	return encode(v, indent or 4, more, false)
end)
compiler.define(compiler.filters, "from_yaml", {}, function(v)
	return type(v) == "string" and native.yaml_decode(v) or v
end)
compiler.define(compiler.filters, "from_yaml_all", {}, function(v)
	if type(v) ~= "string" then
		return v
	end
	local out = {}
	for i, text in ipairs(documents(v)) do
		out[i] = native.yaml_decode(text)
	end
	return values.list(out)
end)

-- Lookups of single values kept in files: csvfile, ini and password.

local values = import("jinja/values.lua")
local lookups = import("jinja/lookups.lua")
local chance = import("jinja/chance.lua")

local text, fail, null = values.text, values.fail, values.null

-- The key that a term names and the options: those in the term, over those given, over the defaults.
local function parse(name, term, options, defaults)
	local words, written = lookups.words(lookups.name(name, term))
	for key in pairs(written) do
		if defaults[key] == nil then
			fail("lookup('%s'): there is no option '%s'", name, key)
		end
	end
	local given = setmetatable({}, { __index = defaults })
	for key, value in pairs(options) do
		given[key] = value ~= null and value or nil
	end
	local key = table.concat(words, " ")
	if key == "" then
		fail("lookup('%s'): there is no key or file in '%s'", name, term)
	end
	return key, setmetatable(written, { __index = given })
end

-- Options that are in a term count for the terms behind it as well.
local function keep(options, want)
	for key in pairs(want) do
		options[key] = want[key]
	end
end

-- Adds what was found, or each of a list.
local function add_found(out, found)
	local many = values.is_sequence(found) and found or { found ~= null and found or nil }
	table.move(many, 1, #many, #out + 1, out)
end

local function add(name, defaults, run)
	lookups.add(name, values.names_of(defaults), run)
end

local is_set = values.flag

local function read(name, want)
	local content = values.decode(lookups.read(name, want.file), text(want.encoding))
	return (native.clean(content):gsub("\r\n?", "\n"))
end

-- CSV

-- The fields of the row that begins at a place, and where the next one begins. Quotes are doubled inside quotes.
local function row(content, at, delimiter)
	local fields, field = {}, {}
	while true do
		if #field == 0 and content:sub(at, at) == '"' then
			local close = at
			repeat
				close = content:find('"', close + 1, true) or #content + 1
				local doubled = content:sub(close, close + 1) == '""'
				field[#field + 1] = content:sub(at + 1, doubled and close or close - 1)
				close = doubled and close + 1 or close
				at = close
			until not doubled
			at = close + 1
		end
		local stop = at
		while stop <= #content and content:sub(stop, stop) ~= "\n" and content:sub(stop, stop + #delimiter - 1) ~= delimiter do
			stop = stop + 1
		end
		fields[#fields + 1] = table.concat(field) .. content:sub(at, stop - 1)
		field = {}
		if stop > #content or content:sub(stop, stop) == "\n" then
			return fields, stop + 1
		end
		at = stop + #delimiter
	end
end

local function csv_find(content, key, delimiter, column)
	local at = 1
	while at <= #content do
		local fields
		fields, at = row(content, at, delimiter)
		if fields[1] == key then
			return fields[column < 0 and #fields + column + 1 or column + 1] or fail("lookup('csvfile'): the row of '%s' has no column %d", key, column)
		end
	end
end

local csv_defaults = { col = "1", default = null, delimiter = "TAB", file = "ansible.csv", encoding = "utf-8" }

add("csvfile", csv_defaults, function(terms, options)
	local out = {}
	for _, term in ipairs(terms) do
		local key, want = parse("csvfile", term, options, csv_defaults)
		keep(options, want)
		local delimiter, column = text(want.delimiter), math.tointeger(tonumber(text(want.col)))
		if delimiter == "TAB" or delimiter == "t" then
			delimiter = "\t"
		end
		if #delimiter ~= 1 or not column then
			fail("lookup('csvfile'): delimiter is one character, col a whole number")
		end
		add_found(out, csv_find(read("csvfile", want), key, delimiter, column) or want.default)
	end
	return out
end)

-- INI

local function ini_close(section, key)
	local held = key and section.values[key]
	if type(held) == "table" then
		while held[#held] == "" do
			held[#held] = nil
		end
		section.values[key] = table.concat(held, "\n")
	end
end

local function ini_section(sections, name)
	if sections[name] and name ~= "DEFAULT" then
		fail("lookup('ini'): there are two sections '%s'", name)
	end
	sections[name] = sections[name] or { keys = {}, values = {} }
	return sections[name]
end

local function ini_option(section, line, want, number)
	local key, value = line:match("^%s*([^=:]-)%s*[=:]%s*(.-)%s*$")
	if not key and is_set(want.allow_no_value) then
		key = line:match("^%s*(.-)%s*$")
	end
	if not key or key == "" or not section then
		fail("lookup('ini'): %s has no section or no option in line %d", text(want.file), number)
	end
	key = is_set(want.case_sensitive) and key or native.lower(key)
	if section.values[key] ~= nil then
		fail("lookup('ini'): %s has the option '%s' twice (line %d)", text(want.file), key, number)
	end
	section.keys[#section.keys + 1] = key
	section.values[key] = value and { value } or null
	return key
end

-- Sections by name, each with its keys in order. A line that is indented more than its option belongs to the value.
local function ini_parse(content, want)
	local sections, section, key, indent, number = {}, nil, nil, 0, 0
	for line in (content .. "\n"):gmatch("([^\n]*)\n") do
		number = number + 1
		local blank, inner = #line:match("^%s*"), values.strip(line, nil, "lr")
		local held = section and key and section.values[key]
		if inner == "" then
			if type(held) == "table" then
				held[#held + 1] = ""
			end
		elseif inner:find("^[#;]") then
			goto continue
		elseif type(held) == "table" and blank > indent then
			held[#held + 1] = inner
		else
			if key then
				ini_close(section, key)
			end
			indent, key = blank, nil
			local name = inner:match("^%[(.+)%]")
			if name then
				section = ini_section(sections, name)
			else
				key = ini_option(section, line, want, number)
			end
		end
		::continue::
	end
	if key then
		ini_close(section, key)
	end
	return sections
end

-- %(name)s is the value of another option, %% a percent sign.
local function ini_value(sections, section, key, want, depth)
	local value = section.values[key]
	if value == nil and sections.DEFAULT then
		value = sections.DEFAULT.values[key]
	end
	if type(value) ~= "string" then
		return value
	elseif depth > 10 then
		fail("lookup('ini'): the value of '%s' refers to itself", key)
	end
	local out, at = {}, 1
	while true do
		local percent = value:find("%", at, true)
		out[#out + 1] = value:sub(at, (percent or 0) - 1)
		if not percent then
			return table.concat(out)
		end
		local name, after = value:match("^%%%(([^)]*)%)s()", percent)
		if name then
			name = is_set(want.case_sensitive) and name or native.lower(name)
			local found = ini_value(sections, section, name, want, depth + 1)
			out[#out + 1] = type(found) == "string" and found or fail("lookup('ini'): %s refers to '%s', which there is not", key, name)
		elseif value:sub(percent + 1, percent + 1) == "%" then
			out[#out + 1], after = "%", percent + 2
		else
			fail("lookup('ini'): %s: '%%' must be followed by '%%' or '(option)s'", key)
		end
		at = after
	end
end

local ini_defaults = { type = "ini", file = "ansible.ini", section = "global", re = false, encoding = "utf-8", default = "",
	case_sensitive = false, allow_no_value = false, allow_none = false }

local function ini_keys(sections, section)
	local keys, seen = {}, {}
	for _, from in ipairs({ sections.DEFAULT or section, section }) do
		for _, key in ipairs(from.keys) do
			if not seen[key] then
				seen[key] = true
				keys[#keys + 1] = key
			end
		end
	end
	return keys
end

add("ini", ini_defaults, function(terms, options)
	local out = {}
	for _, term in ipairs(terms) do
		local key, want = parse("ini", term, options, ini_defaults)
		keep(options, want)
		want.allow_no_value = is_set(want.allow_no_value) or is_set(want.allow_none)
		local properties = want.type == "properties"
		local name = properties and "java_properties" or text(want.section)
		local sections = ini_parse((properties and "[java_properties]\n" or "") .. read("ini", want), want)
		local section = sections[name] or fail("lookup('ini'): there is no section '%s' in %s", name, text(want.file))
		if is_set(want.re) then
			for _, each in ipairs(ini_keys(sections, section)) do
				if values.regex("^(?:" .. key .. ")"):search(each, 1) then
					out[#out + 1] = ini_value(sections, section, each, want, 0)
				end
			end
		else
			local value = ini_value(sections, section, is_set(want.case_sensitive) and key or native.lower(key), want, 0)
			add_found(out, value == nil and want.default or value)
		end
	end
	return out
end)

-- Passwords

local letters = "abcdefghijklmnopqrstuvwxyz"
local sets = {
	ascii_lowercase = letters, ascii_uppercase = letters:upper(), ascii_letters = letters .. letters:upper(), digits = "0123456789",
	hexdigits = "0123456789abcdefABCDEF", octdigits = "01234567", punctuation = "!#$%&()*+,-./:;<=>?@[\\]^_`{|}~", whitespace = " \t\n\r\v\f",
}
local password_defaults = { length = 20, chars = ".,:-_,ascii_letters,digits", encrypt = "", ident = "", seed = "" }

local function candidates(chars)
	if chars == password_defaults.chars then
		return sets.ascii_letters .. sets.digits .. ".,:-_"
	end
	local out = {}
	if type(chars) == "string" then
		out[1] = chars:find(",,", 1, true) and "," or nil
		chars = values.split(chars:gsub(",,", ","), ",")
	end
	for _, each in ipairs(values.elements(chars)) do
		out[#out + 1] = sets[text(each)] or text(each)
	end
	return (table.concat(out):gsub("['\"]", ""))
end

local function made(want)
	local characters, length = native.characters(candidates(want.chars)), math.tointeger(tonumber(text(want.length)))
	if #characters == 0 or not length or length < 1 or length > 10000 then
		fail("lookup('password'): length must be 1 to 10000, and chars must name characters")
	end
	local out, random = {}, chance.generator(want.seed ~= "" and text(want.seed) or nil)
	for i = 1, length do
		out[i] = characters[random(#characters) + 1]
	end
	return table.concat(out)
end

local function salt_for(scheme)
	local size, out = scheme:find("^md5") and 8 or (scheme == "bcrypt" or scheme == "blowfish") and 22 or 16, {}
	local from = "./" .. sets.digits .. sets.ascii_letters
	for i = 1, size do
		local at = native.random(64) + 1
		out[i] = from:sub(at, at)
	end
	if size == 22 then -- two bits only are left for the last one
		out[size] = (".Oeu"):sub(native.random(4) + 1):sub(1, 1)
	end
	return table.concat(out)
end

local function split_content(content)
	local password, rest = content:match("^(.*) salt=(.*)$")
	if not password then
		return content
	end
	local salt, ident = rest:match("^(.*) ident=(.*)$")
	return password, salt or rest, ident
end

local function password_of(path, want)
	local scheme = text(want.encrypt)
	local held = path ~= "/dev/null" and native.password_read(path)
	local password, salt, ident = split_content(held or made(want))
	local fresh = not held
	if scheme ~= "" and not salt then
		salt, fresh = salt_for(scheme), true
		ident = (scheme == "bcrypt" or scheme == "blowfish") and (want.ident ~= "" and text(want.ident) or "2b") or nil
	end
	if fresh and path ~= "/dev/null" then
		local content = password .. (salt and " salt=" .. salt or "") .. (ident and " ident=" .. ident or "")
		password, salt, ident = split_content(native.password_keep(path, content, held and true or false))
	end
	native.keep_secret(password)
	return scheme == "" and password or native.password_hash(password, scheme, salt, 0, 0, ident)
end

add("password", password_defaults, function(terms, options)
	local out = {}
	for i, term in ipairs(terms) do
		local path, want = parse("password", term, options, password_defaults)
		if term:sub(1, #path) ~= path then
			fail("lookup('password'): there is something behind the options: %s", path)
		end
		out[i] = password_of(path, want)
	end
	return out
end)

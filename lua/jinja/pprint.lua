-- The filter pprint: what Python's pprint gives. A value that does not fit in a line is spread over several.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local kind, repr = values.kind, values.repr
local WIDTH = 80
local DEPTH_MAX = 150

local show

-- The keys in order; not sorted where they cannot be compared.
local function sorted_keys(dict)
	local keys = table.move(values.dict_keys(dict), 1, #values.dict_keys(dict), 1, {})
	local good, sorted = pcall(values.sort, keys, function(key) return key end)
	return good and sorted or values.dict_keys(dict)
end

-- A value in one line, with the keys of dictionaries sorted.
local function line_of(v, depth)
	local k = kind(v)
	if depth > DEPTH_MAX then
		values.fail("a value is nested more than %d levels deep, or contains itself", DEPTH_MAX)
	elseif k == "dict" then
		local parts = {}
		for i, key in ipairs(sorted_keys(v)) do
			parts[i] = repr(key) .. ": " .. line_of(values.dict_get(v, key), depth + 1)
		end
		return "{" .. table.concat(parts, ", ") .. "}"
	elseif k ~= "list" and k ~= "tuple" then
		return repr(v)
	end
	local parts = {}
	for i = 1, #v do
		parts[i] = line_of(v[i], depth + 1)
	end
	local inside = table.concat(parts, ", ")
	return k == "list" and "[" .. inside .. "]" or "(" .. inside .. (#v == 1 and ",)" or ")")
end

-- The words of a line, each with the blanks behind it.
local function words_of(line)
	local words = {}
	for word in line:gmatch("%S*%s*") do
		if word ~= "" then
			words[#words + 1] = word
		end
	end
	return words
end

-- Literals that make a text together, none of them wider than there is room.
local function literals(text, room, behind)
	local out, lines = {}, values.splitlines(text, true)
	for i, line in ipairs(lines) do
		local last = i == #lines
		if native.length(repr(line)) <= (last and room - behind or room) then
			out[#out + 1] = repr(line)
		else
			local current, words = "", words_of(line)
			for j, word in ipairs(words) do
				local limit = last and j == #words and room - behind or room
				if current ~= "" and native.length(repr(current .. word)) > limit then
					out[#out + 1] = repr(current)
					current = word
				else
					current = current .. word
				end
			end
			out[#out + 1] = current ~= "" and repr(current) or nil
		end
	end
	return out
end

local function show_text(text, indent, behind, depth)
	local outermost = depth == 0 and 1 or 0
	local parts = literals(text, WIDTH - indent - outermost, behind + outermost)
	if #parts == 1 then
		return repr(text)
	end
	local joined = table.concat(parts, "\n" .. (" "):rep(indent + outermost))
	return outermost == 1 and "(" .. joined .. ")" or joined
end

-- What stands between brackets, each item on a line. head(item) is the text before an item's value.
local function show_items(items, indent, behind, depth, head, value)
	local parts = {}
	for i, item in ipairs(items) do
		local before = head(item)
		parts[i] = before .. show(value(item), indent + 1 + native.length(before), i == #items and behind or 1, depth + 1)
	end
	return table.concat(parts, ",\n" .. (" "):rep(indent + 1))
end

-- indent: what stands before in the line; behind: what will stand behind.
show = function(v, indent, behind, depth)
	local k, line = kind(v), line_of(v, depth)
	if native.length(line) <= WIDTH - indent - behind then
		return line
	elseif k == "dict" and #values.dict_keys(v) > 0 then
		return "{" .. show_items(sorted_keys(v), indent, behind + 1, depth, function(key)
			return repr(key) .. ": "
		end, function(key)
			return values.dict_get(v, key)
		end) .. "}"
	elseif (k == "list" or k == "tuple") and #v > 0 then
		local close = k == "list" and "]" or #v == 1 and ",)" or ")"
		return (k == "list" and "[" or "(") .. show_items(v, indent, behind + #close, depth, function()
			return ""
		end, function(item)
			return item
		end) .. close
	elseif k == "str" and v ~= "" then
		return show_text(v, indent, behind, depth)
	end
	return line
end

compiler.define(compiler.filters, "pprint", {}, function(v)
	return show(v, 0, 0, 0)
end)

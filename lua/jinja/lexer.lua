-- Splits a template into text, tags and the tokens inside tags.
--
-- A token is a table { kind, value, line }: kind is "name", "string", "integer", "float", "op", "text", "begin" (value
-- "{{" or "{%"), "end" ("}}" or "%}") or "eof".

local lexer = {}

local operators = {}
for operator in ([[+ - * / // % ** ~ [ ] ( ) { } == != < <= > >= = . : | , ;]]):gmatch("%S+") do
	operators[operator] = true
end

-- What other languages have, and how it is written here.
local elsewhere = { ["&"] = "write: a and b", ["!"] = "write: not a, or a != b", ["$"] = "a variable is named without $", ["`"] = "quotes are ' and \"" }

local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }

local many_lines = false

-- What tokens and nodes have as their line: the line in the lowest bits, above it the number of the file, if the template is
-- one, and above that the column.
local LINE_BITS = 24
local COLUMN_SHIFT, COLUMN_MAX = 44, 0xFFFF
local files = {}

-- Where the lines of the source begin that is being read, and the one that was reached.
local starts, reached = {}, 1

local function source_starts(source)
	starts, reached = { 1 }, 1
	local newline = source:find("\n", 1, true)
	while newline do
		starts[#starts + 1] = newline + 1
		newline = source:find("\n", newline + 1, true)
	end
end

-- The line with the column of the position at, which never goes back.
local function placed(line, at)
	while starts[reached + 1] and starts[reached + 1] <= at do
		reached = reached + 1
	end
	return line | math.min(at - starts[reached] + 1, COLUMN_MAX) << COLUMN_SHIFT
end

-- The line before a file's first one: lexer.template(text, { first_line = lexer.file(path) }).
function lexer.file(path)
	if not files[path] then
		files[#files + 1] = path
		files[path] = #files
	end
	return files[path] << LINE_BITS | 1
end

-- "templates/a.j2:3:8" or "line 3"; nil for a line that is not worth saying.
function lexer.place(place, is_said)
	local column, line = place >> COLUMN_SHIFT, place & (1 << LINE_BITS) - 1
	local file = files[place >> LINE_BITS & (1 << COLUMN_SHIFT - LINE_BITS) - 1]
	if file then
		return string.format(column > 0 and "%s:%d:%d" or "%s:%d", file, line, column)
	end
	return is_said and "line " .. line or nil
end

-- Raises an error at a line; that is said where the template has several.
function lexer.fail_with_hint(line, hint, ...)
	local text = string.format(...)
	local place = lexer.place(line, many_lines)
	error({ text = place and place .. ": " .. text or text, hint = hint }, 0)
end

-- For a name that means nothing. near: one of nearly that name, as a hint, or nil; otherwise: the hint where there is none.
function lexer.fail_absent(line, near, otherwise, what, name)
	local place = lexer.place(line, many_lines)
	error({ text = string.format("%sthere is no %s '%s'", place and place .. ": " or "", what, name), hint = near or otherwise,
		code = not near and native.absent_code or nil }, 0)
end

local function fail(line, ...)
	lexer.fail_with_hint(line, nil, ...)
end
lexer.fail = fail

local function utf8_char(code, line)
	if code > 0x10FFFF or code >= 0xD800 and code <= 0xDFFF then
		fail(line, "\\u%04x is not a character", code)
	end
	return utf8.char(code)
end

local simple_escapes = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v",
	["\\"] = "\\", ["'"] = "'", ['"'] = '"', ["\n"] = "" }

-- The text of a string literal without its quotes; an escape that means nothing stays as it is, as in Python.
local function unescape(text, line)
	if not text:find("\\", 1, true) then
		return text
	end
	local out, at = {}, 1
	while true do
		local slash = text:find("\\", at, true)
		if not slash then
			out[#out + 1] = text:sub(at)
			return table.concat(out)
		end
		out[#out + 1] = text:sub(at, slash - 1)
		local letter = text:sub(slash + 1, slash + 1)
		local digits = letter == "x" and text:match("^%x%x", slash + 2) or letter == "u" and text:match("^%x%x%x%x", slash + 2)
			or letter == "U" and text:match("^%x%x%x%x%x%x%x%x", slash + 2)
		local octal = text:match("^[0-7][0-7]?[0-7]?", slash + 1)
		if simple_escapes[letter] then
			out[#out + 1] = simple_escapes[letter]
			at = slash + 2
		elseif digits then
			out[#out + 1] = utf8_char(tonumber(digits, 16), line)
			at = slash + 2 + #digits
		elseif octal then
			out[#out + 1] = utf8_char(tonumber(octal, 8), line)
			at = slash + 1 + #octal
		elseif letter == "x" or letter == "u" or letter == "U" then
			fail(line, "the escape \\%s in a string needs %d hexadecimal digits", letter, letter == "x" and 2 or letter == "u" and 4 or 8)
		else
			out[#out + 1] = "\\" .. letter
			at = slash + 2
		end
	end
end

local function integer(text, line)
	local digits = text:gsub("_", "")
	local base, body = 10, digits
	local prefix = digits:match("^0([xXoObB])")
	if prefix then
		base = ({ x = 16, o = 8, b = 2 })[prefix:lower()]
		body = digits:sub(3)
	end
	local value = 0
	for digit in body:gmatch("%x") do
		local add = tonumber(digit, 16)
		if value > (math.maxinteger - add) // base then
			fail(line, "the number %s is too large (integers have 64 bits)", text)
		end
		value = value * base + add
	end
	return value
end

-- A number at position at: token kind, value and the position behind it; nil if there is none.
local function number(source, at, line)
	local text = source:match("^0[xX][%x_]+", at) or source:match("^0[oO][0-7_]+", at) or source:match("^0[bB][01_]+", at)
	if text then
		return "integer", integer(text, line), at + #text
	end
	text = source:match("^%d[%d_]*", at)
	if not text then
		return nil
	end
	local fraction = source:match("^%.%d[%d_]*", at + #text) or ""
	local exponent = source:match("^[eE][+-]?%d[%d_]*", at + #text + #fraction) or ""
	if fraction ~= "" or exponent ~= "" then
		local value = tonumber(((text .. fraction .. exponent):gsub("_", ""))) + 0.0
		return "float", value, at + #text + #fraction + #exponent
	end
	return "integer", integer(text, line), at + #text
end

local function count_lines(text)
	local count, newline = 0, text:find("\n", 1, true)
	while newline do
		count, newline = count + 1, text:find("\n", newline + 1, true)
	end
	return count
end

-- The text of a string literal whose backslashes stay: one before the literal's own quote lets that be part of it.
local function unquote(text, quote)
	return (text:gsub("\\(.)", function(letter) return letter == quote and quote or nil end))
end

-- A quoted string at position at: its text and the position behind it. keeps: its backslashes are no escapes.
local function quoted(source, at, line, keeps)
	local quote = source:sub(at, at)
	local from = at + 1
	while true do
		local stop = source:find('[\\' .. quote .. ']', from)
		if not stop then
			fail(line, "a string is not closed: %s", source:sub(at, at + 30))
		end
		if source:sub(stop, stop) == quote then
			local text = source:sub(at + 1, stop - 1)
			return keeps and unquote(text, quote) or unescape(text, line), stop + 1
		end
		from = stop + 2
	end
end

-- Adds the tokens of an expression from position at until the mark stop (nil: the end of the source), which signs may
-- stand before; keeps: backslashes in strings are no escapes. Returns the position behind stop, its sign, and the line.
local function expression(source, at, tokens, line, stop, signs, keeps)
	local open = {}
	while true do
		local first = source:byte(at)
		if first == 32 or first and first >= 9 and first <= 13 then
			local space = source:match("^%s+", at)
			at = at + #space
			line = space == " " and line or line + count_lines(space)
			first = source:byte(at)
		end
		if at > #source then
			if stop then
				fail(line, "the tag is not closed by %s", stop)
			end
			break
		end
		if stop and #open == 0 then
			local sign = source:match(signs, at)
			if sign and source:sub(at + 1, at + #stop) == stop then
				return at + 1 + #stop, sign, line
			elseif source:sub(at, at + #stop - 1) == stop then
				return at + #stop, nil, line
			end
		end
		local c = source:sub(at, at)
		local kind, value, behind
		if first >= 48 and first <= 57 then
			kind, value, behind = number(source, at, line)
		end
		if kind then
			tokens[#tokens + 1] = { kind, value, placed(line, at) }
			at = behind
		elseif c == "'" or c == '"' then
			value, behind = quoted(source, at, line, keeps)
			tokens[#tokens + 1] = { "string", value, placed(line, at) }
			line = #starts > 1 and line + count_lines(source:sub(at, behind - 1)) or line
			at = behind
		else
			local name = source:match("^[%a_\128-\255][%w_\128-\255]*", at)
			if name then
				tokens[#tokens + 1] = { "name", name, placed(line, at) }
				at = at + #name
			else
				local operator = source:sub(at, at + 1)
				if not operators[operator] then
					operator = c
				end
				if not operators[operator] then
					local character = source:match("^" .. utf8.charpattern, at) or c
					lexer.fail_with_hint(placed(line, at), elsewhere[character], "unexpected character '%s'", character)
				end
				if closing[operator] then
					open[#open + 1] = operator
				elseif operator == ")" or operator == "]" or operator == "}" then
					local opened = table.remove(open)
					if closing[opened or 0] ~= operator then
						fail(placed(line, at), opened and "unexpected '%s': '%s' is not closed yet" or stop and "unexpected '%s': the tag is closed by %s"
							or "unexpected '%s'", operator, opened or stop)
					end
				end
				tokens[#tokens + 1] = { "op", operator, placed(line, at) }
				at = at + #operator
			end
		end
	end
	if #open > 0 then
		fail(line, "'%s' is not closed", open[#open])
	end
	return at, nil, line
end

-- The tokens of a bare expression.
function lexer.expression(source)
	local tokens = {}
	source_starts(source)
	many_lines = #starts > 1
	local _, _, line = expression(source, 1, tokens, 1, nil)
	tokens[#tokens + 1] = { "eof", "", line }
	return tokens
end

local function escaped(text)
	return (text:gsub("%p", "%%%0"))
end

-- The marks of a template's tags as the lexer looks for them. settings may have others than Jinja2's own.
local function new_marks(settings)
	local marks = {}
	for kind, default in pairs({ block = { "{%", "%}" }, variable = { "{{", "}}" }, comment = { "{#", "#}" } }) do
		marks[kind .. "_start"] = settings[kind .. "_start"] or default[1]
		marks[kind .. "_end"] = settings[kind .. "_end"] or default[2]
	end
	local open, close = escaped(marks.block_start), escaped(marks.block_end)
	marks.raw = "^%s*raw%s*[-+]?" .. close
	marks.end_raw, marks.end_raw_close = open .. "[-+]?%s*endraw%s*", "^[-+]?" .. close
	marks.kinds = { "block", "variable", "comment" }
	table.sort(marks.kinds, function(a, b) -- the longest that fits is meant
		return #marks[a .. "_start"] > #marks[b .. "_start"]
	end)
	marks.any = marks.block_start == "{%" and marks.variable_start == "{{" and marks.comment_start == "{#" and "{[{%%#]"
	return marks
end

local usual_marks = new_marks({})

local function marks_of(settings)
	for name in pairs(usual_marks) do
		if settings[name] then
			return new_marks(settings)
		end
	end
	return usual_marks
end

-- The position of the next tag at or behind at, and its kind; nil if there is none.
local function next_tag(source, at, marks)
	if marks.any then
		local open = source:find(marks.any, at)
		local letter = open and source:byte(open + 1)
		return open, letter == 123 and "variable" or letter == 37 and "block" or "comment"
	end
	local first, kind
	for _, each in ipairs(marks.kinds) do
		local open = source:find(marks[each .. "_start"], at, true)
		if open and (not first or open < first) then
			first, kind = open, each
		end
	end
	return first, kind
end

local function raw_block(source, at, line, marks)
	local body_from = at
	while true do
		local open, open_end = source:find(marks.end_raw, body_from)
		if not open then
			fail(line, "%s raw %s is not closed by %s endraw %s", marks.block_start, marks.block_end, marks.block_start, marks.block_end)
		end
		local close = source:match(marks.end_raw_close, open_end + 1)
		if close then
			local sign = open + #marks.block_start
			return source:sub(at, open - 1), source:sub(sign, sign), close, open_end + 1 + #close
		end
		body_from = open + 2
	end
end

local function sign_or_nil(letter)
	return (letter == "-" or letter == "+") and letter or nil
end

-- The tokens of a template. settings.trim_blocks: the newline behind a block tag belongs to it; settings.lstrip_blocks:
-- so does the blank before one that starts its line. settings.newline is what a newline of the text becomes.
-- settings.keeps_backslashes: in strings between {{ and }} a backslash is itself.
function lexer.template(source, settings)
	local tokens = {}
	local marks = marks_of(settings)
	source_starts(source)
	many_lines = #starts > 1
	local at, line = 1, settings.first_line or 1
	local strip_next = false -- "-": the text that follows loses its leading blank; "\n": one newline
	local function add_text(text, sign, lstrip)
		local kept = text
		local lines = count_lines(text)
		if strip_next == "-" then
			kept = kept:gsub("^%s+", "")
		elseif strip_next == "\n" then
			kept = kept:gsub("^\n", "")
		end
		if sign == "-" then
			kept = kept:gsub("%s+$", "")
		elseif lstrip and sign ~= "+" then
			local head = kept:match("^(.*\n)[ \t]*$") or (at == 1 or text ~= kept) and kept:match("^[ \t]*$") and ""
			kept = head or kept
		end
		if settings.newline then
			kept = kept:gsub("\n", settings.newline)
		end
		if kept ~= "" then
			tokens[#tokens + 1] = { "text", kept, line }
		end
		line = line + lines
		strip_next = false
	end
	local function after_block(sign)
		strip_next = sign == "-" and "-" or sign ~= "+" and settings.trim_blocks and "\n" or false
	end
	while true do
		local open, kind = next_tag(source, at, marks)
		if not open then
			add_text(source:sub(at), nil, false)
			break
		end
		local start = marks[kind .. "_start"]
		local sign = source:match("^[-+]", open + #start)
		add_text(source:sub(at, open - 1), sign, settings.lstrip_blocks and kind ~= "variable")
		at = open + #start + (sign and 1 or 0)
		if kind == "comment" then
			local stop, behind = source:find(marks.comment_end, at, true)
			if not stop then
				fail(line, "a comment %s is not closed by %s", start, marks.comment_end)
			end
			line = line + count_lines(source:sub(at, behind))
			after_block(stop > at and sign_or_nil(source:sub(stop - 1, stop - 1)) or nil)
			at = behind + 1
		elseif kind == "block" and source:find(marks.raw, at) then
			local _, head_end = source:find(marks.raw, at)
			local head_sign = head_end - #marks.block_end
			line = line + count_lines(source:sub(at, head_end))
			local body, tail_sign, close, behind = raw_block(source, head_end + 1, line, marks)
			strip_next = source:sub(head_sign, head_sign) == "-" and "-" or false -- trim_blocks is not for this tag
			at = head_end + 1
			add_text(body, sign_or_nil(tail_sign), settings.lstrip_blocks)
			line = line + count_lines(source:sub(head_end + 1 + #body, behind - 1))
			after_block(#close > #marks.block_end and close:sub(1, 1) or nil)
			at = behind
		else
			local is_block = kind == "block"
			tokens[#tokens + 1] = { "begin", is_block and "{%" or "{{", placed(line, open) }
			at, sign, line = expression(source, at, tokens, line, marks[kind .. "_end"], is_block and "^[-+]" or "^-",
				not is_block and settings.keeps_backslashes)
			tokens[#tokens + 1] = { "end", is_block and "%}" or "}}", placed(line, at - #marks[kind .. "_end"]) }
			if is_block then
				after_block(sign)
			else
				strip_next = sign == "-" and "-" or false
			end
		end
	end
	tokens[#tokens + 1] = { "eof", "", line }
	return tokens
end

return lexer

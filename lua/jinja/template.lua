-- The entry points that template.c calls; compiles once and keeps what was compiled by its text.

local lexer = import("jinja/lexer.lua")
local parser = import("jinja/parser.lua")
local values = import("jinja/values.lua")
local cache = import("jinja/cache.lua")
local compiler = import("jinja/compiler.lua")
local statements = import("jinja/statements.lua")
local globals = import("jinja/globals.lua")
import("jinja/methods.lua")
import("jinja/filters.lua")
import("jinja/ansible.lua")
import("jinja/links.lua")
import("jinja/encodings.lua")
import("jinja/tests.lua")
import("jinja/chance.lua")
import("jinja/pprint.lua")
import("jinja/lookups.lua")
import("jinja/stored.lua")
import("jinja/url.lua")
import("jinja/yaml.lua")

local template = {}
local DEPTH_MAX = 40      -- templates inside variables inside templates
local CACHE_MAX = 20000   -- compiled texts

local runtime = { memo = {}, evaluating = {}, trail = {}, depth = 0 }
compiler.runtime = runtime
local position = compiler.position

-- trim_blocks as Ansible sets it, for files
local settings = { trim_blocks = true, lstrip_blocks = false }
-- and for texts of playbooks, inventories and variables: "{{ x | regex_replace('(a)', '\\1') }}" needs no second backslash there
local text_settings = { trim_blocks = true, lstrip_blocks = false, keeps_backslashes = true }

local texts, keep_text = cache(CACHE_MAX)
local expressions, keep_expression = cache(CACHE_MAX)

local frames = {}

local function tree_of(text, with)
	if text:find("\r", 1, true) then
		text = text:gsub("\r\n?", "\n")
	end
	return parser.template(text:byte(-1) == 10 and text:sub(1, -2) or text, with)
end

local function ending_newlines(text)
	local at = #text
	while at > 0 and text:byte(at) == 10 do
		at = at - 1
	end
	return #text - at
end

-- What compile gives for a text. It takes so long for each byte, so its instructions need not be counted.
local COMPILE_COST = 50

local function uncounted(compile, text, with)
	native.charge(#text * COMPILE_COST)
	local watched = native.watch(false)
	local compiled = compile(text, with)
	native.watch(watched)
	return compiled
end

local override_names = { trim_blocks = "trim_blocks", lstrip_blocks = "lstrip_blocks", newline_sequence = "newline",
	block_start_string = "block_start", block_end_string = "block_end", variable_start_string = "variable_start",
	variable_end_string = "variable_end", comment_start_string = "comment_start", comment_end_string = "comment_end" }

-- The settings that a template's first line may have ("#jinja2: trim_blocks:False, lstrip_blocks:True"), over those given; and
-- the text behind it.
local function overridden(text, with)
	local line, rest = text:match("^#jinja2:([^\n]*)\n?(.*)$")
	if not line then
		return text, with
	end
	local own = {}
	for name, value in pairs(with) do
		own[name] = value
	end
	for pair in line:gmatch("[^,]+") do
		local name, written = pair:match("^%s*([%w_]+)%s*:%s*(.-)%s*$")
		if not name then
			values.fail("failed to parse jinja2 override '%s': a name, a colon and a value are needed", pair)
		elseif not override_names[name] then
			values.fail("there is no setting '%s' for jinja2", name)
		end
		local value = compiler.expression(parser.expression(written))({})
		own[override_names[name]] = value
	end
	own.first_line = (own.first_line or 1) + 1
	return rest, own
end

local function compile_text(text, with)
	local tree = tree_of(text, with)
	local only = #tree.body == 1 and tree.body[1]
	if only and only.kind == "output" and text:sub(-1) ~= "\n" then
		local run, reads = compiler.expression(only.value)
		return { single = run, reads = reads, line = only.line }
	end
	local unit = statements.unit(tree)
	local newlines = ending_newlines(text)
	local many_lines = with.first_line ~= nil or text:find("\n.*{[{%%]") ~= nil
	return {
		reads = unit.reads,
		run = function()
			local line, showing = position.line, runtime.showing
			runtime.showing = many_lines
			local out = statements.render(unit)
			position.line, runtime.showing = line, showing
			-- as Ansible does: the result ends with at least as many newlines as the template
			local missing = newlines - ending_newlines(out)
			return missing > 0 and out .. (with.newline or "\n"):rep(missing) or out
		end,
	}
end

function template.compile_text(text, with)
	return uncounted(compile_text, text, with)
end

-- The settings of the file that is being rendered, which those that it names share; false: Ansible's for any text.
local file_settings = false

-- Settings for the file at a path, and a key for what is compiled with them.
local function settings_for(path, given)
	local with, key = { first_line = lexer.file(path) }, { path }
	for name, value in pairs(given) do
		with[name] = value
		key[#key + 1] = name .. "=" .. tostring(value)
	end
	table.sort(key)
	return with, table.concat(key, "\0")
end

local units = {}

-- A template that another one names; nil if there is no such file.
function statements.load(name)
	local text, path = native.read_template(name, runtime.template_name)
	if not text then
		return nil
	end
	local with, key = settings_for(path, file_settings or settings)
	key = key .. "\0" .. text
	local unit = units[key]
	if not unit then
		unit = uncounted(function() return statements.unit(tree_of(text, with)) end, text)
		units[key] = unit
	end
	return unit
end

local function compiled_text(text)
	return texts[text] or keep_text(text, template.compile_text(overridden(text, text_settings)))
end

local function compile_expression(text)
	local run, reads = compiler.expression(parser.expression(text))
	return { single = run, reads = reads }
end

local function compiled_expression(text)
	return expressions[text] or keep_expression(text, uncounted(compile_expression, text))
end

local function evaluate(text)
	local compiled = texts[text] or compiled_text(text)
	local depth = runtime.depth + 1
	if depth > DEPTH_MAX then
		values.fail("templates in variables refer to each other more than %d levels deep; does one refer to itself?", DEPTH_MAX)
	end
	runtime.depth = depth
	local watched = native.watch(true)
	local single = compiled.single
	local value
	if single then
		value = single({})
	else
		value = compiled.run()
	end
	if not watched then
		native.watch(false)
	end
	runtime.depth = depth - 1
	return value
end
values.evaluate = evaluate

function runtime.lookup(name)
	local trail = runtime.trail
	if runtime.evaluating[name] then
		values.fail("the variable '%s' refers to itself (%s)", name, table.concat(trail, " -> ") .. " -> " .. name)
	end
	local found, value, pending, secret = native.find(name)
	if not found then
		value = globals[name]
		if value ~= nil then
			return value
		end
		local missing = values.undefined(string.format("'%s' is undefined", name), name, native.nearest_variable(name))
		missing.path = name
		return missing
	end
	if pending then
		runtime.evaluating[name] = true
		trail[#trail + 1] = name
		value = values.adopt(value, pending)
		trail[#trail] = nil
		runtime.evaluating[name] = nil
	end
	if secret then
		native.keep_secret(value)
	end
	runtime.memo[name] = value
	return value
end

-- Forgets what the last evaluation read.
function template.start()
	runtime.memo = {}
	runtime.showing = false
	runtime.depth = 0
	runtime.template_name = nil
	file_settings = false
	if next(runtime.evaluating) or #runtime.trail > 0 then
		runtime.evaluating = {}
		runtime.trail = {}
	end
	statements.start()
	values.reset()
end

local settle = values.settle

function template.render(text)
	return settle(evaluate(text))
end

function template.expression(text)
	return settle(compiled_expression(text).single(frames))
end

-- Where a quoted text that begins at `from` ends: the place of its closing quote.
local function quote_end(text, from)
	local quote, at = text:sub(from, from), from + 1
	while at <= #text and text:sub(at, at) ~= quote do
		at = at + (text:sub(at, at) == "\\" and 2 or 1)
	end
	return at
end

-- The place of the }} that ends the {{ before `from`.
local function braces_end(text, from)
	local at = from
	while at <= #text do
		local sign = text:sub(at, at)
		if sign == "'" or sign == '"' then
			at = quote_end(text, at)
		elseif text:sub(at, at + 1) == "}}" then
			return at
		end
		at = at + 1
	end
	values.fail("there is no '}}' behind '{{' in the condition")
end

-- What stands between {{ and }} as an expression without them: its backslashes are themselves there, and escapes here.
local function bare(inside)
	return (inside:gsub("\\(.)", function(letter)
		return (letter == "'" or letter == '"') and "\\" .. letter or letter == "\\" and "\\\\\\\\" or "\\\\" .. letter
	end))
end

-- "'a {{ b }}'" as "('a ' ~ (b) ~ '')"
local function joined(quoted)
	local quote, out, at = quoted:sub(1, 1), {}, 1
	while true do
		local open = quoted:find("{{", at, true)
		if not open then
			break
		end
		local close = braces_end(quoted, open + 2)
		out[#out + 1] = quoted:sub(at, open - 1) .. quote .. " ~ (" .. bare(quoted:sub(open + 2, close - 1)) .. ") ~ " .. quote
		at = close + 2
	end
	return "(" .. table.concat(out) .. quoted:sub(at) .. ")"
end

-- A condition with braces in it is the expression that it would be without them, and what they give is a value, not read again.
local function without_braces(text)
	if not text:find("{[{%%]") then
		return text
	end
	local only = text:match("^%s*{{(.*)}}%s*$")
	if only and not only:find("{{", 1, true) then
		return bare(only)
	end
	local out, at = {}, 1
	while at <= #text do
		local sign, last = text:sub(at, at), at
		if sign == "'" or sign == '"' then
			last = quote_end(text, at)
			local quoted = text:sub(at, last)
			out[#out + 1] = quoted:find("{{", 1, true) and joined(quoted) or quoted
		elseif text:sub(at, at + 1) == "{{" then
			last = braces_end(text, at + 2) + 1
			out[#out + 1] = "(" .. bare(text:sub(at + 2, last - 2)) .. ")"
		elseif text:sub(at, at + 1) == "{%" then
			values.fail("a condition is an expression, without {%% %%}")
		else
			out[#out + 1] = sign
		end
		at = last + 1
	end
	return table.concat(out)
end

function template.condition(text)
	text = without_braces(text)
	return values.truth((expressions[text] or compiled_expression(text)).single(frames))
end

local function text_of(compiled)
	if not compiled.single then
		return compiled.run()
	end
	local line, showing = position.line, runtime.showing
	position.line, runtime.showing = compiled.line, true
	local value = compiled.single({})
	value = value == values.null and "" or values.text(values.defined(value))
	position.line, runtime.showing = line, showing
	return value
end

local function compiled_file(text, path, given)
	local with, key = settings_for(path, given)
	key = key .. "\0" .. text
	return texts[key] or keep_text(key, template.compile_text(overridden(text, with)))
end

-- The text that a file's content gives.
function runtime.render_file(text, path, given)
	local compiled = compiled_file(text, path, given or file_settings or settings)
	local outer, outer_name = file_settings, runtime.template_name
	file_settings, runtime.template_name = given or file_settings, path
	local out = text_of(compiled)
	file_settings, runtime.template_name = outer, outer_name
	return out
end

-- The same with marks of its own, seen by variables that hide others while it lasts. as_value: one expression keeps its type.
function runtime.render_with(text, path, marks, variables, as_value)
	local given = {}
	for _, from in ipairs({ file_settings or settings, marks }) do
		for name, value in pairs(from) do
			given[name] = value
		end
	end
	local memo = runtime.memo
	runtime.memo = variables
	local out
	if as_value then
		local compiled = template.compile_text(text:gsub("\n+$", ""), (settings_for(path, given)))
		out = compiled.single and values.defined(compiled.single({}))
	end
	if not as_value or out == nil then
		out = runtime.render_file(text, path, given)
	end
	runtime.memo = memo
	return out
end

-- pcall after which what an error has left half done is as it was.
function runtime.protect(call, ...)
	local memo, depth, name, settings_here, trail, evaluating = runtime.memo, runtime.depth, runtime.template_name, file_settings, {}, {}
	table.move(runtime.trail, 1, #runtime.trail, 1, trail)
	for each, value in pairs(runtime.evaluating) do
		evaluating[each] = value
	end
	local good, found = pcall(call, ...)
	if not good then
		runtime.memo, runtime.depth, runtime.template_name, file_settings = memo, depth, name, settings_here
		runtime.trail, runtime.evaluating = trail, evaluating
	end
	return good, found
end

-- Calls with what only the check before the run looks at.
local function checking(call, ...)
	compiler.checking = true
	local good, why = pcall(call, ...)
	compiler.checking = false
	if not good then
		error(why, 0)
	end
end

-- Compiles what a file holds, without running it.
local function file_given(trim_blocks, lstrip_blocks, newline, marks)
	local given = { trim_blocks = trim_blocks, lstrip_blocks = lstrip_blocks, newline = newline }
	for name, mark in pairs(marks) do
		given[name] = mark
	end
	return given
end

function template.check_file(path, text, trim_blocks, lstrip_blocks, newline, marks)
	checking(compiled_file, text, path, file_given(trim_blocks, lstrip_blocks, newline, marks))
end

function template.file(path, text, trim_blocks, lstrip_blocks, newline, marks)
	return runtime.render_file(text, path, file_given(trim_blocks, lstrip_blocks, newline, marks))
end

local function compiled_as(text, is_expression)
	if is_expression then
		return compiled_expression(without_braces(text))
	end
	return compiled_text(text)
end

function template.check(text, is_expression)
	checking(compiled_as, text, is_expression)
end

-- The names that it reads, sorted, without those of global functions.
function template.names(text, is_expression)
	local names = {}
	for name in pairs(compiled_as(text, is_expression).reads) do
		if globals[name] == nil then
			names[#names + 1] = name
		end
	end
	table.sort(names)
	return names
end

local function methods_of(kind)
	return values.methods[kind] or values.fail("there is no type '%s'", kind)
end

-- The names of all filters ("filter"), tests ("test") or methods of a type ("str"), sorted, and how many arguments each takes.
function template.definitions(what)
	local registry = what == "filter" and compiler.filters or what == "test" and compiler.tests or methods_of(what)
	local names, counts = values.names_of(registry), {}
	for i, name in ipairs(names) do
		counts[i] = #registry[name].parameters + (registry[name].rest and 3 or 0)
	end
	return names, counts
end

-- Where the evaluation failed: the line of a template with several, the variables that were being evaluated.
function template.trail()
	local parts = {}
	if runtime.showing and position.line then
		parts[1] = lexer.place(position.line, true)
	end
	if #runtime.trail > 0 then
		parts[#parts + 1] = "in the variable '" .. table.concat(runtime.trail, "' -> '") .. "'"
	end
	return table.concat(parts, ": ")
end

return template

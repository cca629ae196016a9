-- The statements of templates to closures.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local null, text, defined, is_undefined = values.null, values.text, values.defined, values.is_undefined
local compile, expression = compiler.compile, compiler.expression_node
local fail = values.fail

local statements = {}
local OUTPUT_MAX = 64 * 1024 * 1024

-- The output of the running evaluation: pieces of text.
local out = {}
local bytes = 0

function statements.start()
	out = {}
	bytes = 0
end

local function write(piece)
	bytes = bytes + #piece
	if bytes > OUTPUT_MAX then
		fail("the result is longer than %d MB", OUTPUT_MAX >> 20)
	end
	out[#out + 1] = piece
end

-- Runs what writes and returns the text instead.
local function captured(run, frame)
	local outer = out
	out = {}
	local signal = run(frame)
	local result = table.concat(out)
	out = outer
	return result, signal
end

local function printed(value)
	if type(value) == "string" then
		return value
	elseif value == null then
		return ""
	end
	return text(defined(value))
end
statements.printed = printed

local function sequence(nodes, scope)
	local runs = {}
	for i, node in ipairs(nodes) do
		runs[i] = expression(node, scope)
	end
	local count = #runs
	if count == 1 then
		return runs[1]
	end
	return function(frame)
		for i = 1, count do
			local signal = runs[i](frame)
			if signal then
				return signal
			end
		end
	end
end
statements.sequence = sequence

function compile.text(node)
	local piece = node.text
	return function()
		write(piece)
	end
end

function compile.output(node, scope)
	local value = expression(node.value, scope)
	return function(frame)
		write(printed(value(frame)))
	end
end

-- A whole template: { run = function(frame), reads = names }
function statements.unit(tree)
	local unit = { reads = {}, blocks = {} }
	local scope = { names = {}, own = {}, fn = compiler.new_function(nil), template = unit }
	unit.scope = scope
	unit.run = sequence(tree.body, scope)
	return unit
end

function statements.render(unit, locals)
	return (captured(unit.run, { locals = locals }))
end

statements.captured = captured
return statements

-- The statements of templates to closures, and the way templates include, import and extend one another.
--
-- A unit is a compiled template: { run = function(frame), blocks = by name, reads = names }. While it renders, frame.state
-- holds what its parts share: exports (names bound at the top level), blocks (for each name its definitions, the most
-- derived first), parent (the unit that 'extends' named).

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local inline = import("jinja/inline.lua")

local text, defined, truth = values.text, values.defined, values.truth
local compile, expression = compiler.compile, compiler.expression_node
local declare, new_scope = compiler.declare, compiler.new_scope
local fail = values.fail

local statements = {
	load = nil, -- set by template.lua: function(name) -> unit or nil
}
local CALLS_MAX = 200 -- macros and recursive loops inside each other
local CALL_COST = 50 -- instructions that a call of one is charged, beyond those that are counted

local output = inline.output
local write, mark, take, cut = output.write, output.mark, output.take, output.cut
local calls = 0
local position = compiler.position

function statements.start()
	output.start()
	calls = 0
	position.line = false
end

-- Runs what writes and returns the text instead.
local function captured(run, frame)
	local from = mark()
	run(frame)
	return take(from)
end

local function entered(name)
	calls = calls + 1
	native.charge(CALL_COST)
	if calls > CALLS_MAX then
		fail("%s calls itself more than %d times inside itself", name, CALLS_MAX)
	end
end

local function left()
	calls = calls - 1
end

local function nothing() end

local function sequence(nodes, scope)
	local runs = {}
	for i, node in ipairs(nodes) do
		runs[i] = expression(node, scope)
	end
	local count = #runs
	if count == 0 then
		return nothing
	elseif count == 1 then
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

inline.sequence = sequence

local function inner_frame(frame)
	return { up = frame, locals = frame.locals, state = frame.state }
end

-- Text and output

function compile.text(node)
	local piece = node.text
	return function()
		write(piece)
	end
end

function compile.output(node, scope)
	local value, line = expression(node.value, scope), node.line
	return function(frame)
		position.line = line
		write(value(frame))
	end
end

compile["do"] = function(node, scope)
	local value, line = expression(node.value, scope), node.line
	return function(frame)
		position.line = line
		value(frame)
	end
end

-- Assignment

-- A function(frame, value) that binds the target's names in the scope.
local function binder(target, scope)
	if target.kind == "name" then
		local slot, name = declare(scope, target.name), target.name
		if scope.top then
			return function(frame, value)
				frame[slot] = value
				frame.state.exports[name] = value
			end
		end
		return function(frame, value)
			frame[slot] = value
		end
	elseif target.kind == "member" then
		local object = compiler.name_reader(scope, target.name)
		return function(frame, value)
			local namespace = object(frame)
			if values.kind(defined(namespace)) ~= "namespace" then
				fail("'%s' is not a namespace, so '%s.%s' cannot be set", target.name, target.name, target.member)
			end
			values.dict_set(namespace.members, target.member, value)
		end
	end
	local binders = {}
	for i, item in ipairs(target.items) do
		binders[i] = binder(item, scope)
	end
	return function(frame, value)
		local elements = values.elements(value)
		if #elements ~= #binders then
			fail("%s values to unpack (%d are there, %d are needed)", #elements > #binders and "too many" or "not enough", #elements, #binders)
		end
		for i = 1, #binders do
			binders[i](frame, elements[i])
		end
	end
end

function compile.set(node, scope)
	local value, line = expression(node.value, scope), node.line
	local bind = binder(node.target, scope)
	return function(frame)
		position.line = line
		bind(frame, value(frame))
	end
end

function compile.set_block(node, scope)
	local body = sequence(node.body, new_scope(scope))
	local filters = node.filters and expression(node.filters, scope)
	local bind = binder(node.target, scope)
	return function(frame)
		local result = captured(body, frame)
		if filters then
			frame.body = result
			result = filters(frame)
		end
		bind(frame, result)
	end
end

function compile.filter_block(node, scope)
	local body = sequence(node.body, new_scope(scope))
	local filters = expression(node.filters, scope)
	return function(frame)
		frame.body = captured(body, frame)
		write(filters(frame))
	end
end

compile["with"] = function(node, scope)
	local inside = new_scope(scope)
	local given, binders = {}, {}
	for i, value in ipairs(node.values) do
		given[i] = expression(value, scope)
	end
	for i, target in ipairs(node.targets) do
		binders[i] = binder(target, inside)
	end
	local body = sequence(node.body, inside)
	return function(frame)
		local results = {}
		for i = 1, #given do
			results[i] = given[i](frame)
		end
		for i = 1, #binders do
			binders[i](frame, results[i])
		end
		return body(frame)
	end
end

-- Conditions and loops

compile["if"] = function(node, scope)
	local conditions, bodies, lines = {}, {}, {}
	for i, branch in ipairs(node.branches) do
		conditions[i] = branch.condition and expression(branch.condition, scope) or false
		bodies[i] = sequence(branch.body, scope)
		lines[i] = branch.line
	end
	local count_of = #bodies
	local first, body, line, second = conditions[1], bodies[1], lines[1], bodies[2] or nothing
	if count_of == 1 or count_of == 2 and not conditions[2] then
		return function(frame)
			position.line = line
			local value = first(frame)
			if value == true or value ~= false and truth(value) then
				return body(frame)
			end
			return second(frame)
		end
	end
	return function(frame)
		for i = 1, count_of do
			position.line = lines[i]
			if not conditions[i] or truth(conditions[i](frame)) then
				return bodies[i](frame)
			end
		end
	end
end

compile["break"] = function()
	return function()
		return "break"
	end
end

compile["continue"] = function()
	return function()
		return "continue"
	end
end

local loop_meta = { __metatable = "loop" }

local function neighbour(loop, step, missing)
	local item = loop.items[loop.at + step]
	if item == nil then
		return values.undefined(missing)
	end
	return item
end

local loop_members = {
	index = function(loop) return loop.at end,
	index0 = function(loop) return loop.at - 1 end,
	revindex = function(loop) return #loop.items - loop.at + 1 end,
	revindex0 = function(loop) return #loop.items - loop.at end,
	first = function(loop) return loop.at == 1 end,
	last = function(loop) return loop.at == #loop.items end,
	length = function(loop) return #loop.items end,
	depth = function(loop) return loop.level end,
	depth0 = function(loop) return loop.level - 1 end,
	previtem = function(loop) return neighbour(loop, -1, "there is no previous item") end,
	nextitem = function(loop) return neighbour(loop, 1, "there is no next item") end,
	cycle = function(loop)
		return values.callable("cycle", function(arguments)
			if #arguments == 0 then
				fail("loop.cycle needs at least one value")
			end
			return arguments[(loop.at - 1) % #arguments + 1]
		end)
	end,
	changed = function(loop)
		return values.callable("changed", function(arguments)
			local now = values.tuple(arguments)
			if loop.last_changed and values.equal(loop.last_changed, now) then
				return false
			end
			loop.last_changed = now
			return true
		end)
	end,
}

function values.loop_attribute(loop, name)
	local member = loop_members[name]
	return member and member(loop)
end

local INLINED_FROM = 16 -- items for which it is worth to make a source of the body
local ITEM_COST = 10    -- instructions that an item is charged

-- The slots of a loop's names in a scope; its condition does not know "loop" yet.
local function loop_slots(target, scope, in_condition)
	local slots = { bind = binder(target, scope), item = target.kind == "name" and scope.names[target.name] }
	slots.loop = not in_condition and declare(scope, "loop")
	slots.kept = #scope.own
	return slots
end

inline.binder = binder

function inline.loop_scope(node, scope)
	local inside = new_scope(scope)
	return inside, loop_slots(node.target, inside)
end

-- A function(frame, elements) that gives those for which the loop's own condition holds.
local function selection(node, scope)
	local slots = loop_slots(node.target, scope, true)
	local bind, condition, inlined = slots.bind, expression(node.condition, scope), nil
	return function(frame, items)
		local kept = {}
		if #items >= INLINED_FROM then
			inlined = inlined or inline.loop({ { kind = "keep", condition = node.condition } }, scope, slots)
			inlined(frame, { kept = kept, count = 0 }, items)
			return kept
		end
		for i = 1, #items do
			bind(frame, items[i])
			if truth(condition(frame)) then
				kept[#kept + 1] = items[i]
			end
		end
		return kept
	end
end

-- A function(frame, loop) that runs the body for each item of loop.
local function loop_runner(node, inside)
	local slots = loop_slots(node.target, inside)
	local body = sequence(node.body, inside)
	local own, loop_slot, slot, bind, kept = inside.own, slots.loop, slots.item, slots.bind, slots.kept
	local inlined
	return function(frame, loop)
		local items = loop.items
		if #items >= INLINED_FROM and not node.recursive then
			inlined = inlined or inline.loop(node.body, inside, slots)
			return inlined(frame, loop, items)
		end
		for i = 1, #items do
			for k = kept + 1, #own do
				frame[own[k]] = nil
			end
			loop.at = i
			frame[loop_slot] = loop
			if slot then
				frame[slot] = items[i]
			else
				bind(frame, items[i])
			end
			if body(frame) == "break" then
				break
			end
		end
		native.charge(#items * ITEM_COST)
	end
end

local function not_recursive()
	fail("the loop is not marked as recursive")
end

local function new_loop(items, level)
	return setmetatable({ items = items, at = 0, level = level or 1, call = not_recursive }, loop_meta)
end
inline.new_loop = new_loop

compile["for"] = function(node, scope)
	local items = expression(node.items, scope)
	local fn = node.recursive and compiler.new_function(scope.fn) or scope.fn
	local inside = new_scope(scope, fn)
	local select = node.condition and selection(node, new_scope(scope, fn))
	local run = loop_runner(node, inside)
	local otherwise = node.otherwise and sequence(node.otherwise, new_scope(scope))
	local line = node.line

	local function iterate(frame, elements, level)
		local at = node.recursive and inner_frame(frame) or frame
		if select then
			elements = select(at, elements)
		end
		if #elements == 0 then
			return otherwise and otherwise(frame)
		end
		local loop = new_loop(elements, level)
		if node.recursive then
			loop.call = function(arguments)
				entered("the loop")
				local result = captured(function()
					iterate(frame, values.elements(arguments[1]), level + 1)
				end)
				left()
				return result
			end
		end
		run(at, loop)
	end
	return function(frame)
		position.line = line
		local over = items(frame)
		local elements = values.elements(over)
		if node.target.kind == "tuple" and values.kind(over) == "dict" and #elements > 0 and #values.elements(elements[1]) ~= #node.target.items then
			error({ text = "a loop over a dictionary gives its keys, which are not " .. #node.target.items .. " values each",
				hint = "for keys and values, loop over its items()" }, 0)
		end
		iterate(frame, elements, 1)
	end
end

-- Macros

local function too_many(name, count)
	fail("the macro '%s' takes at most %d argument%s", name, count, count == 1 and "" or "s")
end

-- A function(frame) that makes the callable for parameters and a body; frame is the one around it.
local function macro_maker(name, node, scope)
	local inside = new_scope(scope, compiler.new_function(scope.fn))
	local slots, defaults, names = {}, {}, {}
	for i, parameter in ipairs(node.parameters) do
		names[i] = parameter.name
		slots[i] = declare(inside, parameter.name)
		defaults[i] = parameter.default and expression(parameter.default, inside) or false
	end
	local varargs, kwargs, caller = declare(inside, "varargs"), declare(inside, "kwargs"), declare(inside, "caller")
	local body = sequence(node.body, inside)
	local used = inside.used or {}

	local function bind_rest(frame, arguments, keywords)
		if used.varargs then
			frame[varargs] = values.tuple(table.move(arguments, #slots + 1, #arguments, 1, {}))
		elseif #arguments > #slots then
			too_many(name, #slots)
		end
		local rest = used.kwargs and values.dict()
		for key, value in pairs(keywords) do
			if key == "caller" then
				frame[caller] = value
			elseif used.kwargs then
				values.dict_set(rest, key, value)
			else
				fail("the macro '%s' has no argument '%s'", name, key)
			end
		end
		frame[kwargs] = rest or nil
	end
	local title = "the macro '" .. name .. "'"

	return function(outer)
		return values.callable(name, function(arguments, keywords)
			entered(title)
			local frame = inner_frame(outer)
			local more = keywords and values.dict() or {}
			for key, value in pairs(keywords or {}) do
				more[key] = value
			end
			for i = 1, #slots do
				local value = arguments[i]
				if more[names[i]] ~= nil then
					value = more[names[i]]
					more[names[i]] = nil
				end
				frame[slots[i]] = value
			end
			bind_rest(frame, arguments, more)
			for i = 1, #slots do
				if frame[slots[i]] == nil then
					frame[slots[i]] = defaults[i] and defaults[i](frame)
						or not defaults[i] and values.undefined(string.format("the parameter '%s' of the macro '%s' was not given", names[i], name), names[i])
				end
			end
			local result = captured(body, frame)
			left()
			return result
		end, { members = { name = name, arguments = values.tuple(names), caller = used.caller ~= nil, catch_kwargs = used.kwargs ~= nil,
			catch_varargs = used.varargs ~= nil } })
	end
end

function compile.macro(node, scope)
	local bind = binder({ kind = "name", name = node.name }, scope)
	local make = macro_maker(node.name, node, scope)
	return function(frame)
		bind(frame, make(frame))
	end
end

function compile.call_block(node, scope)
	local make = macro_maker("caller", node, scope)
	local callee = expression(node.call.callee, scope)
	local arguments = compiler.call_arguments(node.call.arguments, scope)
	return function(frame)
		position.line = node.line
		local list, keywords = arguments(frame)
		keywords = keywords or values.dict()
		keywords.caller = make(frame)
		write(compiler.call(callee(frame), list, keywords))
	end
end

-- Templates in templates

local function merged(a, b)
	local both = {}
	for name, value in pairs(a or {}) do
		both[name] = value
	end
	for name, value in pairs(b or {}) do
		both[name] = value
	end
	return both
end

-- A function(frame) that gives the names bound around a place and their values.
local function visible_names(scope)
	local readers = {}
	local at = scope
	while at do
		for name in pairs(at.names) do
			readers[name] = readers[name] or compiler.name_reader(scope, name, true)
		end
		at = at.outer
	end
	return function(frame)
		local bound = merged(frame.locals)
		for name, reader in pairs(readers) do
			local value = reader(frame)
			if value ~= nil then
				bound[name] = value
			end
		end
		return bound
	end
end

local run_block

local function block_callable(name, state, locals, at)
	return values.callable(name, function()
		return captured(function()
			run_block(name, state, locals, at)
		end)
	end)
end

local function self_value(state, locals)
	local members = {}
	for name in pairs(state.blocks) do
		members[name] = block_callable(name, state, locals, 1)
	end
	return values.callable("self", nothing, { members = members })
end

run_block = function(name, state, locals, at)
	local block = state.blocks[name][at]
	entered("the block '" .. name .. "'")
	local frame = { locals = merged(locals, { super = state.blocks[name][at + 1] and block_callable(name, state, locals, at + 1)
		or values.undefined(string.format("there is no parent block '%s'", name)) }), state = state }
	if block.required and at == 1 then
		fail("the block '%s' must be overridden", name)
	end
	block.run(frame)
	left()
end

function compile.block(node, scope)
	local unit = scope.template
	local block_scope = { names = {}, own = {}, fn = compiler.new_function(nil), template = unit }
	unit.blocks[node.name] = { run = sequence(node.body, block_scope), required = node.required }
	local visible = node.scoped and visible_names(scope)
	local name = node.name
	return function(frame)
		local state = frame.state
		if state.parent then
			return
		end
		local locals = merged(merged(frame.locals, state.exports), visible and visible(frame))
		locals.self = self_value(state, locals)
		run_block(name, state, locals, 1)
	end
end

local function load_unit(name, ignore_missing)
	if values.is_sequence(name) then
		for i = 1, #name do
			local unit = load_unit(name[i], true)
			if unit then
				return unit
			end
		end
		name = values.repr(name)
	elseif type(name) ~= "string" then
		defined(name)
		fail("the name of a template must be a string, not a value of type %s", values.type_name(name))
	else
		local unit = statements.load(name)
		if unit then
			return unit
		end
	end
	if not ignore_missing then
		fail("there is no template %s", name)
	end
end

-- Runs a unit and the units that it extends; writes to the output.
local function run_unit(unit, locals, state)
	entered("a template")
	for name, block in pairs(unit.blocks) do
		state.blocks[name] = state.blocks[name] or {}
		table.insert(state.blocks[name], block)
	end
	if next(unit.blocks) then
		locals = merged(locals)
		locals.self = self_value(state, locals)
	end
	unit.run({ locals = locals, state = state })
	local parent = state.parent
	if parent then
		cut(state.shown) -- what stands outside of blocks is not shown
		state.parent = nil
		run_unit(parent, merged(locals, state.exports), state)
	end
	left()
end

local function new_state()
	return { exports = {}, blocks = {} }
end

function compile.extends(node, scope)
	local name = expression(node.template, scope)
	return function(frame)
		position.line = node.line
		if frame.state.parent then
			fail("a template can extend only one other")
		end
		frame.state.parent = load_unit(name(frame))
		frame.state.shown = mark()
	end
end

function compile.include(node, scope)
	local name = expression(node.template, scope)
	local visible = node.with_context and visible_names(scope)
	return function(frame)
		position.line = node.line
		local unit = load_unit(name(frame), node.ignore_missing)
		if unit then
			run_unit(unit, visible and visible(frame), new_state())
		end
	end
end

local function exports_of(unit, locals)
	local state = new_state()
	captured(function()
		run_unit(unit, locals, state)
	end)
	return state.exports
end

compile["import"] = function(node, scope)
	local name = expression(node.template, scope)
	local visible = node.with_context and visible_names(scope)
	local bind = binder({ kind = "name", name = node.name }, scope)
	return function(frame)
		position.line = node.line
		local members = values.dict()
		for key, value in pairs(exports_of(load_unit(name(frame)), visible and visible(frame))) do
			values.dict_set(members, key, value)
		end
		bind(frame, values.namespace(members))
	end
end

function compile.from(node, scope)
	local name = expression(node.template, scope)
	local visible = node.with_context and visible_names(scope)
	local binders = {}
	for i, import in ipairs(node.names) do
		binders[i] = binder({ kind = "name", name = import.as }, scope)
	end
	return function(frame)
		position.line = node.line
		local template_name = name(frame)
		local exports = exports_of(load_unit(template_name), visible and visible(frame))
		for i, import in ipairs(node.names) do
			local value = exports[import.name]
			if value == nil then
				local names = values.names_of(exports)
				value = values.undefined(string.format("the template %s has no '%s'", text(template_name), import.name), import.name,
					native.nearest(import.name, names))
			end
			binders[i](frame, value)
		end
	end
end

-- Units

function statements.unit(tree)
	local unit = { reads = {}, blocks = {} }
	local scope = { names = {}, own = {}, fn = compiler.new_function(nil), template = unit, top = true }
	unit.run = sequence(tree.body, scope)
	return unit
end

function statements.render(unit)
	return captured(function()
		run_unit(unit, nil, new_state())
	end)
end

return statements

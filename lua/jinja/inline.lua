-- The body of a loop as one function. What a template does for each of many items is not a call for each node of its tree: it
-- is written as a source of Lua, in which the usual nodes stand for themselves and all others are calls of their closures.
--
-- A source has no text of a template in it but quoted names of members; values and functions are its holes: h1, h2, ... While
-- it runs, its instructions are not counted (see native.watch): each item is charged by the size of the body. Filters, tests and
-- methods that take so long as their values are large are charged by that where they are small (native.small); counting is on
-- during each other call.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local inline = {
	output = native.output(values.text),
	-- set by statements.lua:
	sequence = nil,   -- function(nodes, scope) -> function(frame)
	loop_scope = nil, -- function(node, scope) -> the scope of a loop's body, its slots
	new_loop = nil,   -- function(items) -> the object "loop"
	binder = nil,     -- function(target, scope) -> function(frame, value)
}

local HOLES_MAX = 120  -- more, and the rest of a body is closures
local PIECES_MAX = 20  -- that are written at once
local NODE_COST = 10   -- instructions that a node is charged for each item
local CHARGED_AT = 2000
local LOOPS_MAX = 5    -- inside of each other in one source

local function names_of(text)
	local names = {}
	for name in text:gmatch("%S+") do
		names[name] = true
	end
	return names
end

-- Filters and tests whose work is at most in proportion to the size of their value and arguments, or is charged by themselves.
local linear_filters = names_of("abs b64decode b64encode capitalize center combine dict2items dictsort difference escape extract first flatten "
	.. "float forceescape hash human_readable human_to_bytes indent int intersect items items2dict join last list mandatory max md5 min path_join "
	.. "quote regex_escape regex_findall regex_replace regex_search reverse round sha1 sort split splitext striptags sum symmetric_difference title "
	.. "to_json tojson truncate type_debug union unique urlencode urlsplit wordcount zip")
local linear_tests = names_of("contains match regex search subset superset version")

local expressions, bodies = {}, {}

-- The source that is being made

local function emit(source, ...)
	source.lines[#source.lines + 1] = string.format(...)
end

-- The name of a hole for a value.
local function hole(source, value)
	local name = source.names[value]
	if not name or math.type(value) then -- 1 and 1.0 are one key of a table
		source.values[#source.values + 1] = value
		name = "h" .. #source.values
		source.names[value] = name
	end
	return name
end

local function variable(source)
	source.variables = source.variables + 1
	return "v" .. source.variables
end

local function at_line(source, line)
	if source.line ~= line then
		emit(source, "position.line = %s", math.type(line) == "integer" and tostring(line) or hole(source, line))
		source.line = line
	end
end

-- Expressions: each gives the name of a local or of a hole that has the value

local function call_closure(source, run)
	local name = variable(source)
	emit(source, "watch(true) local %s = %s(frame) watch(false)", name, hole(source, run))
	source.line = nil
	return name
end

local function expression(source, node, scope)
	source.size = source.size + 1
	local name = expressions[node.kind] and expressions[node.kind](source, node, scope)
	return name or call_closure(source, compiler.expression_node(node, scope))
end

function expressions.constant(source, node)
	return hole(source, node.value)
end

function expressions.name(source, node, scope)
	local read, slot = compiler.name_reader(scope, node.name)
	local name = variable(source)
	if slot and source.filled[slot] then
		emit(source, "local %s = frame[%d]", name, slot)
	elseif slot then
		emit(source, "local %s = frame[%d] if %s == nil then %s = %s(frame) end", name, slot, name, name, hole(source, read))
	else
		emit(source, "local %s = %s(frame)", name, hole(source, read))
	end
	return name
end

local of_loop = { index = "%s", index0 = "%s - 1", first = "%s == 1", last = "%s == #%s", revindex = "#%s - %s + 1",
	revindex0 = "#%s - %s", length = "#%s" }
local items_first = { revindex = true, revindex0 = true, length = true }

-- The member of a dictionary that has it needs no look at the dictionary's kind.
local function member(source, node, key, scope)
	local object = expression(source, node.object, scope)
	local name = variable(source)
	emit(source, "local %s if %s[SOURCE] or %s[ORDER] then %s = %s[%q] end if %s == nil then %s = %s(%s) end", name, object, object,
		name, object, key, name, name, hole(source, compiler.member_reader(node)), object)
	return name
end

-- name = a call that is watched if any of what it looks at is large. Its cost is charged with the item's.
local function call_by_size(source, name, call, looked_at)
	emit(source, "local cost = small(%s) if cost then spent = spent + cost %s = %s else watch(true) %s = %s watch(false) end",
		table.concat(looked_at, ", "), name, call, name, call)
end

-- The name of what such a call gives.
local function sized(source, call, looked_at)
	local name = variable(source)
	emit(source, "local %s do", name)
	call_by_size(source, name, call, looked_at)
	emit(source, "end")
	return name
end

-- The innermost loop of the source, if that is what "loop" means here.
local function own_loop(source, scope)
	local at = scope
	while at and not at.names.loop do
		at = at.outer
	end
	local loop = source.loops[#source.loops]
	return at and at.fn == scope.fn and at.names.loop == loop.slot and loop
end

function expressions.attribute(source, node, scope)
	local loop = node.object.kind == "name" and node.object.name == "loop" and of_loop[node.name] and own_loop(source, scope)
	if loop then
		local name = variable(source)
		local first, second = loop.at, loop.items
		if items_first[node.name] then
			first, second = second, first
		end
		emit(source, "local %s = " .. of_loop[node.name], name, first, second)
		return name
	end
	return member(source, node, node.name, scope)
end

function expressions.item(source, node, scope)
	if node.key.kind == "constant" and type(node.key.value) == "string" then
		return member(source, node, node.key.value, scope)
	elseif node.key.kind == "constant" then
		local object = expression(source, node.object, scope)
		return sized(source, ("%s(%s)"):format(hole(source, compiler.member_reader(node)), object), { object })
	end
end

-- A condition of Lua's for the truth of a value.
local function truth(name)
	return string.format("(%s == true or %s and truth(%s))", name, name, name)
end

expressions["not"] = function(source, node, scope)
	local operand, name = expression(source, node.operand, scope), variable(source)
	emit(source, "local %s = not %s", name, truth(operand))
	return name
end

-- name = the other operand, where the condition that is open holds.
local function otherwise(source, name, node, scope)
	local line = source.line
	local value = expression(source, node, scope)
	emit(source, "%s = %s end", name, value)
	source.line = source.line == line and line or nil
	return name
end

expressions["and"] = function(source, node, scope)
	local left, name = expression(source, node.left, scope), variable(source)
	emit(source, "local %s = %s if %s then", name, left, truth(left))
	return otherwise(source, name, node.right, scope)
end

expressions["or"] = function(source, node, scope)
	local left, name = expression(source, node.left, scope), variable(source)
	emit(source, "local %s = %s if not %s then", name, left, truth(left))
	return otherwise(source, name, node.right, scope)
end

function expressions.choice(source, node, scope)
	local condition, name = expression(source, node.condition, scope), variable(source)
	emit(source, "local %s if %s then", name, truth(condition))
	local line = source.line
	local yes = expression(source, node.yes, scope)
	emit(source, "%s = %s else", name, yes)
	source.line = source.line == line and line or nil
	local no = node.no and expression(source, node.no, scope) or hole(source, values.nothing) .. "()"
	emit(source, "%s = %s end", name, no)
	source.line = source.line == line and line or nil
	return name
end

-- name = the result of a function that needs no watching, of two operands.
local function of_two(source, operate, left, right)
	local name = variable(source)
	emit(source, "local %s = %s(%s, %s)", name, hole(source, operate), left, right)
	return name
end

function expressions.comparison(source, node, scope)
	local link = node.links[1]
	if #node.links > 1 then
		return nil
	end
	local left, right = expression(source, node.first, scope), expression(source, link.right, scope)
	if link.operator ~= "==" or link.right.kind ~= "constant" or type(link.right.value) ~= "string" then
		return of_two(source, compiler.comparisons[link.operator], left, right)
	end
	local name = variable(source)
	emit(source, "if %s[UNDEFINED] then defined(%s) end local %s = %s == %s", left, left, name, left, right)
	return name
end

-- With a number that is constant, the other operand is a number too, or it is an error.
function expressions.binary(source, node, scope)
	if node.operator == "*" or node.operator == "**" then
		return nil
	end
	local left, right = expression(source, node.left, scope), expression(source, node.right, scope)
	at_line(source, node.line)
	if node.operator ~= "%" and (node.left.kind == "constant" and math.type(node.left.value)
		or node.right.kind == "constant" and math.type(node.right.value)) then
		return of_two(source, compiler.operations[node.operator], left, right)
	end
	return sized(source, ("%s(%s, %s)"):format(hole(source, compiler.operations[node.operator]), left, right), { left, right })
end

-- What is made of items so few that they are written one by one; form: how, with %s for them.
local function written_out(source, node, scope, form)
	if #node.items > PIECES_MAX then
		return nil
	end
	local names = {}
	for i, item in ipairs(node.items) do
		names[i] = expression(source, item, scope)
	end
	local name = variable(source)
	emit(source, "local %s = " .. form, name, table.concat(names, ", "))
	return name
end

function expressions.list(source, node, scope)
	return written_out(source, node, scope, hole(source, values.list) .. "({ %s })")
end

function expressions.tuple(source, node, scope)
	return written_out(source, node, scope, hole(source, values.tuple) .. "({ %s })")
end

-- A function(frame, object, ...) for a call of a method whose arguments are given in order: what is small is not watched.
local function method_caller(node, scope)
	local name, held, line = node.callee.name, {}, node.line
	local function of_held(i)
		return { kind = "compiled", run = function() return held[i] end, line = line }
	end
	local arguments = { positional = {}, keywords = {} }
	for i = 1, #node.arguments.positional do
		arguments.positional[i] = of_held(i + 1)
	end
	local other = compiler.call_member({ callee = { object = of_held(1), name = name }, arguments = arguments, path = compiler.shown(node.callee), line = line }, scope)
	local function watched(frame, ...)
		held = { ... }
		native.watch(true)
		local result = other(frame)
		native.watch(false)
		return result
	end
	local linear_kinds, count = { str = true, dict = true, list = true, tuple = true }, #arguments.positional
	return function(frame, object, ...)
		local kind = values.kind(object)
		local definition = linear_kinds[kind] and values.methods[kind][name]
		if not definition or definition.has_more or definition.rest or count > #definition.parameters then
			return watched(frame, object, ...)
		end
		local cost = native.small(object, ...)
		if not cost then
			return watched(frame, object, ...)
		end
		local given = { ... }
		for i = 1, #definition.parameters do
			local parameter = definition.parameters[i]
			if i > count and definition.needs[parameter] then
				return watched(frame, object, ...)
			end
			given[i] = compiler.settled(definition, parameter, given[i], line)
		end
		native.charge(cost)
		return definition.run(object, table.unpack(given, 1, #definition.parameters))
	end
end

function expressions.call(source, node, scope)
	local arguments = node.arguments
	if node.callee.kind ~= "attribute" or arguments.star or arguments.star_star or #arguments.keywords > 0
		or #arguments.positional > PIECES_MAX then
		return nil
	end
	local names = { "frame", expression(source, node.callee.object, scope) }
	for _, argument in ipairs(arguments.positional) do
		names[#names + 1] = expression(source, argument, scope)
	end
	local name = variable(source)
	emit(source, "local %s = %s(%s)", name, hole(source, method_caller(node, scope)), table.concat(names, ", "))
	source.line = nil
	return name
end

function expressions.concat(source, node, scope)
	return written_out(source, node, scope, "join(%s)")
end

-- The node of the argument at a place of a definition.
local function argument_at(definition, arguments, place)
	if arguments.positional[place] then
		return arguments.positional[place]
	end
	for _, keyword in ipairs(arguments.keywords) do
		if keyword.name == definition.parameters[place] then
			return keyword.value
		end
	end
end

-- The arguments as they are passed, and the names of those whose size is not known; is_sized: what is done with them may take
-- longer for larger values.
local function written_arguments(source, node, scope, definition, places, count, constants)
	local given, looked_at, is_sized = { definition.has_more and "{}" or nil }, {}, false
	for i = 1, count do
		local argument = places[i] and constants[i] == nil and argument_at(definition, node.arguments, i)
		if argument then
			local name, settle = expression(source, argument, scope), compiler.settler(definition, i, argument.line)
			looked_at[#looked_at + 1] = name
			is_sized = is_sized or settle
			given[#given + 1] = settle and hole(source, settle) .. "(" .. name .. ")" or name
		else
			given[#given + 1] = constants[i] ~= nil and hole(source, constants[i]) or "nil"
		end
	end
	return given, looked_at, is_sized
end

-- A filter or a test whose work does not grow with its value (or is charged), or not faster than it.
local function applied(source, node, scope, definition, linear)
	local places, count, constants = nil, 0, nil
	if definition.light or linear[node.name] then
		places, count, constants = compiler.static_binding(definition, node.arguments, scope)
	end
	if not places then
		return nil
	end
	local object = expression(source, node.object, scope)
	local name = variable(source)
	emit(source, "local %s = %s", name, object)
	if not definition.takes_undefined then
		emit(source, "if %s[UNDEFINED] then %s = %s(%s) end", name, name, hole(source, values.defined_or_soft), name)
		if definition.light or node.kind == "filter" then
			at_line(source, node.line)
		end
	end
	local given, looked_at, is_sized = written_arguments(source, node, scope, definition, places, count, constants)
	table.insert(given, 1, name)
	table.insert(looked_at, 1, name)
	local call = hole(source, definition.run) .. "(" .. table.concat(given, ", ") .. ")"
	if definition.light and not is_sized then
		emit(source, "%s = %s", name, call)
	else
		emit(source, "do")
		call_by_size(source, name, call, looked_at)
		emit(source, "end")
	end
	return name
end

function expressions.filter(source, node, scope)
	return applied(source, node, scope, compiler.definition_of(compiler.filters, "filter", node), linear_filters)
end

function expressions.test(source, node, scope)
	local name = applied(source, node, scope, compiler.definition_of(compiler.tests, "test", node), linear_tests)
	if name then
		emit(source, "%s = %s", name, truth(name))
	end
	return name
end

-- Statements

local function body(source, nodes, scope)
	local pieces, count = {}, 0
	local function written()
		if count > 0 then
			emit(source, "write(%s)", table.concat(pieces, ", "))
			emit(source, "end")
			pieces, count = {}, 0
		end
	end
	for at, node in ipairs(nodes) do
		source.size = source.size + 1
		if #source.values > HOLES_MAX then
			written()
			bodies.other(source, inline.sequence(table.move(nodes, at, #nodes, 1, {}), scope))
			return
		elseif node.kind == "text" or node.kind == "output" then
			if count == 0 then
				emit(source, "do")
			end
			if node.kind == "output" then
				at_line(source, node.line)
			end
			count = count + 1
			pieces[count] = node.kind == "text" and hole(source, node.text) or expression(source, node.value, scope)
			if count == PIECES_MAX then
				written()
			end
		else
			written()
			if bodies[node.kind] then
				bodies[node.kind](source, node, scope)
			else
				bodies.other(source, compiler.expression_node(node, scope))
			end
		end
	end
	written()
end

-- A statement by its closure, which says whether the loop ends or goes on.
function bodies.other(source, run)
	emit(source, "do watch(true) local signal = %s(frame) watch(false)", hole(source, run))
	emit(source, "if signal == 'break' then break elseif signal then goto continue%d end end", #source.loops)
	source.line = nil
end

bodies["break"] = function(source)
	emit(source, "do break end")
end

bodies["continue"] = function(source)
	emit(source, "goto continue%d", #source.loops)
end

bodies["if"] = function(source, node, scope)
	local open = 0
	for _, branch in ipairs(node.branches) do
		if branch.condition then
			emit(source, "do")
			at_line(source, branch.line)
			emit(source, "if %s then", truth(expression(source, branch.condition, scope)))
			open = open + 1
		end
		local line = source.line
		body(source, branch.body, scope)
		source.line = line
		if branch.condition then
			emit(source, "else")
		end
	end
	emit(source, "%s", ("end end "):rep(open))
	source.line = nil
end

function bodies.set(source, node, scope)
	if node.target.kind == "member" then
		emit(source, "do")
		local value = expression(source, node.value, scope)
		at_line(source, node.line)
		emit(source, "%s(frame, %s) end", hole(source, inline.binder(node.target, scope)), value)
		return
	elseif node.target.kind ~= "name" or node.target.name == "loop" then
		return bodies.other(source, compiler.expression_node(node, scope))
	end
	emit(source, "do")
	at_line(source, node.line)
	local value = expression(source, node.value, scope)
	emit(source, "frame[%d] = %s end", compiler.declare(scope, node.target.name), value)
end

-- A condition that says which items are kept.
function bodies.keep(source, node, scope)
	emit(source, "do if %s then", truth(expression(source, node.condition, scope)))
	emit(source, "loop.count = loop.count + 1 loop.kept[loop.count] = items[i1] end end")
end

-- Loops

-- Writes the loop over a row of items. slots: of the object "loop" if there is one, of the item if the target is one name, or else
-- bind for what binds it; kept: how many of scope.own are the loop's, the others are empty for each item.
local function loop_over(source, nodes, scope, items, object, slots)
	local depth = #source.loops + 1
	local at, lines, size = "i" .. depth, source.lines, source.size
	local bind = not slots.item and hole(source, slots.bind)
	source.loops[depth] = { slot = slots.loop, at = at, items = items }
	source.lines, source.size = {}, 1
	if slots.item then
		source.filled[slots.item] = true
	end
	body(source, nodes, scope)
	local inside, cost = source.lines, source.size * NODE_COST
	source.loops[depth], source.lines, source.size = nil, lines, size
	emit(source, "for %s = 1, #%s do spent = spent + %d if spent > %d then charge(spent) spent = 0 end", at, items, cost, CHARGED_AT)
	for k = slots.kept + 1, #scope.own do
		emit(source, "frame[%d] = nil", scope.own[k])
	end
	if slots.loop then
		emit(source, "%s.at = %s frame[%d] = %s", object, at, slots.loop, object)
	end
	if bind then
		emit(source, "if small(%s[%s]) then %s(frame, %s[%s]) else watch(true) %s(frame, %s[%s]) watch(false) end", items, at, bind, items,
			at, bind, items, at)
	else
		emit(source, "frame[%d] = %s[%s]", slots.item, items, at)
	end
	table.move(inside, 1, #inside, #source.lines + 1, source.lines)
	emit(source, "::continue%d:: end", depth)
	source.line = nil
end

bodies["for"] = function(source, node, scope)
	if node.recursive or node.condition or node.otherwise or #source.loops >= LOOPS_MAX then
		return bodies.other(source, compiler.expression_node(node, scope))
	end
	emit(source, "do")
	at_line(source, node.line)
	local items = variable(source)
	emit(source, "local %s = %s(%s)", items, hole(source, values.elements), expression(source, node.items, scope))
	local inside, slots = inline.loop_scope(node, scope)
	local object = variable(source)
	emit(source, "local %s = %s(%s)", object, hole(source, inline.new_loop), items)
	loop_over(source, node.body, inside, items, object, slots)
	emit(source, "end")
end

local PARAMETERS = "position, SOURCE, ORDER, UNDEFINED, truth, defined, write, join, watch, charge, small"

-- A function(frame, loop, items) that runs a body for each item.
function inline.loop(nodes, scope, slots)
	local source = { lines = {}, values = {}, names = {}, variables = 0, size = 1, loops = {}, filled = {} }
	loop_over(source, nodes, scope, "items", "loop", slots)
	local inside = source.lines
	source.lines = {}
	local holes = {}
	for i = 1, #source.values do
		holes[i] = "h" .. i
	end
	-- sources of the engine alone are compiled: what comes from a template is in the holes, or quoted
	emit(source, "local %s = ...", table.concat({ PARAMETERS, table.unpack(holes) }, ", "))
	emit(source, "return function(frame, loop, items) local spent = 0 watch(false)")
	table.move(inside, 1, #inside, #source.lines + 1, source.lines)
	emit(source, "watch(true) charge(spent) end")
	return native.compile(table.concat(source.lines, "\n"))(compiler.position, native.source, native.order, native.undefined, values.truth,
		values.defined, inline.output.write, inline.output.join, native.watch, native.charge, native.small,
		table.unpack(source.values))
end

return inline

-- The tree to closures. Each expression becomes a function(frame) that returns its value; each statement one that adds to
-- the output and returns nothing, or "break" or "continue" inside loops.
--
-- Names that a template binds itself (set, for, macro parameters, with, import) live in numbered slots of the frame of
-- the function that binds them: the template, a macro, a call block, a block, the body of a recursive loop. frame.up is
-- the frame around it. A name without a slot, or whose slot is still empty, is looked up in frame.locals (what an
-- including template has bound) and then in the scope of the caller.

local values = import("jinja/values.lua")
local arithmetic = import("jinja/arithmetic.lua")
local lexer = import("jinja/lexer.lua")

local null = values.null
local ORDER, SOURCE = native.order, native.source
local truth, equal, less, defined = values.truth, values.equal, values.less, values.defined
local is_undefined = values.is_undefined
local fail = values.fail

local compiler = {
	filters = {},  -- name to definition; filled by the files of filters
	tests = {},
	runtime = nil, -- set by template.lua
	position = { line = false }, -- of what is being evaluated: a tag, an argument
}

-- Definitions: what a filter, a test, a method or a global function is. parameters names those behind the first value;
-- rest: further arguments are passed as they come; options: those that can only be given by name, which come as a table before
-- the others; keywords: unknown names come in it too.

-- Where the call stands whose arguments are bound while its template is compiled; nil at run time.
local binding_line

local function bind_error(definition, ...)
	local text = string.format(...)
	if binding_line then
		lexer.fail_with_hint(binding_line, nil, "%s: %s", definition.name, text)
	end
	fail("%s: %s", definition.name, text)
end

local INDENT_MAX = 1000

-- What an argument can be: in words, and a function that gives it as the definition wants it, or nil if it is something else.
local argument_types = {
	any = { "", function(v) return v end },
	bool = { "", truth },
	flag = { "", function(v) return values.flag(v) end },
	text = { "", function(v) return values.text(v) end },
	str = { "a string", function(v) return type(v) == "string" and v or nil end },
	int = { "an integer", function(v)
		return math.type(v) == "integer" and v or v == true and 1 or v == false and 0 or nil
	end },
	number = { "a number", function(v)
		return type(v) == "number" and v or v == true and 1 or v == false and 0 or nil
	end },
	indent = { "a number of blanks or a string", function(v)
		return type(v) == "string" and v or math.type(v) == "integer" and (" "):rep(math.max(0, math.min(v, INDENT_MAX)))
			or v == true and " " or v == false and "" or v == null and null or nil
	end },
	dict = { "a dictionary", function(v) return values.kind(v) == "dict" and v or nil end },
	items = { "a list", function(v)
		local k = values.kind(v)
		return (k == "list" or k == "tuple" or k == "dict" or k == "str") and v or nil
	end },
	attribute = { "the name of an attribute or its position", function(v)
		return (type(v) == "string" or math.type(v) == "integer") and v or nil
	end },
	strs = { "a string or a tuple of strings", function(v)
		for i = 1, values.is_sequence(v) and #v or 0 do
			if type(v[i]) ~= "string" then
				return nil
			end
		end
		return (type(v) == "string" or values.is_sequence(v)) and v or nil
	end },
}
for name, wanted in pairs(argument_types) do
	wanted.name = name
end
local SHOWN_MAX = 40

-- An argument in the words of a message. A long text is not shown in part: it may be a secret, which is masked as a whole.
local function shown_argument(v)
	local k = values.kind(v)
	if k == "str" and #v <= SHOWN_MAX or k == "int" or k == "float" or k == "bool" then
		return values.repr(v) .. " (" .. values.type_name(v) .. ")"
	elseif k == "none" then
		return "None"
	end
	return "a value of type " .. values.type_name(v)
end

-- Types to which None says something; to the others it says that an argument is left out.
local none_counts = { any = true, bool = true, text = true, indent = true }

-- The value of an argument as the definition wants it. "lazy" arguments may be undefined. line: where it is, if that is known.
local function settled(definition, name, value, line)
	local wanted = definition.types[name]
	if not wanted or value == nil then
		return value
	end
	if type(value) == "table" and getmetatable(value) == "undefined" then
		compiler.position.line = line or compiler.position.line
		value = value.soft and "" or values.raise_undefined(value)
	end
	if value == null and not definition.needs[name] and not none_counts[wanted.name] then
		return nil
	end
	local settled_value = wanted[2](value)
	if settled_value == nil then
		compiler.position.line = line or compiler.position.line
		bind_error(definition, "the argument '%s' must be %s, not %s", name, wanted[1], shown_argument(value))
	end
	return settled_value
end

-- The arguments in the order of the parameters, their number, and the table of further keywords.
local function bind(definition, arguments, keywords)
	local parameters = definition.parameters
	local bound, count = {}, #parameters
	if #arguments > count and not definition.rest then
		bind_error(definition, "it takes at most %d argument%s, not %d", count, count == 1 and "" or "s", #arguments)
	end
	for i = 1, #arguments do
		bound[i] = arguments[i]
	end
	count = math.max(count, #arguments)
	local more
	for name, value in pairs(keywords or {}) do
		local place
		for i = 1, #parameters do
			if parameters[i] == name then
				place = i
			end
		end
		if place then
			if bound[place] ~= nil then
				bind_error(definition, "the argument '%s' is given twice", name)
			end
			bound[place] = value
		elseif definition.keywords or definition.types[name] ~= nil then
			more = more or values.dict()
			more[name] = value
		else
			local hint = native.nearest(tostring(name), definition.names)
			bind_error(definition, "there is no argument '%s'%s", tostring(name), hint and " (" .. hint .. ")" or "")
		end
	end
	for i = 1, #parameters do
		if bound[i] == nil and definition.needs[parameters[i]] then
			bind_error(definition, "the argument '%s' is missing", parameters[i])
		end
	end
	return bound, count, more
end

-- The same for values: each as the definition wants it.
local function bind_values(definition, arguments, keywords)
	local bound, count, more = bind(definition, arguments, keywords)
	for i = 1, #definition.parameters do
		bound[i] = settled(definition, definition.parameters[i], bound[i])
	end
	for name, value in pairs(more or {}) do
		more[name] = settled(definition, name, value)
	end
	return bound, count, more or definition.has_more and {}
end

local function read_parameter(definition, parameter)
	if parameter == "*" then
		definition.rest = true
		return
	elseif parameter == "**" then
		definition.keywords, definition.has_more = true, true
		return
	end
	local name, required, wanted = parameter:match("^([%w_]+)(!?):?(%a*)$")
	local into_names = definition.rest and definition.names or definition.parameters
	into_names[#into_names + 1] = name
	definition.has_more = definition.has_more or definition.rest
	definition.types[name] = wanted ~= "lazy" and assert(argument_types[wanted == "" and "any" or wanted])
	definition.needs[name] = required == "!"
end

-- There are hundreds of definitions, and a run uses a few: one is made when something of it is looked at that is not there.
local unmade = {}

function unmade.__index(definition, field)
	setmetatable(definition, nil)
	definition.parameters, definition.names, definition.types, definition.needs = {}, {}, {}, {}
	for _, parameter in ipairs(definition.written) do
		read_parameter(definition, parameter)
	end
	table.move(definition.parameters, 1, #definition.parameters, #definition.names + 1, definition.names)
	local run = definition.run
	-- A function(value) with the arguments bound.
	function definition.bound(arguments, keywords)
		local bound, count, more = bind_values(definition, arguments, keywords)
		if more then
			return function(value)
				return run(value, more, table.unpack(bound, 1, count))
			end
		end
		return function(value)
			return run(value, table.unpack(bound, 1, count))
		end
	end
	function definition.apply(value, arguments, keywords)
		return definition.bound(arguments, keywords)(value)
	end
	return definition[field]
end

-- define(into, "join", {"d:text", "attribute:attribute"}, function(value, d, attribute) ... end). A parameter "name!" is
-- required; what stands behind the colon is one of the types above, any if there is none, or lazy for what may be undefined;
-- "*" stands for rest, "**" for keywords; what stands behind "*" can only be given by name.
function compiler.define(into, names, parameters, run)
	local definition = setmetatable({ name = names:match("%S+"), written = parameters, run = run }, unmade)
	for name in names:gmatch("%S+") do
		into[name] = definition
	end
	return definition
end

-- Marks definitions whose work does not grow with their value, or is charged by what they call.
function compiler.light(from, names)
	for name in names:gmatch("%S+") do
		from[name].light = true
	end
end

-- Scopes

local function new_function(up)
	return { slots = 0, up = up }
end

local function new_scope(outer, fn)
	return { names = {}, outer = outer, fn = fn or outer.fn, own = {}, template = outer and outer.template }
end

local function declare(scope, name)
	local slot = scope.names[name]
	if not slot then
		scope.fn.slots = scope.fn.slots + 1
		slot = scope.fn.slots
		scope.names[name] = slot
		scope.own[#scope.own + 1] = slot
	end
	return slot
end

local expression

-- Names

local function outer_name(name)
	local runtime = compiler.runtime
	return function(frame)
		local locals = frame.locals
		if locals then
			local value = locals[name]
			if value ~= nil then
				return value
			end
		end
		local value = runtime.memo[name]
		if value ~= nil then
			return value
		end
		return runtime.lookup(name)
	end
end

local function slot_name(slot, level, otherwise)
	if level == 0 then
		return function(frame)
			local value = frame[slot]
			if value ~= nil then
				return value
			end
			return otherwise(frame)
		end
	end
	return function(frame)
		local at = frame
		for _ = 1, level do
			at = at.up
		end
		local value = at[slot]
		if value ~= nil then
			return value
		end
		return otherwise(frame)
	end
end

-- own_only: nil for a name that no template has bound, instead of looking it up in the caller's scope. The second result: the
-- slot that is read first, if that is one of the frame itself.
local function name_reader(scope, name, own_only)
	local found = {}
	local level, fn = 0, scope.fn
	local at = scope
	while at do
		if at.fn ~= fn then
			level = level + 1
			fn = at.fn
		end
		if at.names[name] then
			found[#found + 1] = { at.names[name], level }
			at.used = at.used or {}
			at.used[name] = true
		end
		at = at.outer
	end
	local reader = own_only and function() end or outer_name(name)
	if scope.template and #found == 0 then
		scope.template.reads[name] = true
	end
	for i = #found, 1, -1 do
		reader = slot_name(found[i][1], found[i][2], reader)
	end
	return reader, found[1] and found[1][2] == 0 and found[1][1] or nil
end

-- Expressions, by kind of node

local compile = {}

expression = function(node, scope)
	return compile[node.kind](node, scope)
end

local function constant(value)
	return function()
		return value
	end
end

function compile.constant(node)
	return constant(node.value)
end

function compile.name(node, scope)
	return name_reader(scope, node.name)
end

local function compile_all(nodes, scope)
	local out = {}
	for i, node in ipairs(nodes) do
		out[i] = expression(node, scope)
	end
	return out
end

function compile.list(node, scope)
	local items = compile_all(node.items, scope)
	local list = values.list
	return function(frame)
		local out = {}
		for i = 1, #items do
			out[i] = items[i](frame)
		end
		return list(out)
	end
end

function compile.tuple(node, scope)
	local items = compile_all(node.items, scope)
	return function(frame)
		local out = {}
		for i = 1, #items do
			out[i] = items[i](frame)
		end
		return values.tuple(out)
	end
end

function compile.dict(node, scope)
	local keys, members = {}, {}
	for i, pair in ipairs(node.pairs) do
		keys[i] = expression(pair.key, scope)
		members[i] = expression(pair.value, scope)
	end
	return function(frame)
		local dict = values.dict()
		for i = 1, #keys do
			values.dict_set(dict, keys[i](frame), members[i](frame))
		end
		return dict
	end
end

compile["not"] = function(node, scope)
	local operand = expression(node.operand, scope)
	return function(frame)
		return not truth(operand(frame))
	end
end

compile["and"] = function(node, scope)
	local left, right = expression(node.left, scope), expression(node.right, scope)
	return function(frame)
		local value = left(frame)
		if value == true or value ~= false and truth(value) then
			return right(frame)
		end
		return value
	end
end

compile["or"] = function(node, scope)
	local left, right = expression(node.left, scope), expression(node.right, scope)
	return function(frame)
		local value = left(frame)
		if value == true or value ~= false and truth(value) then
			return value
		end
		return right(frame)
	end
end

function compile.negative(node, scope)
	local operand = expression(node.operand, scope)
	return function(frame)
		return arithmetic.negative(operand(frame))
	end
end

function compile.positive(node, scope)
	local operand = expression(node.operand, scope)
	return function(frame)
		return arithmetic.positive(operand(frame))
	end
end

local operations = { ["+"] = arithmetic.add, ["-"] = arithmetic.subtract, ["*"] = arithmetic.multiply, ["/"] = arithmetic.divide,
	["//"] = arithmetic.floor_divide, ["%"] = arithmetic.modulo, ["**"] = arithmetic.power }

function compile.binary(node, scope)
	local operate = operations[node.operator]
	local left, right = expression(node.left, scope), expression(node.right, scope)
	local position, line = compiler.position, node.line
	return function(frame)
		local a, b = left(frame), right(frame)
		position.line = line
		return operate(a, b)
	end
end

function compile.concat(node, scope)
	local items = compile_all(node.items, scope)
	local text = values.text
	return function(frame)
		local out = {}
		for i = 1, #items do
			out[i] = text(items[i](frame))
		end
		return table.concat(out)
	end
end

local comparisons = {
	["=="] = equal,
	["!="] = function(a, b) return not equal(a, b) end,
	["<"] = less,
	["<="] = values.less_equal,
	[">"] = values.greater,
	[">="] = values.greater_equal,
	["in"] = function(a, b) return values.contains(b, a) end,
	["not in"] = function(a, b) return not values.contains(b, a) end,
}

function compile.comparison(node, scope)
	local first = expression(node.first, scope)
	local count = #node.links
	local operators, operands = {}, {}
	for i, link in ipairs(node.links) do
		operators[i] = comparisons[link.operator]
		operands[i] = expression(link.right, scope)
	end
	local compare, second = operators[1], operands[1]
	if count == 1 then
		return function(frame)
			return compare(first(frame), second(frame))
		end
	end
	return function(frame)
		local left = first(frame)
		for i = 1, count do
			local right = operands[i](frame)
			if not operators[i](left, right) then
				return false
			end
			left = right
		end
		return true
	end
end

function compile.choice(node, scope)
	local condition, yes = expression(node.condition, scope), expression(node.yes, scope)
	local no = node.no and expression(node.no, scope) or values.nothing
	return function(frame)
		if truth(condition(frame)) then
			return yes(frame)
		end
		return no(frame)
	end
end

-- As the template names it, for messages: a.b[0]
local function shown(node)
	if node.kind == "name" then
		return node.name
	elseif node.kind == "attribute" then
		local object = shown(node.object)
		return object and object .. "." .. node.name
	elseif node.kind == "item" and node.key.kind == "constant" then
		local object = shown(node.object)
		return object and object .. "[" .. values.repr(node.key.value) .. "]"
	end
end

local function named_missing(value, path)
	if path and not value.path then
		value.path = path
		value.text = string.format("'%s' is undefined: %s", path, value.text)
	end
	return value
end

-- A function(value) for what an attribute, or the item with a constant key, of a value is.
function compiler.member_reader(node)
	local path, read = shown(node), node.kind == "attribute" and values.attribute or values.item
	local key = node.name or node.key.value
	return function(from)
		local value = read(from, key)
		if is_undefined(value) then
			return named_missing(value, path)
		end
		return value
	end
end

function compile.attribute(node, scope)
	local object, name = expression(node.object, scope), node.name
	local attribute, path = values.attribute, shown(node)
	return function(frame)
		local from = object(frame)
		local value
		if type(from) == "table" and (from[SOURCE] or from[ORDER]) then -- a dictionary: what is in it needs no look at its kind
			value = from[name]
			if value ~= nil then
				return value
			end
		end
		value = attribute(from, name)
		if type(value) == "table" and getmetatable(value) == "undefined" then
			return named_missing(value, path)
		end
		return value
	end
end

function compile.item(node, scope)
	local object, key = expression(node.object, scope), expression(node.key, scope)
	local path = shown(node)
	return function(frame)
		local value = values.item(object(frame), key(frame))
		if is_undefined(value) then
			return named_missing(value, path)
		end
		return value
	end
end

function compile.slice(node, scope)
	local object = expression(node.object, scope)
	local from = node.from and expression(node.from, scope)
	local to = node.to and expression(node.to, scope)
	local step = node.step and expression(node.step, scope)
	return function(frame)
		return values.slice(object(frame), from and from(frame), to and to(frame), step and step(frame))
	end
end

-- Calls

-- A function(frame) that gives the list of arguments and the table of keywords (or nil).
local function call_arguments(arguments, scope)
	local positional = compile_all(arguments.positional, scope)
	local names, named = {}, {}
	for i, keyword in ipairs(arguments.keywords) do
		names[i] = keyword.name
		named[i] = expression(keyword.value, scope)
	end
	local star = arguments.star and expression(arguments.star, scope)
	local star_star = arguments.star_star and expression(arguments.star_star, scope)
	return function(frame)
		local list, keywords = {}, nil
		for i = 1, #positional do
			list[i] = positional[i](frame)
		end
		if star then
			for _, element in ipairs(values.elements(star(frame))) do
				list[#list + 1] = element
			end
		end
		for i = 1, #names do
			keywords = keywords or values.dict() -- which keeps their order
			keywords[names[i]] = named[i](frame)
		end
		if star_star then
			keywords = keywords or values.dict()
			local dict = star_star(frame)
			if values.kind(defined(dict)) ~= "dict" then
				fail("the value behind ** must be a dictionary")
			end
			for key, value in values.each(dict) do
				keywords[key] = value
			end
		end
		return list, keywords
	end
end

-- A function(frame) for the argument at a place of a definition. A constant that is good needs no look at each evaluation.
local function settled_argument(definition, place, node, scope)
	local argument, name = expression(node, scope), definition.parameters[place]
	if node.kind == "constant" then
		local good, value = pcall(settled, definition, name, node.value)
		if good then
			return constant(value), value
		end
	elseif not definition.types[name] then
		return argument
	end
	local line = node.line
	return function(frame)
		return settled(definition, name, argument(frame), line)
	end
end

-- Arguments of a known definition, bound to their places while compiling: closures by place and the number of places.
-- nil where that is only known at run time.
local function static_binding(definition, arguments, scope, line)
	if arguments.star or arguments.star_star or definition.has_more and #arguments.keywords > 0 then
		return nil
	end
	local positional = {}
	for i, node in ipairs(arguments.positional) do
		positional[i] = node
	end
	local keywords = {}
	for _, keyword in ipairs(arguments.keywords) do
		keywords[keyword.name] = keyword.value
	end
	binding_line = line
	local bound, count = bind(definition, positional, keywords)
	binding_line = nil
	local places, constants = {}, {}
	for i = 1, count do
		places[i] = false
		if bound[i] then
			places[i], constants[i] = settled_argument(definition, i, bound[i], scope)
		end
	end
	while count > 0 and not places[count] do
		count = count - 1
	end
	return places, count, constants
end
compiler.static_binding = static_binding

-- A function(value) that gives the argument at a place as its definition wants it; nil if any will do.
function compiler.settler(definition, place, line)
	local name = definition.parameters[place]
	return definition.types[name] and function(value)
		return settled(definition, name, value, line)
	end
end

-- A function(frame, value) that applies a filter or a test; line: where it is, if the template is being compiled.
local function application(definition, arguments, scope, line)
	local run = definition.run
	local places, count = static_binding(definition, arguments, scope, line)
	if not places then
		local call = call_arguments(arguments, scope)
		local apply = definition.apply
		return function(frame, value)
			return apply(value, call(frame))
		end
	end
	local nothing = function() end
	local a, b, c = places[1] or nothing, places[2] or nothing, places[3] or nothing
	if count == 0 and not definition.has_more then
		return function(_, value)
			return run(value)
		end
	elseif count == 1 and not definition.has_more then
		return function(frame, value)
			return run(value, a(frame))
		end
	elseif count == 1 then
		return function(frame, value)
			return run(value, {}, a(frame))
		end
	elseif count <= 3 and not definition.has_more then
		return function(frame, value)
			return run(value, a(frame), b(frame), c(frame))
		end
	end
	return function(frame, value)
		local given = {}
		for i = 1, count do
			if places[i] then
				given[i] = places[i](frame)
			end
		end
		if definition.has_more then
			return run(value, {}, table.unpack(given, 1, count))
		end
		return run(value, table.unpack(given, 1, count))
	end
end

local function definition_of(registry, what, node)
	local definition = registry[node.name]
	if not definition then
		local short = node.name:match("^ansible%.[%w_]+%.([%w_]+)$") or node.name:match("^[%w_]+%.[%w_]+%.([%w_]+)$")
		definition = short and registry[short]
	end
	if not definition then
		local names = values.names_of(registry)
		local other = what == "filter" and compiler.tests[node.name] and "it is a test: x is " .. node.name
			or what == "test" and compiler.filters[node.name] and "it is a filter: x | " .. node.name
		lexer.fail_absent(node.line, not other and native.nearest(node.name, names) or nil, other or nil, what, node.name)
	end
	return definition
end

function compile.filter(node, scope)
	local definition = definition_of(compiler.filters, "filter", node)
	local object = expression(node.object, scope)
	local apply = application(definition, node.arguments, scope, node.line)
	if definition.takes_undefined then
		return function(frame)
			return apply(frame, object(frame))
		end
	end
	local position, line = compiler.position, node.line
	return function(frame)
		local value = object(frame)
		if type(value) == "table" and getmetatable(value) == "undefined" then
			value = value.soft and "" or values.raise_undefined(value)
		end
		position.line = line
		return apply(frame, value)
	end
end

function compile.test(node, scope)
	local definition = definition_of(compiler.tests, "test", node)
	local object = expression(node.object, scope)
	local apply = application(definition, node.arguments, scope, node.line)
	if definition.takes_undefined then
		return function(frame)
			return truth(apply(frame, object(frame)))
		end
	end
	return function(frame)
		return truth(apply(frame, defined(object(frame))))
	end
end

-- Calls what a value is; name is for messages.
function compiler.call(value, arguments, keywords, name)
	if type(value) == "table" then
		local k = getmetatable(value)
		if k == "function" or k == "loop" then
			return value.call(arguments, keywords)
		elseif k == "undefined" then
			values.raise_undefined(value)
		end
	end
	fail("%s is not a function but a value of type %s", name or "what is called", values.type_name(value))
end

-- The arguments of a call as nodes that are compiled already.
local function compiled_arguments(arguments, scope)
	local function done(node)
		return node.kind == "constant" and node or { kind = "compiled", run = expression(node, scope), line = node.line }
	end
	local out = { positional = {}, keywords = {} }
	for i, node in ipairs(arguments.positional) do
		out.positional[i] = done(node)
	end
	for i, keyword in ipairs(arguments.keywords) do
		out.keywords[i] = { name = keyword.name, value = done(keyword.value) }
	end
	out.star, out.star_star = arguments.star and done(arguments.star), arguments.star_star and done(arguments.star_star)
	return out
end

function compile.compiled(node)
	return node.run
end

-- What a.b(...) calls is known when a is: a method, whose arguments are bound once for each, or a member.
local function call_member(node, scope)
	local object, name = expression(node.callee.object, scope), node.callee.name
	local arguments = compiled_arguments(node.arguments, scope)
	local given = call_arguments(arguments, scope)
	local methods, path = values.methods, node.path or shown(node.callee)
	local applications = {}
	return function(frame)
		local value = object(frame)
		local of_kind = methods[values.kind(value)]
		local definition = of_kind and of_kind[name]
		if definition then
			local apply = applications[definition]
			if not apply then
				apply = application(definition, arguments, scope)
				applications[definition] = apply
			end
			return apply(frame, value)
		end
		local callee = values.attribute(value, name)
		if is_undefined(callee) then
			named_missing(callee, path)
		end
		local list, keywords = given(frame)
		return compiler.call(callee, list, keywords, path and "'" .. path .. "'")
	end
end

-- Whether a template has bound the name itself.
local function is_bound(scope, name)
	while scope and not scope.names[name] do
		scope = scope.outer
	end
	return scope ~= nil
end

-- A text of the template that is one itself.
function compile.rendered(node)
	return function()
		return values.evaluate(node.value)
	end
end

-- calls[name] = function(node, checking): looks at a call of the global of that name; checking: in the check before the run.
compiler.calls = {}

function compile.call(node, scope)
	if node.callee.kind == "attribute" then
		return call_member(node, scope)
	end
	local look = node.callee.kind == "name" and compiler.calls[node.callee.name]
	if look and not is_bound(scope, node.callee.name) then
		look(node, compiler.checking)
	end
	local arguments = call_arguments(node.arguments, scope)
	local callee = expression(node.callee, scope)
	local path = shown(node.callee)
	return function(frame)
		local value = callee(frame)
		local list, keywords = arguments(frame)
		return compiler.call(value, list, keywords, path and "'" .. path .. "'")
	end
end

-- The text that a set block, filter block or call block made; see captured below.
function compile.body()
	return function(frame)
		return frame.body
	end
end

compiler.expression_node = expression
compiler.call_member, compiler.settled, compiler.shown = call_member, settled, shown
compiler.definition_of = definition_of
compiler.comparisons, compiler.operations = comparisons, operations
compiler.compile = compile
compiler.declare = declare
compiler.new_scope = new_scope
compiler.new_function = new_function
compiler.name_reader = name_reader
compiler.call_arguments = call_arguments

-- A bare expression: function(frame), whether it needs a frame of its own, and the names that it reads.
function compiler.expression(node)
	local scope = { names = {}, own = {}, fn = new_function(nil), template = { reads = {} } }
	return expression(node, scope), scope.template.reads
end

return compiler

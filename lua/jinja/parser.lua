-- Tokens to a tree. A node is a table { kind = ..., line = ..., ... }; the kinds are those that compiler.lua knows.

local lexer = import("jinja/lexer.lua")
local fail = lexer.fail

local parser = {}
local DEPTH_MAX = 150

local Stream = {}
Stream.__index = Stream

local function shown(token)
	if token[1] == "eof" then
		return "the end"
	elseif token[1] == "string" then
		return string.format("the string '%s'", token[2])
	end
	return "'" .. tostring(token[2]) .. "'"
end

function Stream:kind()
	return self.tokens[self.at][1]
end

function Stream:token()
	return self.tokens[self.at]
end

function Stream:next()
	local token = self.tokens[self.at]
	if token[1] ~= "eof" then
		self.at = self.at + 1
	end
	return token
end

function Stream:is(kind, value)
	local token = self.tokens[self.at]
	return token[1] == kind and (value == nil or token[2] == value)
end

function Stream:skip(kind, value)
	if self:is(kind, value) then
		self.at = self.at + 1
		return true
	end
	return false
end

function Stream:expect(kind, value, hint)
	if not self:is(kind, value) then
		local wanted = value and "'" .. value .. "'" or kind == "name" and "a name" or kind
		hint = hint or kind == "end" and self:is("op", "=") and "to compare, write ==" or nil
		lexer.fail_with_hint(self:token()[3], hint, "expected %s before %s", wanted, shown(self:token()))
	end
	return self:next()
end

function Stream:line()
	return self.tokens[self.at][3]
end

function Stream:enter()
	self.depth = self.depth + 1
	if self.depth > DEPTH_MAX then
		fail(self:line(), "it is nested more than %d levels deep", DEPTH_MAX)
	end
end

function Stream:leave()
	self.depth = self.depth - 1
end

-- Expressions

local constants = { ["true"] = true, ["True"] = true, ["false"] = false, ["False"] = false }

function Stream:arguments()
	local node = { positional = {}, keywords = {} }
	self:expect("op", "(")
	while not self:is("op", ")") do
		if #node.positional + #node.keywords > 0 or node.star or node.star_star then
			self:expect("op", ",")
			if self:is("op", ")") then
				break
			end
		end
		local ahead = self.tokens[self.at + 1]
		if self:skip("op", "*") then
			node.star = self:expression()
		elseif self:skip("op", "**") then
			node.star_star = self:expression()
		elseif self:is("name") and ahead[1] == "op" and ahead[2] == "=" then
			local name = self:next()[2]
			self:next()
			node.keywords[#node.keywords + 1] = { name = name, value = self:expression() }
		else
			if #node.keywords > 0 or node.star_star then
				fail(self:line(), "an argument without a name stands behind one with a name")
			end
			node.positional[#node.positional + 1] = self:expression()
		end
	end
	self:expect("op", ")")
	return node
end

function Stream:list()
	local items = {}
	local line = self:expect("op", "[")[3]
	while not self:is("op", "]") do
		if #items > 0 then
			self:expect("op", ",")
			if self:is("op", "]") then
				break
			end
		end
		items[#items + 1] = self:expression()
	end
	self:expect("op", "]")
	return { kind = "list", items = items, line = line }
end

function Stream:dict()
	local pairs_ = {}
	local line = self:expect("op", "{")[3]
	while not self:is("op", "}") do
		if #pairs_ > 0 then
			self:expect("op", ",")
			if self:is("op", "}") then
				break
			end
		end
		local key = self:expression()
		self:expect("op", ":")
		pairs_[#pairs_ + 1] = { key = key, value = self:expression() }
	end
	self:expect("op", "}")
	return { kind = "dict", pairs = pairs_, line = line }
end

-- Expressions with commas between them: a tuple where there is a comma, or nothing between parentheses.
-- ends(self) tells where it stops after a trailing comma.
function Stream:tuple(parenthesized, without_condition, ends)
	local items, comma = {}, false
	local line = self:line()
	while true do
		if #items > 0 then
			if not self:skip("op", ",") then
				break
			end
			comma = true
		end
		if ends(self) then
			break
		end
		items[#items + 1] = self:expression(without_condition)
	end
	if #items == 1 and not comma then
		return items[1]
	end
	if #items == 0 and not parenthesized then
		fail(line, "expected an expression before %s", shown(self:token()))
	end
	return { kind = "tuple", items = items, line = line }
end

local function at_parenthesis(stream)
	return stream:is("op", ")")
end

local function at_end(stream)
	return stream:is("end") or stream:is("eof")
end

function Stream:primary()
	local token = self:token()
	local kind, value, line = token[1], token[2], token[3]
	if kind == "name" then
		self:next()
		if constants[value] ~= nil then
			return { kind = "constant", value = constants[value], line = line }
		elseif value == "none" or value == "None" then
			return { kind = "constant", value = native.null, line = line }
		end
		return { kind = "name", name = value, line = line }
	elseif kind == "string" then
		local parts = {}
		while self:is("string") do
			parts[#parts + 1] = self:next()[2]
		end
		return { kind = "constant", value = table.concat(parts), line = line }
	elseif kind == "integer" or kind == "float" then
		self:next()
		return { kind = "constant", value = value, line = line }
	elseif kind == "op" and value == "(" then
		self:next()
		local node = self:tuple(true, false, at_parenthesis)
		self:expect("op", ")")
		return node
	elseif kind == "op" and value == "[" then
		return self:list()
	elseif kind == "op" and value == "{" then
		return self:dict()
	end
	fail(line, "expected an expression before %s", shown(token))
end

function Stream:subscript_part()
	local line = self:line()
	local from, to, step
	if not self:is("op", ":") then
		from = self:expression()
		if not self:is("op", ":") then
			return from
		end
	end
	self:next()
	if not self:is("op", ":") and not self:is("op", "]") and not self:is("op", ",") then
		to = self:expression()
	end
	if self:skip("op", ":") and not self:is("op", "]") and not self:is("op", ",") then
		step = self:expression()
	end
	return { kind = "slice", from = from, to = to, step = step, line = line }
end

function Stream:subscript(node)
	local line = self:next()[3]
	local parts = {}
	while not self:is("op", "]") do
		if #parts > 0 then
			self:expect("op", ",")
		end
		parts[#parts + 1] = self:subscript_part()
	end
	self:expect("op", "]")
	if #parts == 0 then
		fail(line, "expected an expression between '[' and ']'")
	elseif #parts == 1 then
		if parts[1].kind == "slice" then
			parts[1].object = node
			return parts[1]
		end
		return { kind = "item", object = node, key = parts[1], line = line }
	end
	for i = 1, #parts do
		if parts[i].kind == "slice" then
			fail(parts[i].line, "a slice cannot be one of several keys")
		end
	end
	return { kind = "item", object = node, key = { kind = "tuple", items = parts, line = line }, line = line }
end

function Stream:postfix(node)
	while true do
		if self:is("op", ".") then
			local line = self:next()[3]
			local token = self:next()
			if token[1] == "name" then
				node = { kind = "attribute", object = node, name = token[2], line = line }
			elseif token[1] == "integer" then
				node = { kind = "item", object = node, key = { kind = "constant", value = token[2], line = line }, line = line }
			elseif token[1] == "float" and tostring(token[2]):match("^%d+%.%d+$") then
				for digits in tostring(token[2]):gmatch("%d+") do
					node = { kind = "item", object = node, key = { kind = "constant", value = math.tointeger(tonumber(digits)), line = line }, line = line }
				end
			else
				fail(line, "expected a name or a number behind '.'")
			end
		elseif self:is("op", "[") then
			node = self:subscript(node)
		elseif self:is("op", "(") then
			node = { kind = "call", callee = node, arguments = self:arguments(), line = self:line() }
		else
			return node
		end
	end
end

function Stream:dotted_name()
	local name = self:expect("name")[2]
	while self:is("op", ".") and self.tokens[self.at + 1][1] == "name" do
		self:next()
		name = name .. "." .. self:next()[2]
	end
	return name
end

local test_argument = { name = true, string = true, integer = true, float = true }
local test_operator = { ["("] = true, ["["] = true, ["{"] = true }
local test_no_argument = { ["else"] = true, ["or"] = true, ["and"] = true, ["if"] = true, ["in"] = true, ["not"] = true }

function Stream:test(node)
	local line = self:next()[3]
	local negated = self:skip("name", "not")
	local name = self:dotted_name()
	local arguments = { positional = {}, keywords = {} }
	local token = self:token()
	if self:is("op", "(") then
		arguments = self:arguments()
	elseif test_argument[token[1]] and not (token[1] == "name" and test_no_argument[token[2]])
		or token[1] == "op" and test_operator[token[2]] then
		if self:is("name", "is") then
			fail(line, "tests cannot be chained with 'is'")
		end
		arguments.positional[1] = self:postfix(self:primary())
	end
	node = { kind = "test", object = node, name = name, arguments = arguments, line = line }
	return negated and { kind = "not", operand = node, line = line } or node
end

function Stream:filter(node)
	local line = self:next()[3]
	local name = self:dotted_name()
	local arguments = self:is("op", "(") and self:arguments() or { positional = {}, keywords = {} }
	return { kind = "filter", object = node, name = name, arguments = arguments, line = line }
end

function Stream:filters(node)
	while true do
		if self:is("op", "|") then
			node = self:filter(node)
		elseif self:is("name", "is") then
			node = self:test(node)
		elseif self:is("op", "(") then
			node = { kind = "call", callee = node, arguments = self:arguments(), line = self:line() }
		else
			return node
		end
	end
end

function Stream:unary(without_filters)
	self:enter()
	local node
	local line = self:line()
	if self:skip("op", "-") then
		node = { kind = "negative", operand = self:unary(true), line = line }
	elseif self:skip("op", "+") then
		node = { kind = "positive", operand = self:unary(true), line = line }
	else
		node = self:primary()
	end
	node = self:postfix(node)
	if not without_filters then
		node = self:filters(node)
	end
	self:leave()
	return node
end

-- The levels of operators. Most operands stand alone: expression() reads the first one, and only where an operator follows do the
-- levels take over from it.

-- A level of operators of equal strength that join from the left.
local function level(below, names)
	return function(self, first)
		local node = below(self, first)
		while self:kind() == "op" and names[self:token()[2]] do
			local token = self:next()
			node = { kind = "binary", operator = token[2], left = node, right = below(self), line = token[3] }
		end
		return node
	end
end

local function operand(self, first)
	return first or self:unary()
end

Stream.power = level(operand, { ["**"] = true })
Stream.product = level(Stream.power, { ["*"] = true, ["/"] = true, ["//"] = true, ["%"] = true })

function Stream:concat(first)
	local node = self:product(first)
	if not self:is("op", "~") then
		return node
	end
	local items = { node }
	local line = self:line()
	while self:skip("op", "~") do
		items[#items + 1] = self:product()
	end
	return { kind = "concat", items = items, line = line }
end

Stream.sum = level(Stream.concat, { ["+"] = true, ["-"] = true })

local comparisons = { ["=="] = true, ["!="] = true, ["<"] = true, ["<="] = true, [">"] = true, [">="] = true }

function Stream:comparison_operator()
	local token = self:token()
	if token[1] == "op" and comparisons[token[2]] then
		self:next()
		return token[2]
	elseif self:skip("name", "in") then
		return "in"
	end
	local ahead = self.tokens[self.at + 1]
	if self:is("name", "not") and ahead[1] == "name" and ahead[2] == "in" then
		self:next()
		self:next()
		return "not in"
	end
end

function Stream:comparison(first)
	first = self:sum(first)
	local links = {}
	local line = self:line()
	while true do
		local operator = self:comparison_operator()
		if not operator then
			break
		end
		links[#links + 1] = { operator = operator, right = self:sum() }
	end
	if #links == 0 then
		return first
	end
	return { kind = "comparison", first = first, links = links, line = line }
end

function Stream:negation(first)
	local line = self:line()
	if not first and self:skip("name", "not") then
		self:enter()
		local node = { kind = "not", operand = self:negation(), line = line }
		self:leave()
		return node
	end
	return self:comparison(first)
end

local function logic(below, word)
	return function(self, first)
		local node = below(self, first)
		while self:is("name", word) do
			local line = self:next()[3]
			node = { kind = word, left = node, right = below(self), line = line }
		end
		return node
	end
end

Stream.conjunction = logic(Stream.negation, "and")
Stream.disjunction = logic(Stream.conjunction, "or")

-- What may stand behind an expression and is no operator.
local ending = { [","] = true, [")"] = true, ["]"] = true, ["}"] = true, [":"] = true }

function Stream:expression(without_condition)
	self:enter()
	local node = not self:is("name", "not") and self:unary()
	local behind = self:token()
	if node and (behind[1] == "end" or behind[1] == "eof" or behind[1] == "op" and ending[behind[2]]) then
		self:leave()
		return node
	end
	node = self:disjunction(node)
	while not without_condition and self:is("name", "if") do
		local line = self:next()[3]
		local condition = self:disjunction()
		local otherwise
		if self:skip("name", "else") then
			otherwise = self:expression()
		end
		node = { kind = "choice", condition = condition, yes = node, no = otherwise, line = line }
	end
	self:leave()
	return node
end

-- Statements

local statements = {}

function Stream:block_end()
	self:expect("end", "%}")
end

-- The names that a tag may have.
local function statement_names(ends)
	local names = {}
	for _, from in ipairs({ statements, ends or {} }) do
		for name in pairs(from) do
			names[#names + 1] = name ~= "shown" and name or nil
		end
	end
	table.sort(names)
	return names
end

-- Nodes until a tag whose name is one of ends; that name is taken, the rest of its tag is not.
function Stream:body(ends)
	self:enter()
	local nodes = {}
	local opened = self:line()
	while true do
		local token = self:next()
		if token[1] == "text" then
			nodes[#nodes + 1] = { kind = "text", text = token[2], line = token[3] }
		elseif token[1] == "begin" and token[2] == "{{" then
			local value = self:tuple(false, false, at_end)
			nodes[#nodes + 1] = { kind = "output", value = value, line = token[3] }
			self:expect("end", "}}", value.kind == "name" and statements[value.name] and "a statement is written {% " .. value.name .. " ... %}")
		elseif token[1] == "begin" then
			local name = self:expect("name")[2]
			if ends and ends[name] then
				self:leave()
				return nodes, name
			end
			local statement = statements[name]
			if not statement and (name:find("^end") or name == "else" or name == "elif") then
				fail(token[3], "nothing is open that '%s' could end%s", name, ends and string.format(" (expected %s)", ends.shown) or "")
			elseif not statement then
				lexer.fail_with_hint(token[3], native.nearest(name, statement_names(ends)), "unknown tag '%s'%s", name,
					ends and string.format(" (expected %s)", ends.shown) or "")
			end
			nodes[#nodes + 1] = statement(self, token[3])
		else
			if ends then
				fail(opened, "%s is missing", ends.shown)
			end
			self:leave()
			return nodes
		end
	end
end

local function ends(...)
	local set = { shown = table.concat({ ... }, " or ") }
	for _, name in ipairs({ ... }) do
		set[name] = true
	end
	return set
end

-- What can be assigned to: a name, several, or a member of a namespace.
function Stream:target(with_namespace)
	local items, comma = {}, false
	local line = self:line()
	repeat
		if self:skip("op", "(") then
			items[#items + 1] = self:target(false)
			self:expect("op", ")")
		elseif #items > 0 and not self:is("name") then
			break
		else
			local name = self:expect("name")[2]
			if constants[name] ~= nil or name == "none" or name == "None" then
				fail(line, "'%s' cannot be assigned to", name)
			end
			if with_namespace and self:skip("op", ".") then
				return { kind = "member", name = name, member = self:expect("name")[2], line = line }
			end
			items[#items + 1] = { kind = "name", name = name, line = line }
		end
		local more = self:skip("op", ",")
		comma = comma or more
	until not more
	if #items == 1 and not comma then
		return items[1]
	end
	return { kind = "tuple", items = items, line = line }
end

statements["if"] = function(self, line)
	local node = { kind = "if", branches = {}, line = line }
	local name = "if"
	while true do
		local branch = { line = line }
		if name ~= "else" then
			branch.condition = self:tuple(false, false, at_end)
		end
		self:block_end()
		branch.body, name = self:body(name == "else" and ends("endif") or ends("endif", "elif", "else"))
		node.branches[#node.branches + 1] = branch
		if name == "endif" then
			self:block_end()
			return node
		end
	end
end

statements["for"] = function(self, line)
	local node = { kind = "for", line = line }
	node.target = self:target(false)
	self:expect("name", "in")
	node.items = self:tuple(false, true, at_end)
	if self:skip("name", "if") then
		node.condition = self:expression()
	end
	node.recursive = self:skip("name", "recursive")
	self:block_end()
	local name
	node.body, name = self:body(ends("endfor", "else"))
	if name == "else" then
		self:block_end()
		node.otherwise = self:body(ends("endfor"))
	end
	self:block_end()
	return node
end

statements["set"] = function(self, line)
	local node = { kind = "set", line = line }
	node.target = self:target(true)
	if self:skip("op", "=") then
		node.value = self:tuple(false, false, at_end)
		self:block_end()
		return node
	end
	node.kind = "set_block"
	if self:is("op", "|") then
		node.filters = self:filters({ kind = "body", line = line })
	end
	self:block_end()
	node.body = self:body(ends("endset"))
	self:block_end()
	return node
end

function Stream:parameters()
	local parameters = {}
	self:expect("op", "(")
	while not self:is("op", ")") do
		if #parameters > 0 then
			self:expect("op", ",")
		end
		local parameter = { name = self:expect("name")[2] }
		if self:skip("op", "=") then
			parameter.default = self:expression()
		elseif #parameters > 0 and parameters[#parameters].default then
			fail(self:line(), "a parameter without a default stands behind one with a default")
		end
		parameters[#parameters + 1] = parameter
	end
	self:expect("op", ")")
	return parameters
end

statements["macro"] = function(self, line)
	local node = { kind = "macro", name = self:expect("name")[2], line = line }
	node.parameters = self:parameters()
	self:block_end()
	node.body = self:body(ends("endmacro"))
	self:block_end()
	return node
end

statements["call"] = function(self, line)
	local node = { kind = "call_block", line = line, parameters = {} }
	if self:is("op", "(") then
		node.parameters = self:parameters()
	end
	node.call = self:expression()
	if node.call.kind ~= "call" then
		fail(line, "expected a call behind 'call'")
	end
	self:block_end()
	node.body = self:body(ends("endcall"))
	self:block_end()
	return node
end

statements["filter"] = function(self, line)
	local node = { kind = "filter_block", line = line }
	self.at = self.at - 1 -- read the name of the first filter as if a '|' stood before it
	node.filters = self:filter({ kind = "body", line = line })
	node.filters = self:filters(node.filters)
	self:block_end()
	node.body = self:body(ends("endfilter"))
	self:block_end()
	return node
end

statements["with"] = function(self, line)
	local node = { kind = "with", targets = {}, values = {}, line = line }
	while not self:is("end") do
		if #node.targets > 0 then
			self:expect("op", ",")
		end
		node.targets[#node.targets + 1] = self:target(false)
		self:expect("op", "=")
		node.values[#node.values + 1] = self:expression()
	end
	self:block_end()
	node.body = self:body(ends("endwith"))
	self:block_end()
	return node
end

statements["do"] = function(self, line)
	local node = { kind = "do", value = self:tuple(false, false, at_end), line = line }
	self:block_end()
	return node
end

statements["block"] = function(self, line)
	local node = { kind = "block", name = self:expect("name")[2], line = line }
	node.scoped = self:skip("name", "scoped")
	node.required = self:skip("name", "required")
	self:block_end()
	node.body = self:body(ends("endblock"))
	self:skip("name", node.name)
	self:block_end()
	if self.blocks[node.name] then
		fail(line, "the block '%s' is defined twice", node.name)
	end
	self.blocks[node.name] = node
	return node
end

statements["extends"] = function(self, line)
	local node = { kind = "extends", template = self:expression(), line = line }
	self:block_end()
	return node
end

function Stream:context_choice(default)
	local ahead = self.tokens[self.at + 1]
	if (self:is("name", "with") or self:is("name", "without")) and ahead[1] == "name" and ahead[2] == "context" then
		local with = self:next()[2] == "with"
		self:next()
		return with
	end
	return default
end

statements["include"] = function(self, line)
	local node = { kind = "include", template = self:expression(), line = line }
	local ahead = self.tokens[self.at + 1]
	if self:is("name", "ignore") and ahead[2] == "missing" then
		node.ignore_missing = true
		self:next()
		self:next()
	end
	node.with_context = self:context_choice(true)
	self:block_end()
	return node
end

statements["import"] = function(self, line)
	local node = { kind = "import", template = self:expression(), line = line }
	self:expect("name", "as")
	node.name = self:expect("name")[2]
	node.with_context = self:context_choice(false)
	self:block_end()
	return node
end

statements["from"] = function(self, line)
	local node = { kind = "from", template = self:expression(), names = {}, line = line }
	self:expect("name", "import")
	node.with_context = false
	while not self:is("end") do
		if #node.names > 0 then
			self:expect("op", ",")
		end
		local ahead = self.tokens[self.at + 1]
		if (self:is("name", "with") or self:is("name", "without")) and ahead[2] == "context" then
			break
		end
		local name = self:expect("name")[2]
		local as = name
		if self:skip("name", "as") then
			as = self:expect("name")[2]
		end
		node.names[#node.names + 1] = { name = name, as = as }
		if not self:is("op", ",") then
			break
		end
	end
	node.with_context = self:context_choice(false)
	self:block_end()
	return node
end

local function loop_control(kind)
	return function(self, line)
		self:block_end()
		return { kind = kind, line = line }
	end
end
statements["break"] = loop_control("break")
statements["continue"] = loop_control("continue")

statements["autoescape"] = function(self, line)
	self:expression()
	self:block_end()
	local node = { kind = "with", targets = {}, values = {}, line = line }
	node.body = self:body(ends("endautoescape"))
	self:block_end()
	return node
end

local function stream(tokens)
	return setmetatable({ tokens = tokens, at = 1, depth = 0, blocks = {} }, Stream)
end

function parser.expression(source)
	local self = stream(lexer.expression(source))
	local node = self:tuple(false, false, at_end)
	if not self:is("eof") then
		local hint = self:token()[2] == "=" and "== compares" or nil
		lexer.fail_with_hint(self:line(), hint, "unexpected %s behind the expression", shown(self:token()))
	end
	return node
end

-- { kind = "template", body = nodes, blocks = by name }
function parser.template(source, settings)
	local self = stream(lexer.template(source, settings))
	local body = self:body(nil)
	return { kind = "template", body = body, blocks = self.blocks, line = 1 }
end

return parser

-- Keeps rules, defaults and the state of the firewall ufw.

local environment = { LANG = "C", LC_ALL = "C" }
local rule_files = { "/lib/ufw/user.rules", "/lib/ufw/user6.rules", "/etc/ufw/user.rules", "/etc/ufw/user6.rules",
	"/var/lib/ufw/user.rules", "/var/lib/ufw/user6.rules" }

local function ufw(words)
	table.insert(words, 1, "ufw")
	words.env = environment
	return words
end

-- Does a command, and tells it in the result.
local function act(words)
	local commands = result.commands or list{}
	commands[#commands + 1] = text.words(words)
	result.commands = commands
	local done = need(step.run(words))
	return done
end

-- The lines in which ufw keeps its rules, with those of one family of addresses only.
local function rules_in(output, family)
	local rules = {}
	for _, line in ipairs(text.split(output, "\n")) do
		local is_six = line:find("%x*:%x*:") ~= nil
		if text.starts(line, "### tuple") and (not family or family == 6 and is_six or family == 4 and line:find("%d+%.%d+%.%d+%.%d+")) then
			rules[#rules + 1] = line
		end
	end
	return table.concat(rules, "\n")
end

local function family_of(want)
	for _, address in ipairs{ want.from_ip, want.to_ip } do
		if address:find("^%d+%.%d+%.%d+%.%d+") then return 4 end
		if address:find("^%x*:%x*:") then return 6 end
	end
end

-- Where a rule goes that is inserted: a number, or nil for the end.
local function insert_at(want, known)
	if want.insert_relative_to == "zero" then return want.insert end
	local answer = need(known:run(ufw{ "status", "numbered" }))
	local last, last_four, has_six = 0, 0, false
	for _, line in ipairs(text.split(answer.stdout, "\n")) do
		local number = tonumber(line:match("^%[ *(%d+)%] "))
		if number then
			last = math.max(last, number)
			if line:find("(v6)", 1, true) then has_six = true else last_four = math.max(last_four, number) end
		end
	end
	local from = {
		["first-ipv4"] = 1, ["last-ipv4"] = last_four > 0 and last_four or 1,
		["first-ipv6"] = last_four > 0 and last_four + 1 or 1, ["last-ipv6"] = has_six and last or last + 1,
	}
	local at = want.insert + from[want.insert_relative_to]
	return at <= last and at or nil
end

-- The long form of a rule: route, delete or insert, what to do, where, from and to.
local function rule_words(want, known)
	local words = {}
	local function add(condition, ...)
		for _, word in ipairs(condition and { ... } or {}) do words[#words + 1] = word end
	end
	add(want.route, "route")
	add(want.delete, "delete")
	local at = want.insert and not want.delete and insert_at(want, known)
	add(at, "insert", tostring(at))
	add(true, want.rule)
	add(want.direction, want.direction)
	add(want.interface, "on", want.interface)
	add(want.interface_in, "in", "on", want.interface_in)
	add(want.interface_out, "out", "on", want.interface_out)
	add(want.log, "log")
	add(true, "from", want.from_ip)
	add(want.from_port, "port", want.from_port)
	add(true, "to", want.to_ip)
	add(want.to_port, "port", want.to_port)
	add(want.proto, "proto", want.proto)
	add(want.name, "app", want.name)
	add(want.comment, "comment", want.comment)
	return words
end

-- Whether a rule would change something, by what ufw says it would write.
local function set_rule(want, known)
	if want.direction and want.direction ~= "in" and want.direction ~= "out" then
		fail('For rules, direction must be one of "in" and "out", or direction must not be specified.')
	end
	if not want.route and want.interface_in and want.interface_out then
		fail("Only route rules can combine interface_in and interface_out")
	end
	local words = rule_words(want, known)
	local before = known:run{ sh = "grep -h '^### tuple' " .. table.concat(rule_files, " ") .. " 2>/dev/null || :" }
	local dry = known:run(ufw{ "--dry-run", table.unpack(words) })
	need(before, dry)
	if not dry.ok then fail("%s", dry.stderr ~= "" and dry.stderr or dry.stdout) end
	local skipped = true
	for _, line in ipairs(text.split(dry.stdout, "\n")) do skipped = skipped and line:find("Skipping", 1, true) ~= nil end
	local family = family_of(want)
	if skipped or rules_in(before.stdout, family) == rules_in(dry.stdout, family) then return end
	act(ufw(words))
end

local verbs = { enabled = "enable", disabled = "disable", reloaded = "reload", reset = "reset" }

local function set_state(want, status)
	local active = status.stdout:find(" active", 1, true) ~= nil
	if want.state == "enabled" and active or want.state == "disabled" and not active then return end
	act(ufw{ "-f", verbs[want.state] })
end

local policies = { ACCEPT = "allow", DROP = "deny", REJECT = "reject" }
local chains = { incoming = "INPUT", outgoing = "OUTPUT", routed = "FORWARD" }

-- A setting in a file of ufw's, which does not tell of it while it is not active.
local function written(known, path, name)
	return ("\n" .. (need(known:read(path)) or "")):match("\n" .. name .. "=\"?(%w+)")
end

local function is_inactive(status) return status.stdout:find("inactive", 1, true) ~= nil end

local function set_default(want, known, status)
	local direction = want.direction or "incoming"
	if direction ~= "incoming" and direction ~= "outgoing" and direction ~= "routed" then
		fail('For default, direction must be one of "outgoing", "incoming" and "routed", or direction must not be specified.')
	end
	local now = status.stdout:match("(%l+) %(" .. direction .. "%)")
	if is_inactive(status) then now = policies[written(known, "/etc/default/ufw", "DEFAULT_" .. chains[direction] .. "_POLICY")] end
	if now == want.default or now == "disabled" then return end
	act(ufw{ "default", want.default, want.direction })
end

local function set_logging(want, known, status)
	local switch, level = status.stdout:match("Logging: (%l+) ?%(?(%l*)")
	if is_inactive(status) then
		level = written(known, "/etc/ufw/ufw.conf", "LOGLEVEL")
		switch = level and level ~= "off" and "on" or level
	end
	if want.logging == "off" and switch == "off" then return end
	if want.logging ~= "off" and switch == "on" and (want.logging == "on" or want.logging == level) then return end
	act(ufw{ "logging", want.logging })
end

return {
	name = "ufw",
	collection = "community.general",
	doc = "Keeps a rule, the defaults, the logging and the state of the firewall ufw.",
	args = {
		state = { "str", choices = { "disabled", "enabled", "reloaded", "reset" },
			doc = "enabled: on, also after a restart; reloaded and reset act each time, and reset takes all rules away." },
		default = { "str", aliases = { "policy" }, choices = { "allow", "deny", "reject" }, doc = "What is done with what no rule is about." },
		logging = { "str", choices = { "full", "high", "low", "medium", "off", "on" }, doc = "How much is logged." },
		direction = { "str", choices = { "in", "incoming", "out", "outgoing", "routed" },
			doc = "in or out for a rule; incoming, outgoing or routed for default." },
		rule = { "str", choices = { "allow", "deny", "limit", "reject" }, doc = "What the rule does." },
		delete = { "bool", default = false, doc = "Takes the rule out." },
		route = { "bool", default = false, doc = "The rule is about packets that are forwarded." },
		insert = { "int", doc = "The number that the rule gets." },
		insert_relative_to = { "str", default = "zero", choices = { "first-ipv4", "first-ipv6", "last-ipv4", "last-ipv6", "zero" },
			doc = "What insert counts from." },
		interface = { "str", aliases = { "if" }, doc = "The interface, in the direction." },
		interface_in = { "str", aliases = { "if_in" }, doc = "The interface by which packets come in." },
		interface_out = { "str", aliases = { "if_out" }, doc = "The interface by which packets go out." },
		log = { "bool", default = false, doc = "Logs new connections." },
		from_ip = { "str", default = "any", aliases = { "from", "src" }, doc = "Where packets come from." },
		from_port = { "str", doc = "Their port there." },
		to_ip = { "str", default = "any", aliases = { "dest", "to" }, doc = "Where packets go." },
		to_port = { "str", aliases = { "port" }, doc = "Their port there: 22, 80,443 or 6000:6007." },
		proto = { "str", aliases = { "protocol" }, choices = { "ah", "any", "esp", "gre", "igmp", "ipv6", "tcp", "udp" }, doc = "The protocol." },
		name = { "str", aliases = { "app" }, doc = "An application's profile in /etc/ufw/applications.d." },
		comment = { "str", doc = "A comment on the rule; ufw has them since 0.35." },
	},
	required_one_of = { { "state", "default", "rule", "logging" } },
	mutually_exclusive = { { "name", "proto", "logging" }, { "direction", "interface_in" }, { "direction", "interface_out" } },
	required_by = { { "interface", { "direction" } } },
	returns = {
		commands = { "list", doc = "The commands that were run." },
		msg = { "str", doc = "What ufw says of its state." },
	},
	examples = {
		{ "ssh, and nothing else", [[{ "ufw": { "rule": "limit", "port": "ssh", "proto": "tcp" } }]] },
		{ "On, and closed by default", [[{ "ufw": { "state": "enabled", "policy": "deny" } }]] },
		{ "From the own network only", [[{ "ufw": { "rule": "allow", "src": "10.0.0.0/8", "port": "5432", "proto": "tcp" } }]] },
	},
	decide = function(want, known)
		local status = need(known:run(ufw{ "status", "verbose" }))
		if status.rc == 127 then fail('Failed to find required executable "ufw"') end
		if not status.ok then fail("%s", status.stderr ~= "" and status.stderr or status.how) end
		result.msg, result.commands = status.stdout, list{}
		if want.state then set_state(want, status) end
		if want.default then set_default(want, known, status) end
		if want.rule then set_rule(want, known) end
		if want.logging then set_logging(want, known, status) end
		result.msg = need(known:run(ufw{ "status", "verbose" })).stdout
	end,
}

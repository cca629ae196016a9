-- Keeps a rule, a policy or a chain in the tables of the kernel's packet filter.

local programs = { ipv4 = "iptables", ipv6 = "ip6tables" }
local icmp = { ipv4 = "--icmp-type", ipv6 = "--icmpv6-type" }

-- The words of a rule, in the order in which iptables wants matches before their options.
local function rule_words(want)
	local words, matches = {}, {}
	local function add(...)
		for _, word in ipairs{ ... } do words[#words + 1] = word end
	end
	local function give(flag, value)
		if not value then return end
		if text.starts(value, "!") then add("!", flag, value:sub(2)) else add(flag, value) end
	end
	local function match(name, is_needed)
		if is_needed and not matches[name] then
			matches[name] = true
			add("-m", name)
		end
	end
	local function csv(flag, values)
		if #values > 0 then add(flag, table.concat(values, ",")) end
	end
	give("-p", want.protocol)
	give("-s", want.source)
	give("-d", want.destination)
	for _, name in ipairs(want.match) do
		give("-m", name)
		matches[name] = true
	end
	local flags = want.tcp_flags
	if flags and flags.flags and flags.flags_set then
		add("--tcp-flags", table.concat(flags.flags, ","), table.concat(flags.flags_set, ","))
	end
	give("-j", want.jump)
	if want.jump and want.jump:lower() == "tee" then give("--gateway", want.gateway) end
	give("--log-prefix", want.log_prefix)
	give("--log-level", want.log_level)
	give("--to-destination", want.to_destination)
	match("multiport", #want.destination_ports > 0)
	csv("--dports", want.destination_ports)
	give("--to-source", want.to_source)
	give("-g", want["goto"])
	give("-i", want.in_interface)
	give("-o", want.out_interface)
	give("-f", want.fragment)
	give("-c", want.set_counters)
	give("--source-port", want.source_port)
	give("--destination-port", want.destination_port)
	give("--to-ports", want.to_ports)
	give("--set-dscp", want.set_dscp_mark)
	give("--set-dscp-class", want.set_dscp_mark_class)
	if want.syn == "match" then add("--syn") elseif want.syn == "negate" then add("!", "--syn") end
	if matches.state and not matches.conntrack then
		csv("--state", want.ctstate)
	else
		match("conntrack", #want.ctstate > 0)
		csv("--ctstate", want.ctstate)
	end
	match("iprange", want.src_range or want.dst_range)
	give("--src-range", want.src_range)
	give("--dst-range", want.dst_range)
	match("set", want.match_set)
	give("--match-set", want.match_set)
	if want.match_set then add(want.match_set_flags) end
	match("limit", want.limit or want.limit_burst)
	give("--limit", want.limit)
	give("--limit-burst", want.limit_burst)
	match("owner", want.uid_owner or want.gid_owner)
	give("--uid-owner", want.uid_owner)
	give("--gid-owner", want.gid_owner)
	if not want.jump and want.reject_with then add("-j", "REJECT") end
	give("--reject-with", want.reject_with)
	give(icmp[want.ip_version], want.icmp_type)
	match("comment", want.comment)
	give("--comment", want.comment)
	return words
end

-- The words of a command: program, table, what it does, the chain, and more.
local function command(want, action, ...)
	local words = { programs[want.ip_version], "-t", want.table, action, want.chain }
	if want.wait then table.insert(words, 2, "-w") table.insert(words, 3, want.wait) end
	for _, word in ipairs{ ... } do words[#words + 1] = word end
	return words
end

-- The first line of a chain's list; nil where there is no such chain.
local function chain_head(want, known)
	local answer = need(known:run(command(want, "-L", "-n")))
	if answer.rc == 127 then fail('Failed to find required executable "%s"', programs[want.ip_version]) end
	if not answer.ok and answer.rc ~= 1 then fail("%s", answer.stderr) end
	return answer.ok and answer.stdout:match("^[^\n]*") or nil
end

local function keep_policy(want, known)
	local head = chain_head(want, known)
	local now = head and head:match("%(policy (%u+)")
	if not now then fail("Can't detect current policy") end
	if now ~= want.policy then step.run(command(want, "-P", want.policy)) end
end

local function keep_rule(want, known, rule)
	local is_there = need(known:run(command(want, "-C", table.unpack(rule)))).ok
	local is_chain = is_there or chain_head(want, known)
	if is_there == (want.state == "present") then return end
	if want.state == "absent" then
		step.run(command(want, "-D", table.unpack(rule)))
		return
	end
	if not is_chain and want.chain_management then step.run(command(want, "-N")) end
	if want.action == "insert" and want.rule_num then table.insert(rule, 1, want.rule_num) end
	step.run(command(want, want.action == "insert" and "-I" or "-A", table.unpack(rule)))
end

local function str(doc) return { "str", doc = doc } end

return {
	name = "iptables",
	doc = "Keeps a rule, a policy or a chain of the kernel's packet filter, by iptables and ip6tables. It is not kept over a restart.",
	args = {
		table = { "str", default = "filter", choices = { "filter", "mangle", "nat", "raw", "security" }, doc = "The table." },
		chain = str("The chain: INPUT, FORWARD, OUTPUT, or one of your own. Needed unless flush is set."),
		state = { "str", default = "present", choices = { "absent", "present" }, doc = "Whether the rule shall be there." },
		action = { "str", default = "append", choices = { "append", "insert" }, doc = "Whether a new rule is the last or the first." },
		rule_num = str("The number that an inserted rule gets."),
		ip_version = { "str", default = "ipv4", choices = { "ipv4", "ipv6" }, doc = "The family of addresses." },
		protocol = str("The protocol. As in all that are matched, a \"!\" before it means any other."),
		source = str("Where packets come from."),
		destination = str("Where packets go."),
		source_port = str("The port that they come from, or a range such as 80:90."),
		destination_port = str("The port that they go to, or a range."),
		destination_ports = { "list", elements = "str", default = list{}, doc = "Ports that they go to." },
		in_interface = str("The interface by which they come in."),
		out_interface = str("The interface by which they go out."),
		jump = str("What is done with them: ACCEPT, DROP, LOG, the name of a chain."),
		["goto"] = str("A chain to go on in, without coming back."),
		match = { "list", elements = "str", default = list{}, doc = "Extensions that match." },
		ctstate = { "list", elements = "str", default = list{}, doc = "States of their connection: NEW, ESTABLISHED, RELATED, INVALID." },
		tcp_flags = { "dict", doc = "Flags of TCP.", options = {
			flags = { "list", elements = "str", doc = "Those that are looked at." },
			flags_set = { "list", elements = "str", doc = "Those of them that must be set." },
		} },
		syn = { "str", default = "ignore", choices = { "ignore", "match", "negate" }, doc = "Whether they begin a connection." },
		fragment = str("Second and further parts of packets."),
		icmp_type = str("The kind of ICMP message."),
		src_range = str("A range of addresses that they come from."),
		dst_range = str("A range of addresses that they go to."),
		match_set = str("A set of ipset."),
		match_set_flags = { "str", choices = { "dst", "dst,src", "src", "src,dst" }, doc = "Which of their addresses is in the set." },
		limit = str("How often the rule matches at most, e.g. 3/minute."),
		limit_burst = str("How often it matches before limit counts."),
		uid_owner = str("The account of the process that sends them."),
		gid_owner = str("The group of that process."),
		reject_with = str("The answer to what is rejected."),
		to_source = str("The address that SNAT gives."),
		to_destination = str("The address that DNAT gives."),
		to_ports = str("The ports that REDIRECT gives."),
		set_counters = str("Counters of packets and bytes of the new rule."),
		set_dscp_mark = str("The DSCP mark that they get."),
		set_dscp_mark_class = str("The DSCP class that they get."),
		gateway = str("Where TEE sends a copy."),
		log_prefix = str("What LOG writes before each line."),
		log_level = { "str", doc = "The level at which LOG writes.", choices = { "0", "1", "2", "3", "4", "5", "6", "7", "alert", "crit",
			"debug", "emerg", "error", "info", "notice", "warning" } },
		comment = str("A comment on the rule."),
		wait = str("How many seconds to wait for another that holds the tables."),
		flush = { "bool", default = false, doc = "Takes all rules of the chain or table away, each time." },
		policy = { "str", choices = { "ACCEPT", "DROP", "QUEUE", "RETURN" }, doc = "The policy of the chain." },
		chain_management = { "bool", default = false, doc = "Makes the chain if it is not there; with state absent and no rule, takes it away." },
	},
	mutually_exclusive = { { "set_dscp_mark", "set_dscp_mark_class" }, { "flush", "policy" } },
	required_if = { { "jump", "TEE", { "gateway" } }, { "jump", "tee", { "gateway" } }, { "flush", "false", { "chain" } } },
	required_by = { { "match_set", { "match_set_flags" } } },
	returns = {
		rule = { "str", doc = "The rule as iptables takes it." },
		chain = { "str", doc = "The chain." },
		table = { "str", doc = "The table." },
		ip_version = { "str", doc = "The family of addresses." },
		flush = { "bool", doc = "Whether rules were taken away." },
		state = { "str", doc = "The state, as it was given." },
		chain_management = { "bool", doc = "As it was given." },
	},
	examples = {
		{ "Web traffic", [[
{ "iptables": { "chain": "INPUT", "protocol": "tcp", "destination_ports": ["80", "443"], "ctstate": ["NEW"], "jump": "ACCEPT", "comment": "web" } }]] },
		{ "Closed by default", [[{ "iptables": { "chain": "INPUT", "policy": "DROP" } }]] },
	},
	decide = function(want, known)
		local rule = rule_words(want)
		for _, name in ipairs{ "ip_version", "table", "chain", "flush", "state", "chain_management" } do result[name] = want[name] end
		result.rule = table.concat(rule, " ")
		if want.log_prefix or want.log_level then
			if want.jump and want.jump ~= "LOG" then fail("Logging options can only be used with the LOG jump target.") end
			want.jump = "LOG"
			rule = rule_words(want)
		end
		if want.flush then
			step.run(command(want, "-F"))
		elseif want.policy then
			keep_policy(want, known)
		elseif want.state == "absent" and result.rule == "" then
			if chain_head(want, known) and want.chain_management then step.run(command(want, "-X")) end
		else
			keep_rule(want, known, rule)
		end
	end,
}

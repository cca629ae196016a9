-- The filter urlize: words of a text that are addresses become links.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local filters = compiler.filters
local text, truth, null = values.text, values.truth, values.null

local domain_with_scheme = [[(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})]]
local known_domain = [[(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)]]
local number_with_scheme = [[https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\])]]
local web = "^(?:" .. domain_with_scheme .. "|" .. known_domain .. "|" .. number_with_scheme .. [[)(?::\d{1,5})?(?:[/?#]\S*)?$]]
local mail = [[^\S+@\w[\w.-]*\.\w+$]]
local openings, endings = [[^(?:[(<]|&lt;)+]], [[(?:[)>.,\n]|&gt;)+$]]
local pairs_of = { { "(", ")" }, { "<", ">" }, { "&lt;", "&gt;" } }

local patterns = {}
local function search(pattern, word)
	patterns[pattern] = patterns[pattern] or values.regex(pattern, pattern == web)
	return patterns[pattern]:search(word, 1)
end

local function occurrences(word, of)
	local count, at = 0, word:find(of, 1, true)
	while at do
		count, at = count + 1, word:find(of, at + #of, true)
	end
	return count
end

-- What stands before and behind the address in a word, and the word between. A bracket that the address opens belongs to it.
local function parts(word)
	local head, tail = "", ""
	local found = search(openings, word)
	if found then
		head, word = found[0], word:sub(#found[0] + 1)
	end
	found = search(endings, word)
	if found then
		tail, word = found[0], word:sub(1, -#found[0] - 1)
	end
	for _, pair in ipairs(pairs_of) do
		local opened = occurrences(word, pair[1])
		if opened > occurrences(word, pair[2]) then
			for _ = 1, math.min(opened, occurrences(tail, pair[2])) do
				local _, stop = tail:find(pair[2], 1, true)
				word, tail = word .. tail:sub(1, stop), tail:sub(stop + 1)
			end
		end
	end
	return head, word, tail
end

local function link(to, shown, attributes)
	return '<a href="' .. to .. '"' .. attributes .. ">" .. shown .. "</a>"
end

local function linked(word, limit, attributes)
	if search(web, word) then
		local shown = limit and native.length(word) > limit and values.slice(word, 0, limit) .. "..." or word
		return link(word:find("^https?://") and word or "https://" .. word, shown, attributes)
	elseif word:find("^mailto:") and search(mail, word:sub(8)) then
		return link(word, word:sub(8), "")
	elseif word:find("@", 1, true) and not word:find("^www%.") and not word:find(":", 1, true) and search(mail, word) then
		return link("mailto:" .. word, word, "")
	end
	return word
end

local function relations(nofollow, rel)
	local out, there = {}, {}
	local function add(name)
		if not there[name] then
			out[#out + 1], there[name] = name, true
		end
	end
	for name in (rel or ""):gmatch("%S+") do
		add(name)
	end
	if nofollow then
		add("nofollow")
	end
	add("noopener")
	table.sort(out)
	return table.concat(out, " ")
end

compiler.define(filters, "urlize", { "trim_url_limit:int", "nofollow:bool", "target:str", "rel:str" }, function(v, limit, nofollow, target, rel)
	local escape = filters.escape.run
	local attributes = ' rel="' .. escape(relations(nofollow, rel ~= null and rel or nil)) .. '"'
	if target ~= nil and target ~= null and truth(target) then
		attributes = attributes .. ' target="' .. escape(target) .. '"'
	end
	return (escape(text(v)):gsub("%S+", function(word)
		local head, middle, tail = parts(word)
		return head .. linked(middle, math.type(limit) == "integer" and limit, attributes) .. tail
	end))
end)

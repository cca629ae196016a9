-- What chance decides: of the system, or of a seed, and then as Python's random.Random(seed).

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local globals = import("jinja/globals.lua")

local fail, null, kind = values.fail, values.null, values.kind
local filters = compiler.filters
local chance = {}

-- As Python's hash() of a float: its value modulo the prime 2^61 - 1.
local function float_hash(v)
	local prime, hash, exponent = (1 << 61) - 1, 0, 0
	local rest = math.abs(v)
	if rest == 0 then
		return 0
	end
	while rest >= 1 do
		rest, exponent = rest / 2, exponent + 1
	end
	while rest < 0.5 do
		rest, exponent = rest * 2, exponent - 1
	end
	while rest > 0 do
		hash = hash << 28 & prime | hash >> 61 - 28
		rest, exponent = rest * 2.0 ^ 28, exponent - 28
		local whole = math.tointeger(rest // 1)
		rest = rest - whole
		hash = hash + whole
		hash = hash >= prime and hash - prime or hash
	end
	exponent = exponent % 61
	hash = hash << exponent & prime | hash >> 61 - exponent
	return v > 0 and hash or hash == 1 and -2 or -hash
end

-- The number that a seed is, as bytes.
local function seed_bytes(seed)
	if seed == true or seed == false then
		seed = seed and 1 or 0
	end
	if type(seed) == "string" then
		return seed .. native.digest("sha512", seed):gsub("%x%x", function(hex)
			return string.char(tonumber(hex, 16))
		end)
	elseif type(seed) ~= "number" or seed ~= seed or math.abs(seed) == math.huge then
		fail("a seed must be a string or a number, not a value of type %s", values.type_name(values.defined(seed)))
	end
	return string.pack(">i8", math.type(seed) == "integer" and math.abs(seed) or float_hash(seed))
end

-- A function(n) that gives whole numbers from 0 to below n.
function chance.generator(seed)
	if seed == nil or seed == null then
		return native.random
	end
	return native.random_seeded(seed_bytes(seed))
end

local function whole_number(random, start, stop, step)
	local count = (stop - start + step - (step > 0 and 1 or -1)) // step
	if count <= 0 then
		fail("random: there is no number from %d to %d by %d", start, stop, step)
	end
	return start + step * random(count)
end

compiler.define(filters, "random", { "start:int", "step:int", "seed" }, function(v, start, step, seed)
	local random = chance.generator(seed)
	start, step = start or 0, step or 0
	if type(v) == "boolean" or math.type(v) == "integer" then
		return whole_number(random, start, v == true and 1 or v or 0, step == 0 and 1 or step)
	elseif start ~= 0 or step ~= 0 then
		fail("random: start and step are for whole numbers, not for a value of type %s", values.type_name(v))
	end
	local items = values.elements(v)
	if #items == 0 then
		fail("random: the sequence is empty")
	end
	return items[random(#items) + 1]
end)

compiler.define(filters, "shuffle", { "seed" }, function(v, seed)
	local k = kind(v)
	if k ~= "list" and k ~= "tuple" and k ~= "dict" and k ~= "str" then
		return v
	end
	local items = values.copied(v)
	local random = chance.generator(seed ~= nil and values.truth(seed) and seed or nil)
	for i = #items, 2, -1 do
		local j = random(i) + 1
		items[i], items[j] = items[j], items[i]
	end
	return items
end)

-- Text to fill a page with

local words = {}
for word in ([[a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit class commodo
condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae cursus dapibus diam dictum dictumst dignissim
dis dolor donec dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu euismod facilisi facilisis fames faucibus
felis fermentum feugiat fringilla fusce gravida habitant habitasse hac hendrerit hymenaeos iaculis id imperdiet in inceptos integer
interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula litora lobortis lorem luctus maecenas magna magnis malesuada massa
mattis mauris metus mi molestie mollis montes morbi mus nam nascetur natoque nec neque netus nibh nisi nisl non nonummy nostra nulla
nullam nunc odio orci ornare parturient pede pellentesque penatibus per pharetra phasellus placerat platea porta porttitor posuere
potenti praesent pretium primis proin pulvinar purus quam quis quisque rhoncus ridiculus risus rutrum sagittis sapien scelerisque sed
sem semper senectus sit sociis sociosqu sodales sollicitudin suscipit suspendisse taciti tellus tempor tempus tincidunt torquent
tortor tristique turpis ullamcorper ultrices ultricies urna ut varius vehicula vel velit venenatis vestibulum vitae vivamus viverra
volutpat vulputate]]):gmatch("%S+") do
	words[#words + 1] = word
end

local PARAGRAPHS_MAX, WORDS_MAX = 1000, 10000

-- count words; commas and full stops come by chance.
local function paragraph(count)
	local out, comma, stop, capital = {}, 0, 0, true
	for i = 1, count do
		local word = words[native.random(#words) + 1]
		word = capital and values.capitalize(word) or word
		capital = false
		if i - comma > 2 + native.random(6) then
			comma, stop, word = i, stop + 2, word .. ","
		elseif i - stop > 9 + native.random(11) then
			comma, stop, word, capital = i, i, word .. ".", true
		end
		out[i] = word
	end
	return (table.concat(out, " "):gsub(",?$", ".", 1):gsub("%.%.$", "."))
end

globals.add("lipsum", { "n:int", "html:bool", "min:int", "max:int" }, function(n, html, least, most)
	n, least, most = n or 5, least or 20, most or 100
	if n > PARAGRAPHS_MAX or most > WORDS_MAX or least < 0 or most <= least then
		fail("lipsum: at most %d paragraphs of at most %d words, and max above min", PARAGRAPHS_MAX, WORDS_MAX)
	end
	local out = {}
	for i = 1, n do
		local text = paragraph(least + native.random(most - least))
		out[i] = html == false and text or "<p>" .. text .. "</p>"
	end
	return table.concat(out, html == false and "\n\n" or "\n")
end)

return chance

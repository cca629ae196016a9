-- Text in other encodings than UTF-8: values.decode, and the filters b64encode and b64decode.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")

local fail = values.fail

-- A character is so many bytes at most most, in the format of string.pack; 0xD800 and above take two units in UTF-16.
local function single(most)
	return { most = most, unit = "B", size = 1 }
end

local utf_16_le, utf_16_be = { unit = "<I2", size = 2, pairs = true }, { unit = ">I2", size = 2, pairs = true }
local encodings = {
	["utf-8"] = false, utf8 = false, u8 = false,
	ascii = single(0x7f), ["us-ascii"] = single(0x7f),
	["latin-1"] = single(0xff), latin1 = single(0xff), ["iso-8859-1"] = single(0xff), l1 = single(0xff),
	["utf-16-le"] = utf_16_le, ["utf-16le"] = utf_16_le, ["utf-16-be"] = utf_16_be, ["utf-16be"] = utf_16_be,
	["utf-16"] = { unit = "<I2", size = 2, pairs = true, mark = "\xff\xfe" },
}
encodings.utf16 = encodings["utf-16"]

local function encoding_of(name)
	local encoding = encodings[(name or "utf-8"):lower():gsub("_", "-")]
	if encoding == nil then
		fail("the encoding '%s' is not known; there are utf-8, utf-16, utf-16-le, utf-16-be, latin-1 and ascii", name)
	end
	return encoding
end

local function encode(text, name)
	local encoding = encoding_of(name)
	if not encoding then
		return text
	end
	local out = { encoding.mark }
	for _, code in utf8.codes(text) do
		if encoding.most and code > encoding.most then
			fail("the character '%s' is not in the encoding '%s'", utf8.char(code), name)
		elseif encoding.pairs and code > 0xFFFF then
			code = code - 0x10000
			out[#out + 1] = string.pack(encoding.unit, 0xD800 | code >> 10)
			code = 0xDC00 | code & 0x3FF
		end
		out[#out + 1] = string.pack(encoding.unit, code)
	end
	return table.concat(out)
end

function values.decode(bytes, name)
	local encoding = encoding_of(name)
	if not encoding then
		return bytes
	end
	local at, unit = 1, encoding.unit
	if encoding.mark and (bytes:sub(1, 2) == "\xff\xfe" or bytes:sub(1, 2) == "\xfe\xff") then
		at, unit = 3, bytes:byte() == 0xff and "<I2" or ">I2"
	end
	local out, high = {}, nil
	while at + encoding.size - 1 <= #bytes do
		local code = string.unpack(unit, bytes, at)
		at = at + encoding.size
		if encoding.most and code > encoding.most or not high and encoding.pairs and code >= 0xDC00 and code < 0xE000
			or high and (code < 0xDC00 or code >= 0xE000) then
			fail("the bytes are not text in the encoding '%s'", name)
		elseif encoding.pairs and code >= 0xD800 and code < 0xDC00 then
			high = code
		else
			out[#out + 1] = utf8.char(high and 0x10000 + ((high & 0x3FF) << 10 | code & 0x3FF) or code)
			high = nil
		end
	end
	if high or at <= #bytes then
		fail("the bytes are not text in the encoding '%s'", name)
	end
	return table.concat(out)
end

compiler.define(compiler.filters, "b64encode", { "encoding:str" }, function(v, name)
	return native.base64_encode(encode(values.text(v), name))
end)
compiler.define(compiler.filters, "b64decode", { "encoding:str" }, function(v, name)
	return values.decode(native.base64_decode(values.text(v)), name)
end)

-- The lookup url: what is at an address of the web, fetched by curl where neap runs, or by wget where there is none.
--
-- What may be secret (headers, password, and the address itself) is told to the program on its standard input, never by its
-- words. Redirections are followed here, one request for each: what is for one server is not told to another.

local values = import("jinja/values.lua")
local compiler = import("jinja/compiler.lua")
local lookups = import("jinja/lookups.lua")

local text, fail, null, flag, kind = values.text, values.fail, values.null, values.flag, values.kind

local REDIRECTS_MAX, SECONDS_MAX = 10, 600

local function list_of(value)
	if type(value) == "string" then
		local out = {}
		for each in value:gmatch("[^,]+") do
			out[#out + 1] = each:match("^%s*(.-)%s*$")
		end
		return out
	end
	return values.elements(value)
end

local function seconds_of(value)
	local seconds = tonumber(text(value))
	return seconds and seconds > 0 and seconds <= SECONDS_MAX and seconds
		or fail("lookup('url'): timeout is more than 0 and at most %d seconds, not %s", SECONDS_MAX, values.repr(value))
end

-- As a plain table.
local function table_of(value)
	local out = {}
	for name, member in values.each(kind(value) == "dict" and value or fail("lookup('url'): headers is a dictionary, not a value of type %s", values.type_name(value))) do
		out[name] = member
	end
	return out
end

local redirects = { urllib2 = true, all = true, yes = true, safe = true, no = false, none = false, ["true"] = true, ["false"] = false }

local function follows_of(value)
	local follows = redirects[native.lower(text(value))]
	return follows == nil and fail("lookup('url'): follow_redirects is all, safe, urllib2 or none, not %s", values.repr(value)) or follows
end

-- Each option: how it is read, what it is where nobody says so, and the end of the variable ansible_lookup_url_... that may.
local options = {
	ca_path = { text, nil, "ca_path" }, ciphers = { list_of, nil, "ciphers" }, follow_redirects = { follows_of, true, "follow_redirects" },
	force = { flag, false, "force" }, force_basic_auth = { flag, false }, headers = { table_of, {} },
	http_agent = { text, "ansible-httpget", "agent" }, password = { text }, split_lines = { flag, true },
	timeout = { seconds_of, 10, "timeout" }, unix_socket = { text, nil, "unix_socket" },
	unredirected_headers = { list_of, {}, "unredir_headers" }, use_gssapi = { flag, false, "use_gssapi" },
	use_netrc = { flag, true, "use_netrc" }, use_proxy = { flag, true }, username = { text }, validate_certs = { flag, true },
}

local function read_options(given)
	local want = {}
	for name, option in pairs(options) do
		local read, default, variable = option[1], option[2], option[3]
		local value = given[name]
		if value == nil and variable then
			value = compiler.runtime.lookup("ansible_lookup_url_" .. variable)
			value = not values.is_undefined(value) and value or nil
		end
		if value ~= nil and value ~= null then
			want[name] = read(value)
		else
			want[name] = default
		end
	end
	return want
end

-- The request's headers by name; one of the user's is in the place of neap's own.
local function headers_of(want)
	local headers = { ["user-agent"] = want.http_agent, ["accept-encoding"] = "identity" }
	if want.force then
		headers["cache-control"] = "no-cache"
	end
	for name, value in pairs(want.headers) do
		name, value = text(name), text(value)
		if not name:find("^[%w!#$%%&'*+.^_`|~-]+$") or value:find("[\r\n%z]") then
			fail("lookup('url'): the header '%s' cannot be sent: its name or its value has a character that no header has", native.clean(name))
		end
		headers[native.lower(name)] = value
	end
	return headers, values.names_of(headers)
end

-- The address without a name and a password in it, which become options.
local function split_address(term, want)
	local url = text(term)
	local scheme, authority, rest = url:match("^(%a+)://([^/?#]*)(.*)$")
	if not scheme or not ({ http = true, https = true, ftp = true })[native.lower(scheme)] or url:find("[%c ]") then
		fail("lookup('url'): an address begins with http://, https:// or ftp:// and has no blanks: %s", values.repr(native.clean(url)))
	end
	local user, host = authority:match("^(.*)@([^@]*)$")
	if user and not want.username then
		want.username, want.password = user:match("^([^:]*)"), user:match(":(.*)$") or ""
	end
	return { scheme = native.lower(scheme), host = native.lower(host or authority), shown = scheme .. "://" .. (host or authority) .. rest }
end

-- ---- the programs ----

-- curl's configuration, one option a line.
local function curl_configuration(want, address)
	local lines = {}
	local function add(option, value)
		local quoted = value and tostring(value):gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\r", "\\r")
		lines[#lines + 1] = option .. (quoted and ' = "' .. quoted .. '"' or "") .. "\n"
	end
	local headers, names = headers_of(want)
	for _, name in ipairs(names) do
		add("header", headers[name] == "" and name .. ";" or name .. ": " .. headers[name])
	end
	if not headers.accept then
		add("header", "Accept:")
	end
	local netrc = want.use_netrc and not want.username
	local flags = {
		{ true, "url", address.shown }, { true, "globoff" }, { true, "path-as-is" }, { true, "http1.1" }, { true, "compressed" },
		{ true, "connect-timeout", want.timeout }, { true, "speed-time", math.ceil(want.timeout) }, { true, "speed-limit", 1 },
		{ true, "max-time", SECONDS_MAX }, { not want.validate_certs, "insecure" }, { not want.use_proxy, "noproxy", "*" },
		{ netrc, "netrc-optional" }, { netrc and native.environment("NETRC"), "netrc-file", native.environment("NETRC") },
		{ want.use_gssapi, "negotiate" }, { want.use_gssapi and not want.username, "user", ":" },
		{ want.username, "user", (want.username or "") .. ":" .. (want.password or "") },
		{ want.username and not want.use_gssapi and not want.force_basic_auth and address.scheme ~= "ftp", "anyauth" },
		{ want.unix_socket, "unix-socket", want.unix_socket }, { want.ciphers, "ciphers", table.concat(want.ciphers or {}, ":") },
		{ want.ca_path, want.ca_path and native.file_kind(want.ca_path, true) == "directory" and "capath" or "cacert", want.ca_path },
	}
	for _, option in ipairs(flags) do
		if option[1] then
			add(option[2], option[3])
		end
	end
	return table.concat(lines)
end

-- wget reads its configuration from a real file only: one without a name, which nobody else can open.
local wget_script = [[umask 077
file=$(mktemp "${TMPDIR:-/tmp}/neap.XXXXXX") && exec 3<>"$file" && rm -f "$file" && cat >&3 || exit 90
{ read -r url; } <"/dev/fd/3"
exec wget --config=/dev/fd/3 -O - -- "${url#\#}"]]

local function wget_configuration(want, address)
	for _, name in ipairs({ "unix_socket", "ciphers", "use_gssapi" }) do
		if want[name] then
			fail("lookup('url'): %s needs curl, and there is only wget here", name)
		end
	end
	local headers, names = headers_of(want)
	local lines = { "#" .. address.shown, "server_response=on", "content_on_error=on", "tries=1", "max_redirect=0", "timeout=" .. want.timeout,
		"user_agent=" .. headers["user-agent"] }
	for _, name in ipairs(names) do
		lines[#lines + 1] = name ~= "user-agent" and "header=" .. name .. ": " .. headers[name] or nil
	end
	local is_folder = want.ca_path and native.file_kind(want.ca_path, true) == "directory"
	local flags = {
		{ want.username, "user=" .. (want.username or "") }, { want.password, "password=" .. (want.password or "") },
		{ want.force_basic_auth, "auth_no_challenge=on" }, { not want.validate_certs, "check_certificate=off" },
		{ want.ca_path, (is_folder and "ca_directory=" or "ca_certificate=") .. (want.ca_path or "") },
		{ not want.use_proxy, "use_proxy=off" }, { not want.use_netrc, "netrc=off" },
	}
	for _, option in ipairs(flags) do
		lines[#lines + 1] = option[1] and option[2] or nil
	end
	return table.concat(lines, "\n") .. "\n"
end

-- The last line of a program's complaints.
local function complaint_of(said, status)
	local line = native.clean(said):match("([^\n]*)%s*$"):gsub("^curl: ", "")
	return line ~= "" and line or "it ended with status " .. status
end

-- Status, body, where a redirection leads; or nil and why there is no answer. What ftp answers has no status.
local function by_curl(want, address)
	local out, status, said = native.program({ "curl", "-q", "-sS", "-K", "-", "-w", "\n%{http_code} %{redirect_url}" },
		curl_configuration(want, address), SECONDS_MAX + 30)
	if not out then
		return nil, status, said
	elseif status ~= 0 then
		return nil, complaint_of(said, status)
	end
	local body, code, leads = out:match("^(.*)\n(%d+) (%S*)$")
	return address.scheme == "ftp" and 200 or tonumber(code), body, leads
end

local function by_wget(want, address)
	local out, status, said = native.program({ "/bin/sh", "-c", wget_script }, wget_configuration(want, address), SECONDS_MAX + 30)
	if not out then
		return nil, status
	elseif status == 127 then
		return nil, "there is neither curl nor wget on this machine"
	end
	local code = said:match(".*\n *HTTP/[%d.]+ (%d+)") or said:match("^ *HTTP/[%d.]+ (%d+)")
	if address.scheme == "ftp" and status == 0 then
		return 200, out, ""
	elseif not code or status ~= 0 and status ~= 6 and status ~= 8 then
		return nil, complaint_of(said, status)
	end
	local place = said:match(".*\n *[Ll]ocation: (%S+)") or ""
	if place ~= "" and not place:find("^%a[%w+.-]*:") then
		local root, path = address.shown:match("^(%a+://[^/?#]*)([^?#]*)")
		place = place:find("^//") and address.scheme .. ":" .. place or place:find("^/") and root .. place or root .. (path:match("^(.*/)") or "/") .. place
	end
	return tonumber(code), out, place
end

local function ask(want, address)
	local status, body, more = by_curl(want, address)
	if not status and more == true then
		return by_wget(want, address)
	end
	return status, body, more
end

-- ---- one address ----

local meanings = { [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
	[407] = "Proxy Authentication Required", [410] = "Gone", [429] = "Too Many Requests", [500] = "Internal Server Error",
	[502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout" }

-- What may still be told where a redirection leads: headers that are for the first address only are not, and what proves who
-- asks only to the same server.
local function after_redirection(want, from, to)
	local headers, left = {}, {}
	local same = from.host == to.host and (from.scheme == to.scheme or to.scheme == "https")
	for _, name in ipairs(want.unredirected_headers) do
		left[native.lower(text(name))] = true
	end
	if not same then
		left.authorization, left.cookie, left["proxy-authorization"] = true, true, true
	end
	for name, value in pairs(want.headers) do
		if not left[native.lower(text(name))] then
			headers[name] = value
		end
	end
	local next_want = { headers = headers }
	if not same then
		next_want.username, next_want.password, next_want.use_gssapi = false, false, false
	end
	return setmetatable(next_want, { __index = want })
end

local function fetch(term, want)
	want = setmetatable({}, { __index = want })
	local address = split_address(term, want)
	local first = address.shown
	for _ = 0, REDIRECTS_MAX do
		local status, body, leads = ask(want, address)
		if not status then
			fail("lookup('url'): %s: %s", address.shown, body)
		elseif status >= 200 and status < 300 then
			return body
		elseif status < 300 or status >= 400 or status == 304 or not want.follow_redirects or (leads or "") == "" then
			local meaning = meanings[status] or status >= 300 and status < 400 and "a redirection, which is not followed"
			fail("lookup('url'): %s: HTTP Error %d%s", address.shown, status, meaning and ": " .. meaning or "")
		end
		local to = split_address(leads, {})
		if to.scheme == "ftp" then
			fail("lookup('url'): %s: the redirection to %s is not followed", address.shown, to.shown)
		end
		want, address = after_redirection(want, address, to), to
	end
	fail("lookup('url'): %s: more than %d redirections", first, REDIRECTS_MAX)
end

lookups.add("url", values.names_of(options), function(terms, given)
	local want, out = read_options(given), {}
	for _, term in ipairs(terms) do
		local body = native.clean(fetch(term, want))
		if want.split_lines then
			lookups.lines(body, out)
		else
			out[#out + 1] = body
		end
	end
	return out
end)

-- Talks to a web service from a host, by the host's own curl or wget.
--
-- What may be secret (headers, password, body) goes to the program by files that nobody else can read, never by its words.

-- ---- the body of the request ----

local function percent(value)
	local plain = value == true and "True" or value == false and "False" or tostring(value)
	return (plain:gsub("[^%w_.~ -]", function(c) return ("%%%02X"):format(c:byte()) end):gsub(" ", "+"))
end

-- A dictionary, or a list of pairs, as a form has them.
local function form(body)
	if type(body) ~= "table" then return tostring(body) end
	local parts, fields = {}, {}
	if #body > 0 then
		for _, pair in ipairs(body) do fields[#fields + 1] = { pair[1], pair[2] } end
	else
		for key, value in pairs(body) do fields[#fields + 1] = { key, value } end
	end
	for _, field in ipairs(fields) do
		for _, value in ipairs(type(field[2]) == "table" and field[2] or { field[2] }) do
			if value ~= null then parts[#parts + 1] = percent(field[1]) .. "=" .. percent(value) end
		end
	end
	return table.concat(parts, "&")
end

-- The parts of a multipart form; the boundary is made from them, so that it is in none of them.
local function multipart(body)
	if type(body) ~= "table" then fail("failed to parse body as form-multipart: Mapping is required, cannot be type %s", type(body)) end
	local parts = {}
	for name, value in pairs(body) do
		local about = type(value) == "table" and value or { content = tostring(value) }
		if not about.content then fail("failed to parse body as form-multipart: %s needs content", name) end
		local head = ('Content-Type: %s\r\nContent-Disposition: form-data; name="%s"'):format(about.mime_type or
			(about.filename and "application/octet-stream" or "text/plain"), name)
		if about.filename then head = head .. ('; filename="%s"'):format(file.name(about.filename)) end
		parts[#parts + 1] = head .. "\r\n\r\n" .. about.content .. "\r\n"
	end
	local boundary = "==" .. digest("sha256", table.concat(parts)):sub(1, 32) .. "=="
	local whole = "--" .. boundary .. "\r\n" .. table.concat(parts, "--" .. boundary .. "\r\n") .. "--" .. boundary .. "--\r\n"
	return ('multipart/form-data; boundary="%s"'):format(boundary), whole
end

-- The request's headers and body: what the format says of them.
local function request(want)
	local headers, has_type, body = {}, false, want.body
	for name, value in pairs(want.headers) do
		headers[name] = tostring(value)
		has_type = has_type or name:lower() == "content-type"
	end
	local kind
	if want.body_format == "json" then
		if type(body) ~= "string" then body = json.encode(body == nil and null or body) end
		kind = "application/json"
	elseif want.body_format == "form-urlencoded" then
		if body ~= nil then body = form(body) end
		kind = "application/x-www-form-urlencoded"
	elseif want.body_format == "form-multipart" then
		headers["Content-Type"], body = multipart(body)
	elseif type(body) == "table" then
		body = json.encode(body)
	elseif body ~= nil then
		body = tostring(body)
	end
	if kind and not has_type then headers["Content-Type"] = kind end
	return headers, body
end

-- ---- the programs ----

local function follows(want, method)
	local how = want.follow_redirects
	if how == "safe" then return method == "GET" or method == "HEAD" end
	return how == "all" or how == "yes" or how == "urllib2"
end

-- curl's configuration, one option a line.
local function curl_configuration(want, method, headers, has_body)
	local lines = {}
	local function add(option, value)
		local quoted = value and value:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\r", "\\r")
		lines[#lines + 1] = option .. (quoted and ' = "' .. quoted .. '"' or "") .. "\n"
	end
	add("url", want.url)
	add("user-agent", want.http_agent)
	add("connect-timeout", tostring(want.timeout))
	add("speed-time", tostring(want.timeout))
	add("speed-limit", "1")
	local given = {}
	for name, value in pairs(headers) do
		add("header", value == "" and name .. ";" or name .. ": " .. value)
		given[name:lower()] = true
	end
	if not given["accept-encoding"] then add("header", "Accept-Encoding: identity") end
	if not given.accept then add("header", "Accept:") end
	if want.force then add("header", "Cache-Control: no-cache") end
	if want.url_username then add("user", want.url_username .. ":" .. (want.url_password or "")) end
	local flags = {
		{ method == "HEAD" and not has_body, "head" }, { follows(want, method), "location" }, { not want.validate_certs, "insecure" },
		{ want.use_netrc and not want.url_username, "netrc-optional" }, { want.decompress, "compressed" },
		{ want.use_gssapi, "negotiate" }, { not want.use_proxy, "noproxy", "*" }, { want.client_cert, "cert", want.client_cert },
		{ want.client_key, "key", want.client_key }, { want.ca_path, "cacert", want.ca_path },
		{ want.unix_socket, "unix-socket", want.unix_socket },
		{ want.ciphers, "ciphers", want.ciphers and table.concat(want.ciphers, ":") },
		{ has_body and method ~= "POST" or not has_body and method ~= "GET" and method ~= "HEAD", "request", method },
	}
	for _, flag in ipairs(flags) do
		if flag[1] then add(flag[2], flag[3]) end
	end
	return table.concat(lines)
end

-- wget's, as ~/.wgetrc has them. What it cannot do is said before.
local function wget_configuration(want, method, headers, has_body)
	for _, name in ipairs{ "unix_socket", "ciphers", "use_gssapi" } do
		if want[name] then fail("uri: %s needs curl, and the host has only wget", name) end
	end
	local lines = { "server_response=on", "content_on_error=on", "tries=1", "timeout=" .. want.timeout, "user_agent=" .. want.http_agent,
		"max_redirect=" .. (follows(want, method) and 20 or 0), "method=" .. method }
	local function add(condition, line)
		if condition then lines[#lines + 1] = line end
	end
	for name, value in pairs(headers) do add(true, "header=" .. name .. ": " .. value) end
	add(want.force, "header=Cache-Control: no-cache")
	add(want.url_username, "user=" .. (want.url_username or ""))
	add(want.url_password, "password=" .. (want.url_password or ""))
	add(want.url_username, "auth_no_challenge=on")
	add(not want.validate_certs, "check_certificate=off")
	add(want.client_cert, "certificate=" .. (want.client_cert or ""))
	add(want.client_key, "private_key=" .. (want.client_key or ""))
	add(want.ca_path, "ca_certificate=" .. (want.ca_path or ""))
	add(not want.use_proxy, "use_proxy=off")
	add(not want.use_netrc, "netrc=off")
	return table.concat(lines, "\n") .. "\n"
end

-- Reads configuration and body from its input; writes: the program's exit status; status, seconds and URL (curl only); how
-- long the complaints and the headers are; then these and the body, which may be any bytes.
-- The file that the answer goes to is made anew, because in a folder that all may write to somebody may wait with a link of its name.
local script = [[
umask 077
d=$(mktemp -d "${TMPDIR:-/tmp}/neap.XXXXXX") || exit 90
trap 'rm -rf "$d"' EXIT
head -c %d >"$d/c"; cat >"$d/d"
out=%s; [ -n "$out" ] || out=$d/b
rm -f "$out" && (set -C; : >"$out") || exit 91
body=%s; [ -n "$body" ] || body=$d/d
: >"$d/w"; : >"$d/h"
%s
rc=$?
echo "$rc"; cat "$d/w"; echo; wc -c <"$d/e"; wc -c <"$d/h"; cat "$d/e" "$d/h"
if %s || grep -qi '^ *content-type:.*\(json\|javascript\)' "$d/h" || grep -q '^ *HTTP/[0-9.]* [345]' "$d/h"; then cat "$out"; fi
:]]

local curl = [[curl -q -sS --http1.1 -K "$d/c" %s %s -D "$d/h" -o "$out" -w '%%{http_code} %%{time_total} %%{url_effective}' >"$d/w" 2>"$d/e"]]
local wget = [[wget --config="$d/c" %s -O "$out" -- %s >/dev/null 2>"$d/e"
rc=$?; sed -n 's/^  //p' "$d/e" >"$d/h"; (exit "$rc")]]

-- Which of them the host has, in the words of the script.
local function command(want, program, since, has_body)
	if program == "curl" then
		-- Not by curl's -z, which throws away what a server sends nevertheless.
		local newer = since and ([[-H "If-Modified-Since: $(LC_ALL=C date -u -r %s '+%%a, %%d %%b %%Y %%H:%%M:%%S GMT')"]]):format(quote(since))
		return curl:format(has_body and '--data-binary "@$body"' or "", newer or "")
	end
	return wget:format(has_body and '--body-file="$body"' or "", quote(want.url))
end

-- ---- the response ----

-- The first lines of the script's output, then the lengths, then the pieces.
local function pieces(raw)
	local at, lines = 1, {}
	for i = 1, 4 do
		local stop = raw:find("\n", at, true)
		if not stop then return end
		lines[i] = raw:sub(at, stop - 1)
		at = stop + 1
	end
	local complaint, head = tonumber(lines[3]), tonumber(lines[4])
	if not complaint or not head then return end
	return tonumber(lines[1]), lines[2], raw:sub(at, at + complaint - 1), raw:sub(at + complaint, at + complaint + head - 1),
		raw:sub(at + complaint + head)
end

-- The headers of the last response, those before were redirections: a table by lower name, and the cookies.
local function parse_headers(head)
	local status, reason, headers, cookies, names = nil, "", {}, {}, {}
	for _, line in ipairs(text.lines(head)) do
		line = line:gsub("[\r\n]+$", "")
		local code, words = line:match("^HTTP/[%d.]+ (%d+) ?(.*)$")
		if code then
			status, reason, headers, cookies, names = tonumber(code), words, {}, {}, {}
		else
			local name, value = line:match("^([^:%s]+):%s*(.-)%s*$")
			if name and status then
				local key = name:lower()
				headers[key] = headers[key] and headers[key] .. ", " .. value or value
				local cookie, content = value:match("^([^=;]+)=([^;]*)")
				if key == "set-cookie" and cookie then
					if not cookies[cookie] then names[#names + 1] = cookie end
					cookies[cookie] = content
				end
			end
		end
	end
	local shown = {}
	for i, name in ipairs(names) do shown[i] = name .. "=" .. cookies[name] end
	return status, reason, headers, cookies, table.concat(shown, "; ")
end

local function is_json(kind)
	local sub = (kind or ""):lower():match("^%s*[^/;%s]+/([^;%s]+)")
	sub = sub and (sub:match("%+(.*)$") or sub)
	return sub == "json" or sub == "javascript"
end

local function absolute(url, location)
	if location:find("://", 1, true) then return location end
	if text.starts(location, "/") then return url:match("^%a[%w+.-]*://[^/?#]*") .. location end
	return file.folder(url) .. "/" .. location
end

-- What became of the request, as keys of the result; the body, or nil where there was no answer.
local function take(want, done)
	local rc, about, complaint, head, body = pieces(done.raw)
	if not rc then fail{ msg = "the request could not be made: " .. (done.stderr ~= "" and done.stderr or done.how), rc = done.rc } end
	local status, reason, headers, cookies, cookies_string = parse_headers(head)
	local _, seconds, url = about:match("^(%S+) (%S+) (.*)$")
	for location in complaint:gmatch("Location: (%S+) %[following%]") do
		if follows(want, want.method:upper()) then url = absolute(url or want.url, location) end
	end
	result.elapsed = math.floor(tonumber(seconds or "0") or 0)
	result.url = url ~= "" and url or want.url
	result.redirected = result.url ~= want.url and result.url ~= want.url .. "/"
	-- wget's 6 and 8 say that the server would not, curl's that it could not.
	local answered = rc == 0 or seconds == nil and (rc == 6 or rc == 8)
	if not status or not answered then
		result.status, result.redirected, result.url = -1, false, want.url
		local words = text.trim(complaint):match("[^\n]*$")
		return "Request failed: " .. (words ~= "" and words or "exit status " .. rc), {}
	end
	for name, value in pairs(headers) do result[name:gsub("-", "_")] = value end
	result.status = status
	if status >= 300 then
		result.msg = ("HTTP Error %d: %s"):format(status, reason)
	else
		result.msg = ("OK (%s bytes)"):format(headers["content-length"] or "unknown")
		result.cookies, result.cookies_string = cookies, cookies_string
	end
	if headers.location then result.location = absolute(want.url, headers.location) end
	return result.msg, headers, body
end

-- ---- the file ----

local function response_name(headers, url)
	local given = (headers["content-disposition"] or ""):match('filename="?([^";]+)')
	local path = url:gsub("[?#].*$", ""):match("^%a[%w+.-]*://[^/]*/(.*)$") or ""
	local name = file.name(given or path)
	return name ~= "" and name or "index.html"
end

local function save(want, known, part, dest)
	changed()
	step.put{ path = dest, from = part, mode = want.mode, owner = want.owner, group = want.group, follow = true }
	step.remove(part)
	result.path = dest
	file.report(result, need(known:stat(dest, { follow = true })))
end

local function stop_early(want, known)
	local creates = want.creates and need(known:stat(want.creates, { follow = true }))
	local removes = want.removes and need(known:stat(want.removes, { follow = true }))
	if creates and creates.exists then
		result.stdout = ("skipped, since '%s' exists"):format(want.creates)
	elseif removes and not removes.exists then
		result.stdout = ("skipped, since '%s' does not exist"):format(want.removes)
	end
	return result.stdout ~= nil
end

-- The file that is the body, on the host: it is sent there if it is the controller's.
local function source(want, known)
	if not want.src or want.remote_src then return want.src end
	local found = need(known:find(want.src, "files"))
	if not found then fail{ msg = "Unable to open source file " .. want.src, elapsed = 0 } end
	local path = "/tmp/.neap-" .. digest("sha256", want.src .. "\0" .. want.url):sub(1, 24)
	step.put{ path = path, local_file = found, mode = "0600" }
	return path
end

local function uri(want, known)
	local method = want.method:upper()
	if stop_early(want, known) then
		changed(false)
		return
	end
	local headers, body = request(want)
	local dest = want.dest and need(known:stat(want.dest, { follow = true }))
	local program = need(known:run{ sh = "command -v curl >/dev/null && echo curl || { command -v wget >/dev/null && echo wget; }" }).stdout
	if program == "" then fail("there is neither curl nor wget on this host") end
	local folder = dest and (dest.type == "directory" and want.dest:gsub("(.)/+$", "%1") or file.folder(want.dest))
	local part = folder and folder .. "/.neap-" .. digest("sha256", want.url .. "\0" .. want.dest):sub(1, 24)
	local src = source(want, known)
	local has_body = body ~= nil or src ~= nil
	local configure = program == "curl" and curl_configuration or wget_configuration
	local configuration = configure(want, method, headers, has_body)
	local since = dest and dest.type == "file" and not want.force and want.dest
	local done = need(step.run{
		sh = script:format(#configuration, quote(part or ""), quote(src or ""), command(want, program, since, has_body),
			(not want.dest or want.return_content) and "true" or "false"),
		stdin = configuration .. (body or ""), touches = part or {}, changes = false, may_fail = true, secret = true,
	})
	local message, received, content = take(want, done)
	if src and not want.remote_src then step.remove(src) end
	local good = false
	for _, status in ipairs(want.status_code) do good = good or status == result.status end
	if content and is_json(received["content-type"]) then
		local value, fault = json.decode(content)
		if not fault then result.json = value == nil and null or value end
	end
	if want.return_content then result.content = content or "" end
	if result.status >= 300 and good then result.body = content or "" end
	changed(false)
	if part and content then result.path = want.dest end
	if not good then
		if part then need(step.remove(part)) end
		result.msg = ("Status code was %d and not [%s]: %s"):format(result.status, table.concat(want.status_code, ", "), message)
		fail(result)
	end
	if not part then return end
	local path = dest.type == "directory" and folder .. "/" .. response_name(received, result.url) or want.dest
	if result.status ~= 304 then
		save(want, known, part, path)
	else
		need(step.remove(part))
		result.path = path
	end
end

return {
	name = "uri",
	doc = "Talks to a web service from a host, by the host's own curl or wget, and tells what came back.",
	args = file.arguments({ "mode", "owner", "group" }, {
		url = { "str", required = true, doc = "Where to: http or https." },
		method = { "str", default = "GET", pattern = "^[A-Za-z]+$", pattern_doc = "be a single word, like GET or POST", doc = "GET, POST, PUT, DELETE, ..." },
		body = { "raw", doc = "What to send." },
		body_format = { "str", default = "raw", choices = { "form-multipart", "form-urlencoded", "json", "raw" },
			doc = "How a body that is not a text is written; sets the header Content-Type." },
		src = { "path", doc = "A file to send: of the playbook or role, or of the host with remote_src." },
		remote_src = { "bool", default = false, doc = "src is on the host." },
		headers = { "dict", default = {}, doc = "Headers of the request." },
		status_code = { "list", elements = "int", default = { 200 }, doc = "The statuses that are good." },
		return_content = { "bool", default = false, doc = "Has the body in the result, as content. JSON is there always, as json." },
		dest = { "path", doc = "A file, or a folder, for the body." },
		creates = { "path", doc = "Does nothing if this path is there." },
		removes = { "path", doc = "Does nothing if this path is not there." },
		follow_redirects = { "str", default = "safe", choices = { "all", "no", "none", "safe", "urllib2", "yes" },
			doc = "Whether redirections are followed: all, none, or those of GET and HEAD (safe)." },
		timeout = { "int", default = 30, doc = "Seconds without an answer after which to give up." },
		url_username = { "str", aliases = { "user" }, doc = "A name for the server." },
		url_password = { "secret", aliases = { "password" }, doc = "A password for the server." },
		force_basic_auth = { "bool", default = false, doc = "Has no effect: name and password are sent with the first request." },
		force = { "bool", default = false, doc = "Asks caches not to answer, and fetches a file again that is there." },
		http_agent = { "str", default = "ansible-httpget", doc = "The name of the program in the request." },
		validate_certs = { "bool", default = true, doc = "Whether the server's certificate must be good." },
		ca_path = { "path", doc = "The authorities that may have signed it." },
		client_cert = { "path", doc = "A certificate for the server to know the host by." },
		client_key = { "path", doc = "The key of that certificate." },
		ciphers = { "list", elements = "str", doc = "The ciphers that TLS may use. Needs curl." },
		unix_socket = { "path", doc = "A socket to connect to in place of the URL's host. Needs curl." },
		use_proxy = { "bool", default = true, doc = "Whether proxies in the environment are used." },
		use_netrc = { "bool", default = true, doc = "Whether ~/.netrc is read for a name and a password." },
		use_gssapi = { "bool", default = false, doc = "Logs in by Kerberos. Needs curl." },
		decompress = { "bool", default = true, doc = "Whether a compressed answer is unpacked." },
	}),
	mutually_exclusive = { { "body", "src" } },
	returns = {
		status = { "int", doc = "The status; -1 if no answer came." },
		msg = { "str", doc = "What became of it, in words." },
		url = { "str", doc = "Where the answer came from, after redirections." },
		redirected = { "bool", doc = "Whether there were any." },
		elapsed = { "int", doc = "Whole seconds it took." },
		json = { "raw", doc = "The body, if it is JSON." },
		content = { "str", doc = "The body, if it was asked for." },
		cookies = { "dict", doc = "The cookies by name." },
		cookies_string = { "str", doc = "The cookies as a request has them." },
		path = { "str", doc = "Where the body is, with dest. Each header is there as well, its name in lower case with _ for -." },
	},
	examples = {
		{ "A service answers", [[
{ "uri": { "url": "http://localhost:8080/health" }, "register": "health", "until": "health.status == 200", "retries": 10, "delay": 3 }]] },
		{ "Something new, as JSON", [[
{ "uri": { "url": "https://api.example.org/hosts", "method": "POST", "body_format": "json", "body": { "name": "{{ inventory_hostname }}" },
  "headers": { "Authorization": "Bearer {{ token }}" }, "status_code": [200, 201] } }]] },
	},
	check_mode = false,
	decide = uri,
}

---@meta neap
-- The module API for editors (LuaLS). It is never run: put this file's folder into "workspace.library".

---@class neap.Argument
---@field [1] "str"|"int"|"float"|"bool"|"path"|"mode"|"list"|"dict"|"secret"|"raw"|"condition"|"expression"
---@field doc string what it is, in a sentence
---@field required? boolean
---@field default? any
---@field choices? string[]
---@field aliases? string[]
---@field elements? string the type of a list's elements
---@field options? table<string, neap.Argument> arguments of a dictionary, or of each in a list
---@field controller_path? boolean a path on the machine neap runs on
---@field deprecated? boolean
---@field pattern? string a regular expression that a text, or each in a list, must match
---@field pattern_doc? string what that means, read behind "must": "have %s in it"
---@field regex? boolean a regular expression, checked before the run

---@class neap.Module
---@field name? string as the file is called
---@field doc string
---@field args? table<string, neap.Argument>
---@field mutually_exclusive? string[][]
---@field required_together? string[][]
---@field required_one_of? string[][]
---@field required_if? any[][]
---@field required_by? any[][]
---@field allowed_if? any[][]
---@field free_form? string
---@field any_key? boolean
---@field examples string[][] pairs of a title and a task as JSON
---@field returns? table<string, { [1]: string, doc: string }>
---@field lists_differences? boolean diff in the result is a list also of one difference
---@field check_mode? boolean
---@field decide fun(want: table, known: neap.Known)

---@class neap.Stat
---@field exists boolean
---@field type "file"|"directory"|"link"|"fifo"|"socket"|"block device"|"character device"
---@field mode string "0644"
---@field uid integer
---@field gid integer
---@field owner string
---@field group string
---@field size integer
---@field device integer
---@field inode integer
---@field links integer
---@field atime number
---@field mtime number
---@field ctime number
---@field target? string of a link
---@field readable boolean
---@field writable boolean
---@field executable boolean

---@class neap.Entry : neap.Stat
---@field name string
---@field digest? string

---@class neap.Ran
---@field ok boolean exited with status 0
---@field rc integer
---@field how string "exit status 3"
---@field stdout string without final newlines
---@field stderr string without final newlines
---@field raw string all of stdout

---@class neap.Command
---@field [integer] string|number the program and its words
---@field sh? string a script for the shell instead of words
---@field stdin? string
---@field chdir? string
---@field env? table<string, string>
---@field secret? boolean

---@class neap.User
---@field name string
---@field uid integer
---@field gid integer
---@field comment string
---@field home string
---@field shell string
---@field groups string[]

---@class neap.Group
---@field name string
---@field gid integer
---@field members string[]

--- What is known of the host. Every answer is nil until it is there; see need().
---@class neap.Known
local known = {}
---@param path string
---@param options? { follow?: boolean }
---@return neap.Stat?
function known:stat(path, options) end
--- What is there, symlinks followed, and nothing else: what other tasks do inside a folder does not change it.
---@param path string
---@return string|false|nil type
function known:type(path) end
---@param path string
---@param options? { may_fail?: boolean }
---@return string|false|nil content, string? why
function known:read(path, options) end
---@param path string
---@param algorithm? "md5"|"sha1"|"sha224"|"sha256"|"sha384"|"sha512"
---@return string|false|nil
function known:hash(path, algorithm) end
---@param path string
---@param options? { recurse?: boolean, digest?: string }
---@return neap.Entry[]|false|nil
function known:list(path, options) end
---@param pattern string
---@return string[]|false|nil
function known:glob(pattern) end
---@param command neap.Command it must not change anything
---@return neap.Ran?
function known:run(command) end
---@param name string|integer
---@return neap.User|false|nil
function known:user(name) end
---@param name string|integer
---@return neap.Group|false|nil
function known:group(name) end
---@param subset string
---@return table|false|nil
function known:facts(subset) end
---@param name string
---@param folder? "files"|"templates"|"tasks"|"vars"|""
---@return string|false|nil
function known:find(name, folder) end

---@class neap.Outcome
---@field ok boolean
---@field backup_file? string

---@class neap.Attributes
---@field path string
---@field mode? string
---@field owner? string
---@field group? string
---@field atime? number
---@field mtime? number

---@class neap.Put : neap.Attributes
---@field content? string
---@field from? string a file on the target
---@field local_file? string a file on the machine neap runs on
---@field backup? boolean
---@field validate? string a command with %s
---@field sha1? string
---@field follow? boolean
---@field secret? boolean

---@class neap.Run : neap.Command
---@field touches? string|string[] the paths it may change
---@field changes? boolean
---@field may_fail? boolean
---@field timeout? number seconds
---@field live? boolean
---@field ends_connection? boolean it may lose the connection; step.reconnect follows

--- What is to be done, in order. Every outcome is nil until it was done; see need().
step = {}
---@param run neap.Run
---@return neap.Ran?
function step.run(run) end
---@param put neap.Put
---@return neap.Outcome?
function step.put(put) end
---@param mkdir string|neap.Attributes|{ parents?: boolean }
---@return neap.Outcome?
function step.mkdir(mkdir) end
---@param link { path: string, target: string, hard?: boolean, replace?: boolean }
---@return neap.Outcome?
function step.link(link) end
---@param remove string|{ path: string, recurse?: boolean }
---@return neap.Outcome?
function step.remove(remove) end
---@param rename { from: string, to: string }
---@return neap.Outcome?
function step.rename(rename) end
---@param setattr neap.Attributes|{ follow?: boolean }
---@return neap.Outcome?
function step.setattr(setattr) end
--- Connects again, until a command there succeeds and writes something else than differs.
---@param reconnect { sh?: string, differs?: string, timeout?: number, delay?: number, connect_timeout?: number, keep?: boolean }
---@return neap.Ran?
function step.reconnect(reconnect) end
---@param seconds number
---@return neap.Outcome?
function step.wait(seconds) end
--- The steps wanted so far are the last: once they are done the task has succeeded. Steps of the next tasks may go with them.
function step.last() end

--- Ends this call of decide() if an argument is nil; decide() is called again when it is known. Returns its arguments.
function need(...) return ... end
--- Ends the task as failed, with a text for string.format or a table with msg and more keys. With a text, what is in
--- `result` by then is not told and the task is not changed; `result.msg = "..."; fail(result)` tells what was done.
---@param text string|table
function fail(text, ...) end
---@param text string
function skip(text, ...) end
---@param text string
function warn(text, ...) end
---@param is? boolean
function changed(is) end
---@param path string
---@param before string|table|false|nil
---@param after string|table|false|nil
function diff(path, before, after) end

---@type table<string, any> the keys of the result
result = {}

---@class neap.Match
---@field [integer] string|false [0] is the whole
---@field first integer
---@field last integer
---@field spans table<integer, integer[]>
---@field names table<string, integer>
local match = {}
---@param template string
---@return string
function match:expand(template) end

---@class neap.Regex
---@field groups integer
---@field multiline boolean
local pattern = {}
---@param text string
---@param from? integer
---@return neap.Match?
function pattern:search(text, from) end
---@param text string
---@return neap.Match?
function pattern:match(text) end
---@param text string
---@return neap.Match?
function pattern:full(text) end
---@param text string
---@return fun(): neap.Match?
function pattern:each(text) end
---@param replacement string|fun(match: neap.Match): string
---@param text string
---@param most? integer
---@return string, integer
function pattern:sub(replacement, text, most) end
---@param text string
---@param most? integer
---@return (string|false)[]
function pattern:split(text, most) end

--- A regular expression in Python's syntax.
---@param expression string
---@param flags? string letters of i, m, s, x, u
---@return neap.Regex
function regex(expression, flags) end

text = {}
---@param value string
---@return string[]
function text.lines(value) end
---@param value string
---@return string
function text.trim(value) end
--- The parts between the separator, at most so many; without one, the words between white space.
---@param value string
---@param separator? string
---@param most? integer
---@return string[]
function text.split(value, separator, most) end
---@param value string
---@param start string
---@return boolean
function text.starts(value, start) end
---@param value string
---@param ending string
---@return boolean
function text.ends(value, ending) end
--- Words as one line for a shell.
---@param words (string|number)[]
---@return string
function text.words(words) end

file = {}
--- A table of arguments with rows for these added: "mode", "owner", "group", "backup", "validate".
---@param names string[]
---@param args table
---@return table
function file.arguments(names, args) end
---@param known neap.Known
---@param path string
---@return neap.Stat stat, string|false content
function file.load(known, path) end
---@param stat neap.Stat
---@param want table
---@return table? before, table? after
function file.differs(stat, want) end
---@param known neap.Known
---@param want table
---@param stat neap.Stat
---@param before string|false
---@param after string
---@return neap.Outcome?
function file.save(known, want, stat, before, after) end
---@param path string
---@return string
function file.folder(path) end
---@param path string
---@return string
function file.name(path) end
---@param mode string
---@param old? string
---@param is_directory? boolean
---@return string
function file.mode(mode, old, is_directory) end

---@param word string
---@return string
function quote(word) end
---@param algorithm string
---@param bytes string
---@return string
function digest(algorithm, bytes) end
--- The table of one of neap's own modules in Lua, run in this module's globals.
---@param name string
---@return neap.Module
function builtin(name) end
---@param items table
---@return table
function list(items) end
--- An empty dictionary that keeps its keys in the order in which they come; those of other tables are sorted in a result.
---@return table
function dict() end
---@type lightuserdata JSON's null
null = nil

json = {}
---@param value string
---@return any value, string? fault
function json.decode(value) end
---@param value any
---@param indent? integer
---@return string
function json.encode(value, indent) end

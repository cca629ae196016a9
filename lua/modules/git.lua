-- Keeps a checkout of a git repository at a version: asks, fetches, looks again, checks out.

local function git(want, ...)
	local words = { want.executable or "git", ... }
	words.env = { GIT_TERMINAL_PROMPT = "0", LC_ALL = "C" }
	local ssh = { "ssh", "-o", "BatchMode=yes" }
	if want.key_file then
		for _, word in ipairs{ "-i", want.key_file, "-o", "IdentitiesOnly=yes" } do ssh[#ssh + 1] = word end
	end
	if want.accept_hostkey then
		for _, word in ipairs{ "-o", "StrictHostKeyChecking=no" } do ssh[#ssh + 1] = word end
	elseif want.accept_newhostkey then
		for _, word in ipairs{ "-o", "StrictHostKeyChecking=accept-new" } do ssh[#ssh + 1] = word end
	end
	words.env.GIT_SSH_COMMAND = text.words(ssh) .. (want.ssh_opts and " " .. want.ssh_opts or "")
	return words
end

local function here(want, ...)
	return git(want, "-C", want.dest, ...)
end

local function step_git(want, ...)
	local words = here(want, ...)
	words.touches = want.dest
	if want.umask then
		words = { sh = ("umask %s; exec %s"):format(quote(want.umask), text.words(words)), env = words.env, touches = want.dest }
	end
	return step.run(words)
end

-- Says something for each submodule that is not as it shall be: it is missing or at another commit; or, where they follow
-- their branches, its remote has another one.
local look_at_submodules = [[
cd %s 2>/dev/null && [ -f .gitmodules ] || exit 0
%s submodule status --recursive | grep '^[-+]']]
local look_at_branches = [[

%s submodule foreach -q --recursive 'b=$(git config -f "$toplevel/.gitmodules" "submodule.$name.branch")
r=$(git ls-remote origin "${b:+refs/heads/}${b:-HEAD}" | cut -f 1); [ "$r" = "$(git rev-parse HEAD)" ] || echo "+$name"']]

local function ask_submodules(want, known)
	if not want.recursive or want.bare then return { stdout = "" } end
	local words = git(want)
	local script = look_at_submodules:format(quote(want.dest), text.words(words))
	if want.track_submodules then script = script .. look_at_branches:format(text.words(words)) end
	return known:run{ sh = script .. "\n:", env = words.env }
end

-- The checkout as it is: nil if there is none.
local function checkout_of(want, known)
	local folder = want.bare and want.dest .. "/HEAD" or want.dest .. "/.git"
	local there = known:stat(folder)
	local head = known:run(here(want, "rev-parse", "HEAD"))
	local url = known:run(here(want, "config", "--get", "remote." .. want.remote .. ".url"))
	local branch = known:run(here(want, "symbolic-ref", "-q", "--short", "HEAD"))
	-- What follows its branch is at another commit than the one that is written down, which is no change of anybody's.
	local status = known:run(here(want, "status", "--porcelain", "--untracked-files=no",
		want.track_submodules and "--ignore-submodules=all" or nil))
	local modules = ask_submodules(want, known)
	need(there, head, url, branch, status, modules)
	if not there.exists then return end
	return { head = head.ok and head.stdout or nil, url = url.stdout, branch = branch.stdout, modules_differ = modules.stdout ~= "", dirty = not want.bare and status.stdout ~= "" }
end

-- The commit of a ref that the refspec fetches under the name of the version: "refs/pull/7/head" by "+refs/pull/*:refs/pull/*".
local function fetched_version(want, refs)
	local from, to = (want.refspec or ""):match("^%+?([^:]+):(.+)$")
	if not from then return end
	local start, rest = from:match("^(.*)%*(.*)$")
	for ref, commit in pairs(refs) do
		local name = ref == from and to
		if start and text.starts(ref, start) and text.ends(ref, rest) then
			local star = ref:sub(#start + 1, #ref - #rest)
			name = to:gsub("%*", (star:gsub("%%", "%%%%")))
		end
		if name and (name == want.version or name:gsub("^refs/%a+/", "") == want.version) then return commit end
	end
end

-- What the remote has under the version: its commit, and whether that is a branch, a tag or only a commit.
local function remote_version(want, answer, checkout)
	if not answer.ok then fail("Failed to look at the remote repository %s: %s", want.repo, answer.stderr) end
	local refs, main = {}, nil
	for _, line in ipairs(text.split(answer.stdout, "\n")) do
		local commit, ref = line:match("^(%x+)%s+(%S+)$")
		if commit then refs[ref] = commit end
		main = main or line:match("^ref: refs/heads/(%S+)%s+HEAD$")
	end
	local version = want.version
	if version == "HEAD" then
		if not refs.HEAD then fail("The remote repository %s has no HEAD: it is empty", want.repo) end
		local own = checkout and not want.bare and checkout.branch
		if own and refs["refs/heads/" .. own] then return refs["refs/heads/" .. own], "branch", own end
		return refs.HEAD, "head", main
	end
	version = version:gsub("^refs/heads/", "")
	if refs["refs/heads/" .. version] then return refs["refs/heads/" .. version], "branch", version end
	local tagged = refs["refs/tags/" .. version .. "^{}"] or refs["refs/tags/" .. version]
	if tagged then return tagged, "tag", version end
	if version:find("^%x+$") and #version >= 7 then return version, "commit", version end
	local fetched = fetched_version(want, refs)
	if fetched then return fetched, "commit", fetched end
	fail("Failed to find version %s in %s", version, want.repo)
end

local function clone(want, kind, name)
	local words = { "clone", "--origin", want.remote }
	local function add(...) for _, word in ipairs{ ... } do words[#words + 1] = word end end
	if want.bare then add("--bare") end
	if want.depth and kind ~= "commit" then add("--depth", want.depth) end
	if want.single_branch then add("--single-branch") end
	if want.reference then add("--reference", want.reference) end
	if want.separate_git_dir then add("--separate-git-dir", want.separate_git_dir) end
	if kind == "branch" or kind == "tag" then add("--branch", name) end
	add("--", want.repo, want.dest)
	local command = git(want, table.unpack(words))
	command.touches, command.live = { want.dest, want.separate_git_dir }, true
	if want.umask then
		command = { sh = ("umask %s; exec %s"):format(quote(want.umask), text.words(command)), env = command.env,
			touches = { want.dest }, live = true }
	end
	step.mkdir{ path = file.folder(want.dest), parents = true }
	step.run(command)
	if want.refspec then step_git(want, "fetch", want.remote, want.refspec) end
	if kind == "commit" and not want.bare then step_git(want, "checkout", "--force", "-q", name) end
end

local function fetch(want, kind, name)
	if want.depth and kind ~= "commit" then
		step_git(want, "fetch", "--depth", want.depth, want.remote, kind == "head" and "HEAD" or name)
	else
		step_git(want, "fetch", "--tags", "--force", want.remote)
	end
	if want.bare then step_git(want, "fetch", "--force", want.remote, "+refs/heads/*:refs/heads/*") end
	if want.refspec then step_git(want, "fetch", want.remote, want.refspec) end
end

-- Brings the working tree to the commit; a branch keeps its name.
local function check_out(want, kind, name, commit)
	if want.bare then return end
	if kind == "branch" or kind == "head" and name then
		step_git(want, "checkout", "--force", "-q", "-B", name, commit)
		step_git(want, "branch", "-q", "--set-upstream-to", want.remote .. "/" .. name, name)
	elseif kind == "head" then
		step_git(want, "reset", "--hard", "-q", commit)
	else
		step_git(want, "checkout", "--force", "-q", commit)
	end
end

local function submodules(want, known)
	if not want.recursive or want.bare then return end
	local modules = need(known:stat(want.dest .. "/.gitmodules"))
	if not modules.exists then return end
	local status = need(known:run(here(want, "submodule", "status"))).raw
	if status:find("^[-+]") or status:find("\n[-+]") or want.track_submodules then result.submodules_changed = true end
	step_git(want, "submodule", "sync", "-q", "--recursive")
	if want.track_submodules then
		step_git(want, "submodule", "update", "-q", "--init", "--recursive", "--remote")
	else
		step_git(want, "submodule", "update", "-q", "--init", "--recursive")
	end
end

local function verify(want)
	if not want.verify_commit then return end
	local checked = need(step.run(here(want, "verify-commit", "--raw", "HEAD")))
	local keys = {}
	for _, key in ipairs(want.gpg_whitelist) do keys[key:upper()] = true end
	if #want.gpg_whitelist == 0 then return end
	for key in checked.stderr:gmatch("VALIDSIG (%x+)") do
		if keys[key] then return end
	end
	fail("Failed to verify commit: it is not signed by a key of gpg_whitelist")
end

-- Whether the version that is checked out is the one wanted; a short commit is the start of the long one.
local function is_at(checkout, commit, kind, name)
	if not checkout.head or not text.starts(checkout.head, commit) then return false end
	return kind ~= "branch" or checkout.branch == name
end

local function deploy(want, known)
	local asked = git(want, "ls-remote", "--symref", want.repo)
	if not want.refspec then table.move({ "HEAD", "refs/heads/*", "refs/tags/*" }, 1, 3, #asked + 1, asked) end
	local remote = known:run(asked)
	local checkout = checkout_of(want, known)
	result.before = checkout and checkout.head or null
	if checkout and not want.update then
		result.after = result.before
		return
	end
	local commit, kind, name = remote_version(want, need(remote), checkout)
	if not checkout and not want.clone then
		result.after = commit
		return
	end
	local moved = checkout and checkout.url ~= want.repo
	if checkout and checkout.dirty then
		if not want.force then fail{ msg = "Local modifications exist in the destination: " .. want.dest .. " (force=no).", before = checkout.head } end
		result.msg = "Local modifications exist in the destination: " .. want.dest
		step_git(want, "reset", "--hard", "-q", "HEAD")
	end
	if checkout then result.remote_url_changed = false end
	if moved then
		result.remote_url_changed = true
		diff(want.dest, { repo = checkout.url }, { repo = want.repo })
		step_git(want, "remote", "set-url", want.remote, want.repo)
	end
	result.after = commit
	if checkout and is_at(checkout, commit, kind, name) then
		if checkout.modules_differ then submodules(want, known) end
		return
	end
	diff(want.dest, { commit = checkout and checkout.head or null }, { commit = commit })
	if checkout then
		fetch(want, kind, name)
		check_out(want, kind, name, commit)
	else
		clone(want, kind, name)
	end
	submodules(want, known)
	verify(want)
	local head = need(known:run(here(want, "rev-parse", "HEAD")))
	result.after = head.stdout
end

return {
	name = "git",
	doc = "Keeps a checkout of a git repository on a host at a version: a branch, a tag or a commit. Needs git on the host.",
	args = {
		repo = { "str", required = true, aliases = { "name" }, doc = "The repository: a URL, an SSH address or a path." },
		dest = { "path", required = true, doc = "Where the checkout is." },
		version = { "str", default = "HEAD", doc = "A branch, a tag, a commit, or HEAD: the branch that is checked out, at first the remote's default." },
		remote = { "str", default = "origin", doc = "The name of the remote." },
		refspec = { "str", doc = "More to fetch, e.g. refs/pull/1/head." },
		clone = { "bool", default = true, doc = "If not, a checkout that is missing stays missing." },
		update = { "bool", default = true, doc = "If not, a checkout that is there stays as it is." },
		force = { "bool", default = false, doc = "Throws local changes away. Without it they are a failure." },
		depth = { "int", doc = "Fetches so many commits only." },
		single_branch = { "bool", default = false, doc = "Clones one branch only." },
		bare = { "bool", default = false, doc = "A repository without a working tree." },
		recursive = { "bool", default = true, doc = "Checks submodules out as well." },
		track_submodules = { "bool", default = false, doc = "Submodules follow their branches." },
		reference = { "str", doc = "A repository on the host to borrow objects from." },
		separate_git_dir = { "path", doc = "Where the repository itself is put when it is cloned." },
		executable = { "path", doc = "The git program." },
		key_file = { "path", doc = "The SSH key for the repository, on the host." },
		ssh_opts = { "str", doc = "More options for ssh." },
		accept_hostkey = { "bool", default = false, doc = "Takes any host key of the repository's server." },
		accept_newhostkey = { "bool", default = false, doc = "Takes the host key of a server that is not known yet." },
		umask = { "str", doc = "The umask for what is checked out." },
		verify_commit = { "bool", default = false, doc = "Fails if the commit is not signed by a key that the host trusts." },
		gpg_whitelist = { "list", elements = "str", default = list{}, doc = "The fingerprints that verify_commit takes; any by default." },
	},
	mutually_exclusive = { { "separate_git_dir", "bare" }, { "accept_hostkey", "accept_newhostkey" } },
	returns = {
		before = { "str", doc = "The commit that was checked out before; null if there was none." },
		after = { "str", doc = "The commit that is checked out now." },
		submodules_changed = { "bool", doc = "Whether submodules were brought to another commit." },
		remote_url_changed = { "bool", doc = "Whether the remote's address was changed." },
	},
	examples = {
		{ "An application at a release", [[
{ "git": { "repo": "https://example.org/app.git", "dest": "/srv/app", "version": "v1.4.2" } }]] },
		{ "The newest of a branch, with local changes thrown away", [[
{ "git": { "repo": "git@example.org:site.git", "dest": "/srv/site", "version": "main", "force": true, "key_file": "/etc/deploy/key" } }]] },
	},
	decide = deploy,
}

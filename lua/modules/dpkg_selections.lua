-- Keeps what dpkg shall do with a package: install it, hold it, or take it away.

return {
	name = "dpkg_selections",
	doc = "Keeps what dpkg shall do with a package; hold keeps upgrades from it. dpkg itself does nothing at once.",
	args = {
		name = { "str", required = true, doc = "The package." },
		selection = { "str", required = true, choices = { "deinstall", "hold", "install", "purge" }, doc = "What shall be done with it." },
	},
	returns = {
		before = { "str", doc = "What was selected; \"not present\" for a package that dpkg does not know." },
		after = { "str", doc = "What is." },
	},
	examples = {
		{ "No other kernel", [[{ "dpkg_selections": { "name": "linux-image-amd64", "selection": "hold" } }]] },
	},
	decide = function(want, known)
		local answer = need(known:run{ "dpkg", "--get-selections", want.name, env = { LC_ALL = "C" } })
		if not answer.ok then fail("dpkg --get-selections: %s", answer.stderr ~= "" and answer.stderr or answer.how) end
		local is = answer.stdout:match("^%S+%s+(%S+)") or "not present"
		result.before, result.after = is, want.selection
		if is == want.selection then return end
		diff(want.name, { selection = is }, { selection = want.selection })
		step.run{ "dpkg", "--set-selections", stdin = want.name .. " " .. want.selection .. "\n" }
	end,
}

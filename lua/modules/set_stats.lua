-- Tells numbers and words about the run.

return {
	name = "set_stats",
	doc = "Tells values of a run's own, in the result's ansible_stats, for those who read reports in JSON.",
	args = {
		data = { "dict", required = true, doc = "The values by name." },
		per_host = { "bool", default = false, doc = "Whether they are of the host, not of the run." },
		aggregate = { "bool", default = true, doc = "Whether they are added to what is there." },
	},
	returns = { ansible_stats = { "dict", doc = "data, per_host and aggregate, as they were given." } },
	examples = {
		{ "How many there are", [[{ "set_stats": { "data": { "users": "{{ users | length }}" } } }]] },
	},
	decide = function(want)
		for name in pairs(want.data) do
			if not name:find("^[%a_][%w_]*$") then
				fail("The variable name '%s' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores.", name)
			end
		end
		result.ansible_stats = { data = want.data, per_host = want.per_host, aggregate = want.aggregate }
	end,
}

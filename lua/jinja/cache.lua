-- A table of what can be made again, and a function(key, value) that keeps a value in it and returns it. Where there are so many
-- already, all are forgotten first.
return function(most)
	local kept, count = {}, 0
	return kept, function(key, value)
		if count >= most then
			for old in pairs(kept) do
				kept[old] = nil
			end
			count = 0
		end
		kept[key], count = value, count + 1
		return value
	end
end

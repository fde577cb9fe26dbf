# SPDX-License-Identifier: GPL-2.0
# Counts the results of a KTAP file as "PASSED FAILED"; the result that sums up a subtest is none of its own.
# A plan that does not name as many results as there are has failed once more, and so has a sum that says "not ok"
# where each result is ok.

{
	line = $0
	sub(/^ */, "", line)
	depth = (length($0) - length(line)) / 2
}

line ~ /^(not )?ok [0-9]+/ {
	if (depth + 1 in open) {
		finish(depth + 1)
		if (line ~ /^not/ && failed == failed_before[depth])
			failed++
	} else if (line ~ /^ok/) {
		passed++
	} else {
		failed++
	}
	open[depth]
	results[depth]++
	failed_before[depth] = failed + 0
}

line ~ /^1\.\.[0-9]+$/ {
	open[depth]
	plan[depth] = substr(line, 4)
	failed_before[depth] += 0
}

function finish(at) {
	if (!(at in plan) || plan[at] != results[at] + 0)
		failed++
	delete open[at]
	delete plan[at]
	delete results[at]
	delete failed_before[at]
}

END {
	finish(0)
	for (depth in open)
		failed++
	print passed + 0, failed + 0
}

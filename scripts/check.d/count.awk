# SPDX-License-Identifier: GPL-2.0
# Counts the results of a KTAP file as "PASSED FAILED"; the result that sums up a subtest is none of its own.
# A plan with fewer results than it names has failed once more.

{
	line = $0
	sub(/^ */, "", line)
	depth = (length($0) - length(line)) / 2
}

line ~ /^(not )?ok [0-9]+/ {
	results[depth]++
	if (results[depth + 1] > 0) {
		finish(depth + 1)
		next
	}
	line ~ /^ok/ ? passed++ : failed++
}

line ~ /^1\.\.[0-9]+$/ {
	plan[depth] = substr(line, 4)
	planned[depth] = 1
}

function finish(at) {
	if (!planned[at] || plan[at] != results[at])
		failed++
	results[at] = planned[at] = 0
}

END {
	finish(0)
	print passed + 0, failed + 0
}

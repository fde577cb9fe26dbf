# SPDX-License-Identifier: GPL-2.0
# Counts the results of a KTAP file as "PASSED FAILED"; the result that sums up a subtest is none of its own.
# A plan that does not name as many results as there are has failed once more, and so has a sum that says "not ok"
# where each result is ok. Then come the failures by name, each below its test and with the end of what was said of it.

{
	line = $0
	sub(/^ */, "", line)
	depth = (length($0) - length(line)) / 2
}

line ~ /^(not )?ok [0-9]+/ {
	name = line
	sub(/^(not )?ok [0-9]+ */, "", name)
	if (depth + 1 in open) {
		finish(depth + 1)
		if (line ~ /^not/ && failed == failed_before[depth])
			fail(depth + 1, "its sum says so, none of its results does")
		if (failures[depth + 1] != "")
			failures[depth] = failures[depth] name ":\n" failures[depth + 1]
		delete failures[depth + 1]
	} else if (line ~ /^ok/) {
		passed++
	} else {
		fail(depth, name)
		cite(depth)
	}
	open[depth]
	results[depth]++
	failed_before[depth] = failed + 0
	said = 0
	next
}

line ~ /^1\.\.[0-9]+$/ {
	open[depth]
	plan[depth] = substr(line, 4)
	failed_before[depth] += 0
}

{
	words[said++ % LINES] = line
}

BEGIN {
	LINES = 8
	WIDTH = 160
}

function indent(by) {
	return substr("          ", 1, 2 * by)
}

function fail(at, what) {
	failed++
	failures[at] = failures[at] indent(at) what "\n"
}

# What was said after the result before
function cite(at) {
	for (i = said > LINES ? said - LINES : 0; i < said; i++)
		failures[at] = failures[at] indent(at + 1) substr(words[i % LINES], 1, WIDTH) "\n"
}

function finish(at) {
	if (!(at in plan))
		fail(at, "it ended without a plan, after " results[at] + 0 " results")
	else if (plan[at] != results[at] + 0)
		fail(at, "it has " results[at] + 0 " results, and its plan names " plan[at])
	delete open[at]
	delete plan[at]
	delete results[at]
	delete failed_before[at]
}

END {
	ended = (0 in plan && plan[0] == results[0] + 0)
	finish(0)
	for (depth in open)
		fail(depth, "it ended within a test")
	if (!ended)
		cite(0)
	print passed + 0, failed + 0
	for (depth = 0; depth in failures || depth + 1 in failures; depth++)
		printf "%s", failures[depth]
}

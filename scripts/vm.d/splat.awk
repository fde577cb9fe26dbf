# SPDX-License-Identifier: GPL-2.0
# Prints the kernel splats of a console log; exits 0 if there was one, 1 if not.
# usage: awk -f splat.awk STATUS CONSOLE; STATUS lists as "user LINE" what came through /dev/kmsg.

function is_splat(text) {
	return text ~ /^-+\[ cut here \]-+$/ ||
	       text ~ /^(BUG: |BUG [a-z]|kernel BUG at |Oops: |WARNING: |UBSAN: |KASAN: )/ ||
	       text ~ /^watchdog: BUG: / ||
	       text ~ /^(general protection fault|double fault|stack segment: |invalid opcode: )/ ||
	       text ~ /^Kernel panic - not syncing/ ||
	       text ~ /^(rcu: )?INFO: .*(stall|blocked for more than|non-static key|lock)/ ||
	       text ~ /^turning off the locking correctness validator/ ||
	       text ~ /^kmemleak: [0-9]+ new suspected memory leaks/
}

{ sub(/\r$/, "") }

FILENAME == ARGV[1] {
	if (sub(/^user /, ""))
		user[$0] = 1
	next
}

$0 in user { next }

{
	text = $0
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "", text)
	if (is_splat(text)) {
		found = 1
		if (left == 0)
			left = 50
	}
	if (left > 0) {
		print
		left = text ~ /^---\[ end (trace|Kernel panic)/ ? 0 : left - 1
	}
}

END { exit !found }

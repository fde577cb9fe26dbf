# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Sourced on both sides: all files of this machine, but for logs, caches, and what the test put there.

listing() {
	# shellcheck disable=SC2312 # find's own errors are of files that go away
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log \
		-o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /opt/packages -o -path "${REPO:-/opt/packages}" \) \
		-prune -o -print | LC_ALL=C sort
}

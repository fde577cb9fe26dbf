#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a load costs: our notifier beside the kernel's own without us, in one boot. Figures, no verdict.
. selftests/vm/guest.sh

tracing=/sys/kernel/tracing
# cost.sh MODULES [ROUNDS]: MODULES has a list and a folder of modules with .BTF.base
MODULES=$1
rounds=${2:-20}

# Times of a kernel function as the function graph tracer gives them: one call a line, in nanoseconds.
trace_function() {
	echo nop >$tracing/current_tracer
	# No other function is hooked, so that nothing else is slowed down.
	echo "$1" >$tracing/set_ftrace_filter
	echo "$1" >$tracing/set_graph_function
	echo 1 >$tracing/max_graph_depth
	echo function_graph >$tracing/current_tracer
	echo >$tracing/trace
}

call_times() {
	awk '!/^#/ && / us +\|/ { for (i = 1; i < NF; i++) if ($(i + 1) == "us") printf "%d\n", $i * 1000 }' $tracing/trace
	echo >$tracing/trace
}

# Of all calls for one load only COMING does any work.
longest() {
	call_times | sort -n | tail -n 1
}

# The median of as many figures as there are rounds; with fewer a load has failed.
median() {
	sort -n | awk -v rounds="$1" '{ value[NR] = $1 } END { if (NR != rounds) exit 1; print value[int((NR + 1) / 2)] }'
}

# kernel_times KO: the kernel's own notifier, load by load
kernel_times() {
	count=0
	while [ $count -lt "$rounds" ]; do
		insmod "$1" || exit 1
		longest
		rmmod "$(basename "$1" .ko)" || exit 1
		call_times >/dev/null
		count=$((count + 1))
	done
}

our_times() {
	count=0
	while [ $count -lt "$rounds" ]; do
		insmod "$1" || exit 1
		awk '$1 == "last_nanoseconds" { print $2 }' $DEBUGFS/stats
		rmmod "$(basename "$1" .ko)" || exit 1
		count=$((count + 1))
	done
}

trace_function btf_module_notify
for name in $(names 'third-party|stock'); do
	kernel_times "$MODULES/distilled/$name.ko" | median "$rounds" >"/tmp/$name.without" || exit 1
done

trace_function do_one_initcall
count=0
while [ $count -lt 5 ]; do
	insmod "$RELOC" || exit 1
	longest
	rmmod rust_btfreloc
	call_times >/dev/null
	count=$((count + 1))
done | median 5 >/tmp/init || exit 1

echo nop >$tracing/current_tracer
slab() {
	awk '/^SUnreclaim:/ { print $2 }' /proc/meminfo
}
before=$(slab)
load "$RELOC"
echo "init_ns $(cat /tmp/init)"
echo "tables_bytes $(log_since 0 | sed -n 's/.*rust_btfreloc: tables of \([0-9]*\) bytes.*/\1/p' | tail -n 1)"
echo "module_bytes $(awk '$1 == "rust_btfreloc" { print $2 }' /proc/modules)"
echo "slab_growth_kib $(($(slab) - before))"
for name in $(names 'third-party|stock'); do
	our_times "$MODULES/distilled/$name.ko" | median "$rounds" >"/tmp/$name.ours" || exit 1
done
trace_function btf_module_notify
for name in $(names 'third-party|stock'); do
	kernel_times "$MODULES/distilled/$name.ko" | median "$rounds" >"/tmp/$name.with" || exit 1
	echo "module $name without_ns $(cat "/tmp/$name.without") ours_ns $(cat "/tmp/$name.ours") kernel_with_ns $(cat "/tmp/$name.with")"
done
echo nop >$tracing/current_tracer

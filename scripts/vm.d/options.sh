# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # the parts of scripts/vm share their variables
# What the command line of scripts/vm says: options, files, and the command for the guest.

kernel=
modules=
stock=
tools=
timeout=300
log=
append=
memory=
files=
first=0
start=$PWD

# $1 as one word of shell source. The dot saves newlines at the end from $( ).
quote() {
	word=$(printf '%s.' "$1" | sed "s/'/'\\\\''/g")
	printf "'%s' " "${word%.}"
}

# add_file PATH: one of --files, by the name that it has in the guest
add_file() {
	[ -e "$1" ] || die "--files: there is no $1"
	path=${1%/}
	while [ "$path" != "${path#./}" ]; do
		path=${path#./}
	done
	case /$path/ in
	//*) printf '%s\n' "$path" | tee -a "$run/absolute" >>"$run/paths" ;;
	*/../*) die "--files: give $1 as an absolute path" ;;
	*)
		printf '%s\n' "$path" >>"$run/relative"
		printf '%s\n' "$start/$path" >>"$run/paths"
		;;
	esac
}

# add_first KO: one of --first, under a number
add_first() {
	[ -f "$1" ] || die "--first: there is no $1"
	first=$((first + 1))
	mkdir -p "$run/first"
	cp "$1" "$run/first/$(printf '%03d' $first).ko"
}

# read_options ARGUMENT...: sets the variables above, lists the files in $run, and writes the command there
read_options() {
	touch "$run/relative" "$run/absolute" "$run/paths"
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		--kernel | --modules | --stock-modules | --tools | --timeout | --log | --append | --memory)
			[ $# -ge 2 ] || die "$1 needs a value; see --help"
			case $1 in
			--kernel) kernel=$2 ;;
			--modules) modules=$2 ;;
			--stock-modules) stock=$stock,$2 ;;
			--tools) tools=$tools,$2 ;;
			--timeout) timeout=$2 ;;
			--log) log=$2 ;;
			--append) append="$append $2" ;;
			--memory) memory=$2 ;;
			esac
			files=
			shift 2
			;;
		--files | --first)
			files=${1#--}
			shift
			;;
		--)
			shift
			break
			;;
		*)
			case $files:$1 in
			:* | *:--*) die "what is $1? see --help" ;;
			files:*) add_file "$1" ;;
			first:*) add_first "$1" ;;
			esac
			shift
			;;
		esac
	done
	[ "$kernel" ] || die "--kernel is missing; see --help"
	[ $# -gt 0 ] || die "a command is missing after --; see --help"
	case $timeout in
	'' | *[!0-9]* | 0*) die "--timeout needs a number of seconds, not $timeout" ;;
	esac

	command_name=$1
	{
		printf 'exec '
		for word; do
			quote "$word"
		done
		echo
	} >"$run/command"
}

# SPDX-License-Identifier: GPL-2.0
# The layouts in bpftool's C text of vmlinux, a declaration a line: NAME, a tab, and all of it. What encoders write in
# several ways for one layout is written in one: a pointer without what it points to, an array of arrays as one array,
# a name that occurs several times without bpftool's number.
function plain(text,  dims) {
	gsub(/___[0-9]+/, "", text)
	while (match(text, /\[[0-9]+\]\[[0-9]+\]/)) {
		split(substr(text, RSTART + 1, RLENGTH - 2), dims, /\]\[/)
		text = substr(text, 1, RSTART) dims[1] * dims[2] substr(text, RSTART + RLENGTH - 1)
	}
	if (match(text, /\(\*[^)]*\)/))
		return substr(text, RSTART + 1, RLENGTH - 2) ";"
	sub(/.*\*/, "*", text)
	return text
}

function print_declaration() {
	split(declaration, words, " ")
	name = words[1] " " words[2]
	if (words[1] == "typedef" && match(declaration, /[A-Za-z0-9_]+(\[[0-9]*\])?;$/))
		name = "typedef " substr(declaration, RSTART, RLENGTH - 1)
	print name "\t" declaration
}

# A function or a pointer has no layout of its own.
/^typedef.*[*(].*;$/ { next }
/^(struct|union|enum|typedef) / { declaration = "" }
{ declaration = declaration plain($0) }
/^}|^typedef.*;$/ { print_declaration() }

// SPDX-License-Identifier: GPL-2.0
/* What btfreloc_asked describes: one function, and what that takes. */
int btfreloc_asked_next(int value);

int btfreloc_asked_next(int value)
{
	return value + 1;
}

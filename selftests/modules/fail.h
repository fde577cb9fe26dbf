/* SPDX-License-Identifier: GPL-2.0 */
int btfreloc_fail_check(int n);

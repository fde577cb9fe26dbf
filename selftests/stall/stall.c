// SPDX-License-Identifier: GPL-2.0
/*
 * stall PATH: reads a file, or lists a folder, into a page that never comes: the kernel waits in copy_to_user until
 * this is killed.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	long size = sysconf(_SC_PAGESIZE);
	struct stat about;
	int faults, file;
	void *page;

	if (argc != 2)
		errx(2, "usage: stall PATH");
	file = open(argv[1], O_RDONLY);
	if (file < 0 || fstat(file, &about))
		err(1, "%s", argv[1]);
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(1, "mmap");
	faults = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api))
		err(1, "userfaultfd");
	range.range.start = (uintptr_t)page;
	range.range.len = size;
	if (ioctl(faults, UFFDIO_REGISTER, &range))
		err(1, "UFFDIO_REGISTER");
	syscall(S_ISDIR(about.st_mode) ? SYS_getdents64 : SYS_read, file, page, size);
	errx(1, "%s: it did not stall", argv[1]);
}

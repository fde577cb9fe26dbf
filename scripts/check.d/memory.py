# SPDX-License-Identifier: GPL-2.0
"""Whether a run of the tool stays below so much memory.

python3 memory.py MIB VERDICTS COMMAND...

COMMAND is `btfreloc check`, which must give at least VERDICTS verdicts. The peak is that of its resident set, as the
kernel counts it for a child that has ended.
"""

import re
import resource
import subprocess
import sys


def main():
    limit, least, *command = sys.argv[1:]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    # In KiB (getrusage(2)).
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    found = re.search(r"^(\d+) checked: ", run.stdout, re.MULTILINE)
    checked = int(found.group(1)) if found else 0
    print(f"peak {peak:.0f} MiB of at most {limit}; {checked} verdicts of at least {least}")
    # Findings are no failure here.
    if run.returncode not in (0, 1) or checked < int(least):
        sys.exit(f"status {run.returncode}: {run.stdout[-2000:]}")
    sys.exit(peak >= float(limit))


main()

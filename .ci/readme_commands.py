"""Print the command lines of the two `sh` blocks under "## Start here", one a line.

Fails when there are not exactly two blocks of one line each.
"""

import re
import sys
from pathlib import Path

page = Path(sys.argv[1]).read_text(encoding="utf8")
section = page.split("## Start here", 1)[1].split("\n## ", 1)[0]
blocks = [block.strip() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]
if len(blocks) != 2 or any("\n" in block for block in blocks):
    sys.exit('README.md: "## Start here" must hold two sh blocks of one command line each')
print("\n".join(blocks))

"""CPU seconds: of a process, and of what no sweep can do without, to parse the rows that Azure has of a VM."""

import json
import os
import time
from pathlib import Path
from statistics import median

_ROWS = Path(__file__).parent / "sample_rows.json"
_PAGE = 1000
_TIMES = 9


def used(pid: int) -> float:
    """The CPU seconds of the process so far, without those of its children."""
    # The name of the program, in parentheses, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11], fields[12]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def to_parse(items: float) -> float:
    """The CPU seconds of `json.loads` for the rows of one VM, a share `items` of which has an item: in pages of a
    thousand, as a sweep reads them. The rows are fixed: those that the simulator shows of a generated VM."""
    rows = json.loads(_ROWS.read_text())
    vm, item = (_of_a_row(json.dumps([rows[name]] * _PAGE)) for name in ("virtualMachine", "protectedItem"))
    return vm + items * item


def _of_a_row(page: str) -> float:
    def parse() -> float:
        started = time.process_time()
        json.loads(page)
        return time.process_time() - started

    return median(parse() for _ in range(_TIMES)) / _PAGE

"""`python -m local.bench.rivals NAME`: runs one script, for the task that stands on standard input as JSON, and prints
what the script alone knows: when it began to work, how long that took, its memory."""

import importlib
import json
import os
import sys
import time

from local.bench import memory
from local.bench.rivals.azure import Azure
from local.bench.rivals.task import Task


def main(name: str) -> None:
    script = importlib.import_module(f"local.bench.rivals.{name}")
    azure = Azure(Task(**json.load(sys.stdin)))
    began, started = time.time(), time.monotonic()
    read = script.read_all(azure) if azure.task.items else script.protect(azure)
    elapsed = time.monotonic() - started
    print(json.dumps({"began": began, "elapsed": elapsed, "peak": memory.peak(os.getpid()), "read": read}))


if __name__ == "__main__":
    main(sys.argv[1])

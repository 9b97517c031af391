"""`python -m local <command>`: everything that runs on a machine without Azure."""

import importlib
import sys

_COMMANDS = {
    "demo": ("local.demo.__main__", "take a small estate of VMs from Event Grid events to Protected, and show it"),
    "serve": ("local.serve", "keep the simulator and the host running, to try things by hand"),
    "screenshots": ("local.screenshots", "take the pictures of the page that the documentation shows (needs Chromium)"),
    "bench": ("local.bench.__main__", "measure calls, elapsed time and memory, also of what a user would run instead"),
    "simulator": ("local.simulator.__main__", "the local Azure Resource Manager alone"),
    "host": ("local.host.__main__", "the local Functions host alone"),
    "settings": ("local.settings", "write the local.settings.json with which `func start` runs against the simulator"),
    "archive": ("local.archive", "see whether an archive is whole, from its files alone"),
    "package": ("local.package.__main__", "build what is deployed, and play the demo against it"),
    "live-check": ("local.livecheck.__main__", "take a sandbox VM of a real subscription there and back, recorded"),
    "conformance": ("local.conformance.__main__", "replay recorded ARM traffic against the simulator"),
}


def main(arguments: list[str]) -> int:
    """Calls the `main` of the command. Returns the exit code: 2 for an unknown command."""
    name, *rest = arguments or ["--help"]
    if name in {"-h", "--help"}:
        print(_usage())
        return 0
    if name not in _COMMANDS:
        print(f"python -m local: there is no command {name!r}\n\n{_usage()}", file=sys.stderr)
        return 2
    from local.private import keep_private

    keep_private()
    module, _ = _COMMANDS[name]
    code: int = importlib.import_module(module).main(rest)
    return code


def _usage() -> str:
    lines = [f"  {name:<12} {text}" for name, (_, text) in _COMMANDS.items()]
    return "\n".join(
        ["usage: python -m local <command> [options]", "", *lines, "", "Each command explains its options with --help."]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

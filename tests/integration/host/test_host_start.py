"""Apps that the platform would refuse: one clear message, and an exit code that is not 0."""

import socket
from pathlib import Path

import pytest

from tests.integration.host.running import make_app, run_forked

IMPORTS = "import azure.functions as func\nimport azure.durable_functions as df\napp = df.DFApp()\n"
HTTP = "def hello(req: func.HttpRequest) -> str:\n    return ''\n"


def refusal(app: Path, *arguments: str) -> str:
    """The one message with which the host stops."""
    options = ["--app", str(app), "--port", "0", "--state-dir", str(app / "state"), *arguments]
    code, printed = run_forked("local.host.__main__", *options, log=app.with_suffix(".log"))
    assert code == 1, printed
    assert printed.count("The host cannot start") == 1
    return printed


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'. Cannot find module.",
        ),
        ("\nimport nowhere_to_be_found", 'function_app.py", line 2'),
        ("import os\nraise RuntimeError('set A\\nset B')", "RuntimeError: set A\nset B"),
        ("app = (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("app = None", "Could not find top level function app instances in function_app.py."),
        (
            f"{IMPORTS}other = func.FunctionApp()",
            "More than one DFApp or other top level function app instances are defined.",
        ),
        (IMPORTS, "no functions found"),
        (f"{IMPORTS}@app.route()\n{HTTP}@app.route(route='other')\n{HTTP}", "hello does not have a unique"),
        (
            f"{IMPORTS}@app.route()\n{HTTP}@app.route(route='o')\n{HTTP.replace('hello', 'Hello')}",
            "more than one function named 'Hello'",
        ),
        (
            f"{IMPORTS}@app.route(route='a')\n{HTTP}@app.route(route='A')\n{HTTP.replace('hello', 'other')}",
            "'hello' and 'other' have the same route",
        ),
        (f"{IMPORTS}@app.route(route='a/{{b')\n{HTTP}", "no valid template: '{b'"),
        (f"{IMPORTS}@app.route(route='{{a:colour}}')\n{HTTP}", "unknown constraint ':colour'"),
        (f"{IMPORTS}@app.route(route='admin/x')\n{HTTP}", "conflicts with the host's own routes"),
        (
            f"{IMPORTS}@app.route()\n{HTTP.replace('req:', 'extra, req:')}",
            "declared in Python but not in the function definition (function.json or function decorators):  {'extra'}",
        ),
        (
            f"{IMPORTS}@app.route(trigger_arg_name='r')\n{HTTP}",
            "declared in Python but not in the function definition (function.json or function decorators):  {'req'}",
        ),
        (
            IMPORTS + "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\n"
            "def f(m: func.QueueMessage):\n    pass",
            "does not support bindings of type 'queueTrigger'",
        ),
        (
            f"{IMPORTS}@app.route()\n@app.blob_input(arg_name='b', path='p', connection='C')\n"
            + HTTP.replace("req:", "b, req:"),
            "does not support bindings of type 'blob'",
        ),
        (
            f"{IMPORTS}@app.entity_trigger(context_name='context')\ndef e(context):\n    pass",
            "does not support bindings of type 'entityTrigger'",
        ),
        (
            f"{IMPORTS}@app.timer_trigger(arg_name='t', schedule='0 99 * * * *')\ndef f(t):\n    pass",
            "'99' is no minute (0-59)",
        ),
        (
            f"{IMPORTS}@app.timer_trigger(arg_name='t', schedule='%NO_SUCH_SETTING%')\ndef f(t):\n    pass",
            "'%NO_SUCH_SETTING%' does not resolve",
        ),
        (
            f"{IMPORTS}@app.retry('fixed_delay', max_retry_count='3', delay_interval='00:00:01')\n@app.route()\n{HTTP}",
            "does not support retry policies",
        ),
        (f"{IMPORTS}@app.durable_client_input(client_name='c')\nasync def f(c):\n    pass", "does not have a trigger"),
    ],
)
def test_apps_that_cannot_be_served(tmp_path: Path, source: str, expected: str) -> None:
    assert expected in refusal(make_app(tmp_path, source))


@pytest.mark.parametrize(
    ("host_json", "expected"),
    [
        ("{", "host.json cannot be read"),
        ("[]", "must hold a JSON object"),
        ('{"version": "1.0"}', '"version" must be "2.0"'),
        ('{"version": "2.0", "extensions": {"durableTask": {"hubName": "my-hub"}}}', "hubName must be"),
        (
            '{"version": "2.0", "extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}',
            "maxConcurrentActivityFunctions must be a whole number",
        ),
        ('{"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}', "unknown log level 'Loud'"),
    ],
)
def test_bad_host_json(tmp_path: Path, host_json: str, expected: str) -> None:
    app = make_app(tmp_path, IMPORTS)
    app.joinpath("host.json").write_text(host_json)
    assert expected in refusal(app)


def test_a_folder_that_is_no_app(tmp_path: Path) -> None:
    assert "host.json is missing" in refusal(tmp_path)
    tmp_path.joinpath("host.json").write_text('{"version": "2.0"}')
    assert "function_app.py is missing" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [('{"Values": {"A": 1}}', "'A' must be a string"), ('{"IsEncrypted": true}', "is encrypted")],
)
def test_bad_local_settings(tmp_path: Path, settings: str, expected: str) -> None:
    app = make_app(tmp_path, IMPORTS)
    app.joinpath("local.settings.json").write_text(settings)
    assert expected in refusal(app)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = make_app(tmp_path, f"{IMPORTS}@app.route()\n{HTTP}")
        assert f"port {port} is not free" in refusal(app, "--port", str(port))

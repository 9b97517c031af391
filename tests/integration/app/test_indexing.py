"""Microsoft's worker library is how the platform finds the app's functions: of an app that it refuses, none."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID

APP = Path(__file__).parents[3]
# By these names, orchestrators call activities, instances continue, and Event Grid and the CI call the app.
NAMES = {
    *("on_vm_event", "reconcile"),
    *("get_protection", "put_protection", "delete_protection", "post_plan", "put_hold", "delete_hold", "get_timeline"),
    *("put_acknowledge", "delete_acknowledge"),
    *("get_drill", "post_drill", "delete_drill", "post_drill_plan"),
    *("get_drills", "post_drills", "post_drills_plan", "get_drill_batch", "delete_drills"),
    *("post_protections", "post_protections_plan", "get_batch", "get_compliance", "get_report", "get_jobs"),
    *("get_status", "get_runs", "post_sweep", "get_openapi", "get_page"),
    *("protect_vm", "reconcile_estate", "protect_batch", "drill_vm", "drill_batch"),
    *("resolve_source", "create_target_resources", "enable_protection", "change_protection"),
    *("monitor_job", "remove_failed_item", "disable_protection", "publish_outcome", "publish_sweep", "purge_history"),
    *("reconcile_window", "request_protection", "follow_batch", "remove_orphans"),
    *("prepare_drill", "start_drill", "look_at_drill", "clean_up_drill", "finish_drill", "advance_drills"),
}


def test_microsofts_library_loads_every_function_of_the_app() -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}"
    settings = {"DR_VAULT_IDS": str(VAULT_ID), "DR_SOURCE_SCOPE": scope, "DR_TARGET_SCOPE": scope}
    settings |= {"DR_DEPLOYMENT": "func-1", "DR_ORIGIN_STORE": "/nowhere"}
    outside = {name: value for name, value in os.environ.items() if not name.startswith("DR_")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.library", str(APP)],
        cwd=APP,
        env=outside | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert json.loads(done.stdout) == {"functions": sorted(NAMES)}

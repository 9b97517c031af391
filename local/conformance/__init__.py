"""Is what happens here what Azure does? Two answers.

- `sdk_models.validate_request_log`: is every request and answer valid against the models of the installed Azure SDKs?
- `python -m local conformance FILE.jsonl`: does the simulator answer recorded real traffic as Azure did?
"""

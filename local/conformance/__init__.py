"""Checks that the simulator and the app's requests conform to Azure, in two ways.

- `sdk_models.validate_request_log`: is every request and answer valid against the models of the installed Azure SDKs?
- `python -m local conformance FILE.jsonl`: does the simulator answer recorded real traffic as Azure did?
"""

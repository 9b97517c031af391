"""What differs and what is to be done: diff, compliance, orphans, the state of runs, sweeps and batches.

Pure, as `planning/` is, on which it rests. The next finding is a row of the catalog in `planning/`; the next state that
an orchestration carries a field of `run_state.py`, `sweep.py` or `batch.py`.
"""

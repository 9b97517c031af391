"""What differs and what is to be done: diff, compliance, orphans, the state of runs, sweeps and batches.

Pure, as `planning/` is, on which it rests. The next finding of a sweep is a row of `catalog.py`; the next state that
an orchestration carries a field of `run_state.py`, `sweep.py` or `batch.py`.
"""

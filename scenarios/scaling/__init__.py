"""A pool that grows and shrinks with its load. Begin with `dispatch.py`: the queue and who gets the next task; then
`policies.py`: how many workers there should be; `pool.py` starts and drains them, `worker.py` is one, `load.py` what
comes; `scenario.py` sets it all up."""

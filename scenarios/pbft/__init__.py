"""Practical Byzantine fault tolerance (Castro & Liskov 1999). Begin with `replica.py`, the protocol in the paper's
order; `client.py` asks, `messages.py` is what they say, `state.py` what a replica keeps, `faults.py` how it may
misbehave; `scenario.py` sets it all up."""

"""Gossip (Demers et al. 1987). Begin with `scenario.py`: the protocol and what to show of it; `state.py` is what an
agent keeps, `measures.py` the figures, `theory.py` what the papers expect of them."""

"""Proof of work (Nakamoto 2008). Begin with `chain.py`: what makes a block valid; then `miner.py`: a node; `tree.py`
is its view of the chain, `pool.py` its mempool, `attacks.py` what dishonest ones do; `scenario.py` sets it all up."""

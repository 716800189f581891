"""The Contract Net and other auctions (Smith 1980; Vickrey 1961). Begin with `manager.py` and `contractor.py`, who
speak the `messages.py` of it by the `rules.py`; `bids.py` is how much to bid, `succession.py` who acts when a manager
crashes, `trader.py` the way without a manager; `scenario.py` sets it all up."""

"""A recording in other formats: `swarmscope export`, and the key e on the screen.

Begin with `wish.py`, which says what can be asked for, and `export.py`, which does it. Each format has a file of its
own: `shiviz.py`, `metrics_csv.py`, `svg.py`, `cast.py`, `gif.py`. The last three show the real screen, which
`screen.py` opens without a terminal; `cells.py` paints its characters for `gif.py`. `stretch.py` takes a run from
moment to moment.
"""

"""Molecular dynamics: integrators whose targets move, what guards, records and resumes a run.

The centre of mass is held at rest, so a cell of N atoms has 3N - 3 degrees of freedom;
temperatures, thermostats and barostats count them so. ASE 3.29's chains count 3N (measured: they
hold N / (N - 1) of the temperature asked for), which is corrected in `chains` and `mtk`.
"""

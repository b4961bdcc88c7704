"""Environment variables of a process that computes, wherever it is started."""

from __future__ import annotations

import os

from llamp_mcp.recording import names_a_secret


def process_environment(threads: int) -> dict[str, str]:
    """Those of this process, without secrets, with threads capped before torch is loaded.

    A worker needs no key and no token, whatever it is for; it loads model files, which can run
    code.
    """
    inherited = {name: value for name, value in os.environ.items() if not names_a_secret(name)}
    return inherited | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        # numpy's and scipy's, which work on 3 by 3 matrices here: with two threads a warm
        # relaxation of Si8 takes 4.2 s of processor time instead of 0.8.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }

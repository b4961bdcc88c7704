"""Force-field calculations: calculators, jobs, the worker, one file per calculation."""

from llamp_mcp.simulation import list_calculators, relax_structure, run_md

OPERATIONS = (list_calculators.OPERATION, relax_structure.OPERATION, run_md.OPERATION)

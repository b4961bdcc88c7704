"""Force-field calculations: calculators, jobs, the worker, one file per calculation."""

from llamp_mcp.simulation import (
    analyze_trajectory,
    calculate_energy,
    calculate_property,
    compute_elastic_tensor,
    compute_phonons,
    find_migration_barrier,
    fit_eos,
    list_calculators,
    relax_structure,
    run_md,
)

OPERATIONS = (
    list_calculators.OPERATION,
    calculate_energy.OPERATION,
    relax_structure.OPERATION,
    fit_eos.OPERATION,
    compute_elastic_tensor.OPERATION,
    run_md.OPERATION,
    analyze_trajectory.OPERATION,
    compute_phonons.OPERATION,
    find_migration_barrier.OPERATION,
    calculate_property.OPERATION,
)

"""The calculations behind a material."""

from llamp_mcp.materials.groups.table import STRUCTURE_METADATA, Field, Group, ascending, listing

GROUP = Group(
    name="tasks",
    about="calculations that were made for a material",
    fields=(
        Field(
            "tasks",
            "oldest first; input and output come when named",
            columns=(
                ("task_id", ""),
                ("calc_type", ""),
                ("run_type", ""),
                ("task_type", ""),
                ("completed_at", ""),
            ),
            shown=10,
            raw=("task_id", "calc_type", "run_type", "task_type", "completed_at"),
        ),
    ),
    method="VASP calculations of the Project",
    document=(
        *STRUCTURE_METADATA,
        "batch_id",
        "calc_type",
        "completed_at",
        "dir_name",
        "icsd_id",
        "input",
        "last_updated",
        "orig_inputs",
        "output",
        "run_type",
        "structure",
        "tags",
        "task_id",
        "task_type",
        "transformations",
        "vasp_objects",
        "vasp_version",
    ),
    fold=listing("tasks", ascending("completed_at", "task_id")),
    rows="tasks",
)

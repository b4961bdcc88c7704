"""Jobs: durable, shared by servers and workers, kept for a while after their end."""

from llamp_mcp.simulation.jobs.answers import JobAnswer, Progress, answer
from llamp_mcp.simulation.jobs.job import (
    FINISHED,
    LOG,
    PLOT,
    STORE,
    TRAJECTORIES,
    TRAJECTORY,
    WAITING,
    Job,
    State,
)
from llamp_mcp.simulation.jobs.retention import Removed
from llamp_mcp.simulation.jobs.store import JobStore

__all__ = [
    "FINISHED",
    "LOG",
    "PLOT",
    "STORE",
    "TRAJECTORIES",
    "TRAJECTORY",
    "WAITING",
    "Job",
    "JobAnswer",
    "JobStore",
    "Progress",
    "Removed",
    "State",
    "answer",
]

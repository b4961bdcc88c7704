"""How far an answer can be trusted: grounding, self-consistency, question sets, distillation."""

from __future__ import annotations

from typing import Final

from llamp_mcp.evaluation import calculate, check_grounding, score_self_consistency

OPERATIONS: Final = (
    check_grounding.OPERATION,
    calculate.OPERATION,
    score_self_consistency.OPERATION,
)

"""Experts: briefs of how questions of a field are answered, and the loop that follows them."""

from __future__ import annotations

from typing import Final

from llamp_mcp.experts import ask_expert, expert_brief

OPERATIONS: Final = (expert_brief.OPERATION, ask_expert.OPERATION)

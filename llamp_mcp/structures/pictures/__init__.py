"""Pictures of structures that a person and a vision model can read."""

from __future__ import annotations

from llamp_mcp.structures.pictures.draw import Picture, picture

__all__ = ["Picture", "picture"]

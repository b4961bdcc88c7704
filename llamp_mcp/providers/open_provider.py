"""The language model that a host has set, if any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llamp_mcp.errors import ProviderError
from llamp_mcp.providers.constrained import Constrained
from llamp_mcp.providers.openai_compatible import OpenAICompatible, Sampling

if TYPE_CHECKING:
    from llamp_mcp.providers.chat import Provider
    from llamp_mcp.settings import Settings


def open_provider(settings: Settings, sampling: Sampling | None = None) -> Provider | None:
    """The provider of `LLAMP_LLM_MODEL`; None when none is set: no model is ever called unasked.

    Raises:
        ProviderError: The client library is not installed.
    """
    if not settings.llm_model:
        return None
    from importlib.util import find_spec

    if find_spec("openai") is None:
        raise ProviderError(
            f"LLAMP_LLM_MODEL is {settings.llm_model!r}, and the package 'openai' is not installed",
            next_step="Install llamp-mcp[llm].",
        )
    endpoint = OpenAICompatible(
        model=settings.llm_model,
        url=settings.llm_url,
        key=settings.llm_key,
        timeout_s=settings.llm_timeout_s,
        sampling=sampling or Sampling(),
    )
    return Constrained(endpoint) if settings.llm_constrained else endpoint

"""Jobs go on by themselves: while a server lives, it sees that their workers do."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from llamp_mcp.errors import LlampError
from llamp_mcp.server.services import Services, serving
from llamp_mcp.simulation.jobs import STORE

FIRST_S = 1.0
"""Not at once: a client waits for the list of tools."""
EVERY_S = 5.0

_logger = logging.getLogger(__name__)


@asynccontextmanager
async def watching(services: Services) -> AsyncIterator[None]:
    """While open, interrupted jobs of its homes are taken up again, and dead workers replaced."""
    async with anyio.create_task_group() as group:
        group.start_soon(_watch, services)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


async def _watch(services: Services) -> None:
    await anyio.sleep(FIRST_S)
    told = ""
    while True:
        try:
            await anyio.to_thread.run_sync(_recover, services, abandon_on_cancel=True)
            told = ""
        except (LlampError, OSError) as error:
            if str(error) != told:
                _logger.warning("jobs cannot be taken up: %s", error)
            told = str(error)
        await anyio.sleep(EVERY_S)


def _recover(services: Services) -> None:
    """For every caller. Nothing is made for it: a home that never had a job is left alone."""
    for caller in services.callers():
        with serving(caller):
            if (services.settings.home.expanduser() / STORE).is_file():
                services.engine.recover()

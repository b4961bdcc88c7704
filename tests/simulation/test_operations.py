from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

from llamp_mcp import simulation
from llamp_mcp.operation import needs
from llamp_mcp.simulation import OPERATIONS

SERVICES = {"settings", "structures", "jobs", "calculators", "monitor"}


def test_every_file_with_an_operation_is_listed():
    names = [module.name for module in pkgutil.iter_modules(simulation.__path__)]
    modules = [importlib.import_module(f"llamp_mcp.simulation.{name}") for name in names]
    found = {module.OPERATION.name for module in modules if hasattr(module, "OPERATION")}

    assert found == {operation.name for operation in OPERATIONS}


def test_operations_ask_only_for_services_there_are():
    for operation in OPERATIONS:
        assert set(needs(operation.run)) <= SERVICES
        if operation.check:
            assert set(needs(operation.check)) <= SERVICES - {"monitor"}, "checks run in the server"


def test_listing_operations_and_calculators_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path\n"
        "from llamp_mcp.settings import Settings\n"
        "from llamp_mcp.simulation import OPERATIONS\n"
        "from llamp_mcp.simulation.calculators import Calculators\n"
        "from llamp_mcp.simulation.engines.local import LocalEngine\n"
        "Calculators(Settings(home=Path('nowhere'))).entries()\n"
        "heavy = {'torch', 'mace', 'chgnet', 'ase', 'pymatgen', 'numpy', 'scipy', 'matplotlib'}\n"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")

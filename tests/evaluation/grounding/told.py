"""A ledger with values that the paper's questions ask for, and whom they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llamp_mcp.evaluation.check_grounding import OPERATION, Claim, GroundingParams, GroundingResult
from llamp_mcp.materials.source import Rows
from llamp_mcp.provenance import Fact, Ledger, SourceMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

MP = "Materials Project, database of 2023"
EMT = "calculator emt"
OF_CU = "geometry of s-ff153afcd4fc6816"


def _of(subject: str, formula: str, source: str = MP, **values: Any) -> tuple[Fact, ...]:
    units = {
        "bulk_modulus.vrh": "GPa",
        "bulk_modulus.voigt": "GPa",
        "bulk_modulus.reuss": "GPa",
        "young_modulus": "Pa",
        "band_gap": "eV",
        "formation_energy_per_atom": "eV/atom",
        "energy_above_hull": "eV/atom",
        "decomposition_enthalpy": "eV/atom",
        "density": "g/cm³",
        "volume": "Å³ per cell",
        "density_atomic": "Å³/atom",
        "nsites": "atoms per cell",
        "total_magnetization": "μB per cell",
        "total_magnetization_normalized_formula_units": "μB per formula unit",
        "debye_temperature": "K",
        "e_total": "relative permittivity",
        "n": "dimensionless",
        "homogeneous_poisson": "dimensionless",
        "bulk_modulus_gpa": "GPa",
        "energy_ev_per_atom": "eV/atom",
        "energy_ev": "eV",
        "volume_a3": "Å³",
        "operations.9.temperature_k": "K",
        **dict.fromkeys("abc", "Å"),
        **dict.fromkeys(("alpha", "beta", "gamma"), "degrees"),
    }
    return tuple(
        Fact(
            subject,
            name.replace("__", "."),
            value,
            units.get(name.replace("__", ".")),
            source,
            formula,
        )
        for name, value in values.items()
    )


TOLD: tuple[Fact, ...] = (
    *_of(
        "mp-149",
        "Si",
        nsites=2,
        volume=40.3295268,
        density=2.31280026,
        density_atomic=20.1647634,
        symmetry__symbol="Fd-3m",
        symmetry__number=227,
        symmetry__crystal_system="Cubic",
        energy_above_hull=0.0,
        is_stable=True,
        band_gap=0.6105,
        is_gap_direct=False,
    ),
    *_of("mp-13", "Fe", bulk_modulus__vrh=207.093, bulk_modulus__voigt=207.747),
    *_of("mp-13", "Fe", bulk_modulus__reuss=206.439, energy_above_hull=0.0, is_stable=True),
    *_of("mp-13", "Fe", homogeneous_poisson=0.353, ordering="FM"),
    *_of("mp-136", "Fe", bulk_modulus__vrh=137.4, energy_above_hull=0.13, is_stable=False),
    *_of("mp-150", "Fe", bulk_modulus__vrh=295.1, energy_above_hull=0.07),
    *_of("mp-30", "Cu", bulk_modulus__vrh=151.394, young_modulus=1.27e11, band_gap=0.0),
    *_of("mp-79", "Zn", bulk_modulus__vrh=85.872),
    *_of("mp-54", "Co", bulk_modulus__vrh=-1127.579),
    *_of("mp-102", "Co", bulk_modulus__vrh=200.587),
    *_of("mp-32", "Ge", band_gap=0.0, energy_above_hull=0.0),
    *_of("mp-804", "GaN", formation_energy_per_atom=-0.67, band_gap=1.7265, nsites=4),
    *_of("mp-830", "GaN", formation_energy_per_atom=-0.661, band_gap=1.571),
    *_of(
        "mp-2534", "GaAs", formation_energy_per_atom=-0.4463, band_gap=0.1861, n=4.2, e_total=17.6
    ),
    *_of("mp-1639", "BN", decomposition_enthalpy=-0.02, formation_energy_per_atom=-1.413),
    *_of("mp-5020", "BaTiO3", formation_energy_per_atom=-3.4897, debye_temperature=455.2),
    *_of(
        "mp-753395",
        "FePO4",
        ordering="FM",
        total_magnetization=10.0000003,
        total_magnetization_normalized_formula_units=5.00000015,
        energy_above_hull=0.012,
        symmetry__symbol="P2_1/c",
    ),
    *_of("mp-22862", "NaCl", density=2.1, density_atomic=22.9),
    *_of("s-ff153afcd4fc6816", "Cu", OF_CU, n_atoms=1, volume_a3=11.87189, a=2.560619),
    *_of("s-ff153afcd4fc6816", "Cu", OF_CU, alpha=60.0, beta=60.0, gamma=60.0),
    *_of("mp-30", "Cu", OF_CU, n_atoms=1, volume_a3=11.87189, a=2.560619),
    *_of("mp-30", "Cu", OF_CU, alpha=60.0, beta=60.0, gamma=60.0),
    *_of("s-ff153afcd4fc6816", "Cu", EMT, bulk_modulus_gpa=134.3719573336739),
    *_of("s-ff153afcd4fc6816", "Cu", EMT, energy_ev_per_atom=-0.0037793969815),
    *_of("10.1007/s10853-011-6139-7", "LiFePO4", doi="10.1007/s10853-011-6139-7"),
    *_of("10.1007/s10853-011-6139-7", "LiFePO4", operations__9__temperature_k=973.15),
)


class NothingMore:
    """A source that has no more than was told, and counts how often it is asked."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._documents = documents

    def meta(self) -> SourceMeta:
        return SourceMeta(
            kind="sample",
            name="made up",
            database_version="1",
            licence="CC BY 4.0",
            attribution="nobody",
            materials=None,
            notice="made up",
        )

    def citations(self) -> dict[str, dict[str, str]]:
        return {}

    def rows(
        self, endpoint: str, material_ids: tuple[str, ...], fields: tuple[str, ...] = ()
    ) -> Rows:
        self.asked.append((endpoint, material_ids))
        return Rows(tuple(d for d in self._documents if d["material_id"] in material_ids))


def check(
    told: Iterable[Fact] = TOLD,
    *,
    seen: Iterable[str] = (),
    source: Any = None,
    text: str = "",
    claims: Iterable[dict[str, Any]] = (),
) -> GroundingResult:
    """What `check_grounding` says to a caller that was told these facts."""
    ledger = Ledger()
    ledger.record("me", told)
    ledger.saw("me", seen)
    params = GroundingParams(claims=[Claim(**claim) for claim in claims], text=text)
    result: GroundingResult = OPERATION.run(
        params,
        told=tuple(ledger.facts("me")),
        seen=ledger.seen("me"),
        source=source or NothingMore(),
    )
    return result

from __future__ import annotations

from pymatgen.core import Lattice, Structure

from llamp_mcp.materials import project
from llamp_mcp.materials.project import compact


def test_a_structure_keeps_moments_only_where_every_site_has_one():
    site = {"species": [{"element": "Fe", "occu": 1}], "abc": [0, 0, 0]}
    structure = {"lattice": {"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "sites": [site]}
    assert "magmoms" not in compact(structure)
    site["properties"] = {"magmom": 2.2}
    assert compact(structure)["magmoms"] == [2.2]


def test_a_disordered_structure_keeps_its_occupancies():
    crystal = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    crystal.replace_species({"Na": {"Na": 0.25, "K": 0.75}})
    record = compact(crystal.as_dict())
    assert "magmoms" not in record
    made = Structure(record["lattice"], record["species"], record["frac_coords"])
    assert made == crystal


def test_the_attribution_names_paper_version_and_licence():
    said = project.attribution("2026.1")
    assert "10.1063/1.4812323" in said
    assert "2026.1" in said
    assert "creativecommons.org/licenses/by/4.0" in said
    assert project.citations("2026.1")[project.KEY]["database_version"] == "2026.1"

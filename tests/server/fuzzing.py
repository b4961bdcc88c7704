"""Arguments for any tool, drawn from the input schema it serves: good ones, and spoilt ones.

A text that the schema leaves free is drawn from `VOCABULARY` by the name of its argument, so that
many calls get past the check of arguments and into the work; else nearly every one would end at an
id that does not exist.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from llamp_mcp.simulation.properties import KINDS
from llamp_mcp.structures.edits import EDITS
from llamp_mcp.structures.prototypes import PROTOTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    Schema = Mapping[str, Any]
    Vocabulary = Mapping[str, list[Any]]

TAKEN: Final[dict[str, dict[str, set[str]]]] = {
    "op": {edit.name: set(edit.arguments.model_fields) for edit in EDITS},
    "kind": {
        **{name: set(model.model_fields) for name, model in PROTOTYPES.items()},
        **{kind.name: set(kind.arguments.model_fields) for kind in KINDS},
    },
}
"""Arguments that an object with a tag takes: a flat object of all of them would be refused."""

FORMULAS: Final = [
    *("Si", "Fe2O3", "LiFePO4", "NaCl", "GaAs", "Cu", "Fe", "TiO2", "BaTiO3", "O2", "H2O", "C"),
    *(
        "Al2O3",
        "Li-Fe-O",
        "Fe-O",
        "Qq2",
        "Fe*O3",
        "ABC3",
        "SiO2 ",
        "si",
        "Fe2O3,Fe3O4",
        "Xe",
        "D2O",
    ),
    *(
        "Fe1000000000",
        "Fe0.0000001O",
        "Fe-1",
        "((((Si))))",
        "Si" * 60,
        "Fe3+",
        "e-",
        "0",
        "H" * 300,
    ),
]
MATERIALS: Final = [*FORMULAS, "mp-149", "mp-19017", "mp-30", "mp-0", "mp-aaaaaaft", "mvc-1", "mp-"]
FIELDS: Final = [
    *("band_gap", "density", "formula", "energy_above_hull", "k_vrh", "elastic_tensor", "volume"),
    *("bulk_modulus", "is_metal", "theoretical", "structure", "sites", "_id", "__class__", ""),
]
ELEMENTS: Final = ["Si", "O", "Fe", "Li", "Cu", "Na", "Cl", "H", "Xe", "U", "Qq", "", "Fe3+", "si"]
VOCABULARY: Final[Vocabulary] = {
    "formula": FORMULAS,
    "chemsys": [
        "Li-Fe-O",
        "Li-*-O",
        "Si",
        "Fe-O",
        "-",
        "Li--O",
        "Li-Fe-O-P-Si-Na-Cl",
        "*",
        "*-*-*",
    ],
    "material": MATERIALS,
    "materials": MATERIALS,
    "material_ids": MATERIALS,
    "material_id": MATERIALS,
    "reactants": MATERIALS,
    "products": MATERIALS,
    "precursors": MATERIALS,
    "target": MATERIALS,
    "elements": ELEMENTS,
    "exclude_elements": ELEMENTS,
    "species": [*ELEMENTS, "Si0.5Ge0.5", "Fe2+", "Na+", "Si:0.5", "X", "D", "Cu,Ni", "Si-1"],
    "element": ELEMENTS,
    "binding_atom": ELEMENTS,
    "gas": ["O2", "H2", "O", "Qq"],
    "possible_species": ["Fe3+", "O2-", "Fe", "3+", "Fe+++++"],
    "fields": FIELDS,
    "sort_by": FIELDS,
    "has_props": ["elasticity", "dos", "nothing"],
    "property": [*FIELDS, "bulk modulus", "gap"],
    "unit": ["GPa", "eV", "eV/atom", "Å", "parsec", "", "m**999", "1/0", "kelvin kelvin"],
    "to": ["GPa", "eV", "Å", "K", "", "m**999", "banana", "1"],
    "name": ["Cu", "SrTiO3", "CO2", "H2O", "NaCl", "Fe", "C60", "graphene", "Qq", "MoS2", "LaMnO3"],
    "crystal": ["fcc", "bcc", "hcp", "rocksalt", "diamond", "spinel", "A15", "graphene", "MX2-2H"],
    "molecule": ["CO2", "H2O", "O", "C60", "CH3CH2OH", "Qq"],
    "spacegroup": [225, 227, 1, 0, 999, "Fd-3m:2", "Pnma", "P1", "Qm3m"],
    "wyckoff": ["4a", "4f", "8c", "a", "99z"],
    "calculator": ["", "emt", "lj", "chgnet", "mace-mp-small", "vasp"],
    "calculators": ["emt", "lj", "chgnet", "vasp"],
    "pair": ["Cu-Cu", "Li-O", "Cu", "-", "Cu-Cu-Cu"],
    "keywords": ["solid state", "ball mill", "a,b,c", " , ", "*"],
    "cursor": ["", "abc", "eyJvZmZzZXQiOiAxMH0=", "0", "-1"],
    "kind": ["run_md", "relax_structure", "bands", ""],
    "text": [
        "perovskite",
        "The band gap of Si (mp-149) is 0.61 eV, and its density 2.28 g/cm3.",
        "| a | b |\n|---|---|\n| mp-149 | 5 GPa |",
        "data_x\n_cell_length_a 3\n",
        '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3\nCu 0 0 0\nCu 2 2 2\n',
        "Cu\n1.0\n3 0 0\n0 3 0\n0 0 3\nCu\n1\nDirect\n0 0 0\n",
        '{"lattice": {"matrix": [[3,0,0],[0,3,0],[0,0,3]]}, "sites": [{"species": [{"element": '
        '"Cu", "occu": 1}], "abc": [0, 0, 0]}]}',
        '{"lattice": {}, "sites": []}',
        "999999999\n\n",
    ],
    "query": ["LiFePO4 carbon coating", "ti:perovskite AND", '"', "(", "au:"],
    "expression": [
        *("8*28.0855 amu/(5.43 Å)^3", "mean(1, 2) GPa", "1/0", "10^10^10", "sqrt(-1)", "2 GPa"),
        *("(" * 200 + "1" + ")" * 200, "1e400", "9" * 400, "-" * 300 + "1", "__import__('os')"),
        *("0 K + 1 degC", "exp(1e5)", "1 eV to", "5 % 2", "100!", "1e-400", "log(0)"),
    ],
    "question": ["What is the band gap of silicon?", "?"],
    "path": [
        *("si.cif", "new/si.cif", "out.xyz", "frames.extxyz", "frames.traj", "XDATCAR", "fifo.cif"),
        *("../outside.cif", "/etc/passwd", "~/x.cif", "~nobody/x.cif", "a\0b", "x" * 300 + ".cif"),
        *(
            ".",
            "..",
            "/",
            "",
            "link/si.cif",
            "CON",
            "a/../../b.cif",
            "/proc/self/environ",
            " ",
            "%00",
        ),
    ],
}
"""Values by the name of an argument; some good, some nearly."""

NUMBERS: Final = [0, 1, 2, 3, -1, 0.5, 1.5, 100, 1e-9, 1e9, -1e9, 0.1, 12, 90, 120]
JUNK: Final[list[Any]] = [
    *(None, True, "", " ", "x" * 20_000, "\0", "\x1b[2J\x1b[31m", "‮​﻿", "🧪" * 50),
    *("NaN", "Infinity", "-Infinity", "null", "[]", "{}", '{"a": [1, 2', "../../etc/passwd"),
    *(-1, 0, 10**9, -(10**9), 2**63, 10**30, 1e308, -1e308, 5e-324, [], {}, [[]], [None], {"": ""}),
    *(
        [0] * 2_000,
        ["Si"] * 300,
        {"a": {"b": {"c": {}}}},
        "${jndi:ldap://x}",
        "' OR 1=1 --",
        "%s%n",
    ),
    *("s-0123456789abcdef", "j-0123456789abcde", "mp-149", "NaN GPa", "<script>", "data:,x"),
]


def nested(depth: int) -> Any:
    """Lists in lists."""
    made: Any = 1
    for _ in range(depth):
        made = [made]
    return made


def arguments(schema: Schema, vocabulary: Vocabulary) -> SearchStrategy[dict[str, Any]]:
    """Arguments that the schema of a tool allows."""
    return _drawn(schema, "", {**VOCABULARY, **vocabulary})


@st.composite
def spoilt(draw: DrawFn, schema: Schema, vocabulary: Vocabulary) -> Any:
    """Arguments that were good before one to three things happened to them."""
    made = copy.deepcopy(draw(arguments(schema, vocabulary)))
    for _ in range(draw(st.integers(1, 3))):
        place, key = draw(st.sampled_from(_places(made)))
        junk = draw(st.one_of(st.sampled_from(JUNK), st.text(max_size=30), st.just(nested(150))))
        what = draw(st.sampled_from(("replace", "replace", "unknown", "drop")))
        if what == "unknown" and isinstance(place, dict):
            named = draw(st.sampled_from(("bandgap", "__class__", "self", "context", "", "ä")))
            place[named] = copy.deepcopy(junk)
        elif what == "drop" and key is not None:
            del place[key]
        elif key is not None:
            place[key] = copy.deepcopy(junk)
    return made


def _places(made: Any) -> list[tuple[Any, Any]]:
    """Every container in the arguments, with each of its keys; the outermost one as it is, too."""
    found: list[tuple[Any, Any]] = [(made, None)]

    def walk(node: Any) -> None:
        if not isinstance(node, (dict, list)):
            return
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            found.append((node, key))
            if len(found) < 60:
                walk(value)

    walk(made)
    return found


def _drawn(schema: Schema, name: str, vocabulary: Vocabulary) -> SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_drawn(option, name, vocabulary) for option in schema["anyOf"]])
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return st.one_of([_drawn({**schema, "type": one}, name, vocabulary) for one in kind])
    match kind:
        case "object":
            return _object(schema, name, vocabulary)
        case "array":
            return _array(schema, name, vocabulary)
        case "integer" | "number":
            return _number(schema, whole=kind == "integer")
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return _text(schema, name, vocabulary)


@st.composite
def _object(draw: DrawFn, schema: Schema, name: str, vocabulary: Vocabulary) -> dict[str, Any]:
    properties = schema.get("properties")
    if properties is None:
        values = _drawn(schema["additionalProperties"], name, vocabulary)
        keys = st.sampled_from([*VOCABULARY["fields"], *ELEMENTS, "a", "b", "c", "alpha", "gamma"])
        return draw(st.dictionaries(keys, values, max_size=3))
    required = set(schema.get("required", ()))
    made = {key: draw(_drawn(properties[key], key, vocabulary)) for key in sorted(required)}
    told = next((taken[made[tag]] for tag, taken in TAKEN.items() if made.get(tag) in taken), None)
    optional = [key for key in properties if key not in required]
    # what the tag does not take is left out, but for what stands outside of the tagged kinds
    foreign = set().union(*(set().union(*taken.values()) for taken in TAKEN.values()))
    if told is not None:
        optional = [key for key in optional if key in told or key not in foreign]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=5, unique=True)) if optional else []
    return made | {key: draw(_drawn(properties[key], key, vocabulary)) for key in chosen}


@st.composite
def _array(draw: DrawFn, schema: Schema, name: str, vocabulary: Vocabulary) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 6)
    # vectors of three and of six are what most lists of numbers mean
    size = draw(st.sampled_from((1, 2, 3, 3, 3, 6, 0)))
    size = min(max(size, least), most)
    items = _drawn(schema["items"], name, vocabulary)
    return draw(st.lists(items, min_size=size, max_size=size))


def _number(schema: Schema, *, whole: bool) -> SearchStrategy[Any]:
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))

    def allowed(number: float) -> bool:
        above = "minimum" not in schema or number >= schema["minimum"]
        below = "maximum" not in schema or number <= schema["maximum"]
        strict = "exclusiveMinimum" not in schema or number > schema["exclusiveMinimum"]
        under: bool = number < schema.get("exclusiveMaximum", 1e400)
        return above and below and strict and under

    usual = [n for n in NUMBERS if allowed(n) and (not whole or n == int(n))]
    usual += [n for n in (schema.get("default"), least, most) if n is not None and allowed(n)]
    if whole:
        usual = [int(n) for n in usual]
        return st.one_of(st.sampled_from(usual), st.integers(least, most).filter(allowed))
    any_of = st.floats(least, most, allow_nan=False, allow_infinity=False).filter(allowed)
    return st.one_of(st.sampled_from(usual), any_of) if usual else any_of


def _text(schema: Schema, name: str, vocabulary: Vocabulary) -> SearchStrategy[str]:
    most = schema.get("maxLength", 200)
    free = st.text(max_size=min(most, 40))
    known = [text for text in vocabulary.get(name, ()) if isinstance(text, str)]
    known = [text for text in known if len(text) <= most]
    return st.one_of(st.sampled_from(known), st.sampled_from(known), free) if known else free

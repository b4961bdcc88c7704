"""Questions that the source cannot answer: the answer says so, and what to do; never a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.evaluation.distillation.answer import Answer
from llamp_mcp.evaluation.distillation.rows import Exchange, digest, pick
from llamp_mcp.evaluation.distillation.vocabulary import Words, questions, words

if TYPE_CHECKING:
    from llamp_mcp.evaluation.distillation.answer import Tools
    from llamp_mcp.evaluation.distillation.holdings import Formula, Property

COMMON: Final = (
    *("Ag2O3", "CsPbBr3", "LaMnO3", "SrTiO3", "BiFeO3", "YBa2Cu3O7", "In2O3", "SnO2", "Al2O3"),
    *("TiO2", "ZrO2", "HfO2", "V2O5", "MoO3", "WO3", "Co3O4", "NiO", "MnO2", "LiCoO2", "LiMn2O4"),
    *("LiFePO4", "Na3V2(PO4)3", "PbTe", "GeTe", "Sb2Te3", "FeSe", "NbSe2", "Cu2ZnSnS4", "CuInSe2"),
    *("K3C60", "CaTiO3", "PbTiO3", "KNbO3", "LiNbO3", "BaZrO3", "Y2O3", "Gd2O3", "MgAl2O4"),
)
"""Well-known compounds; those that the source does not hold are asked for."""
ADVICE: Final = {
    "elasticity": "compute_elastic_tensor can compute it with a force field, from the structure "
    "that get_structure gives",
    "thermo": "calculate_energy with reference energies can estimate a formation energy from the "
    "structure that get_structure gives",
    "phonon": "compute_phonons can compute phonons with a force field, from the structure that "
    "get_structure gives",
    "surface": "calculate_property can compute surface energies with a force field",
    "eos": "fit_eos can compute an equation of state with a force field",
    "summary": "analyze_structure can determine symmetry and density of a structure of your own",
    "bonds": "analyze_structure can determine bonds and coordination of a structure",
    "oxidation_states": "analyze_structure can guess oxidation states of a structure",
}
"""What can be done where the source has nothing of a group."""
NO_ADVICE: Final = "none of the tools here can compute it"

NEVER_HELD: Final = (
    ("melting point", "run_md can heat a crystal with a force field, which is only a rough guide"),
    ("price", "no tool here knows prices"),
    ("superconducting transition temperature", "no tool here computes it"),
    ("measured band gap", "the database has computed gaps only, which get_properties gives"),
    ("hardness on the Mohs scale", "get_properties gives computed elastic moduli"),
    ("toxicity", "no tool here knows it; see a safety data sheet"),
    ("thermal expansion at room temperature", "calculate_property can estimate it"),
    ("measured refractive index", "get_properties gives computed ones where there are any"),
    ("solubility in water", "no tool here computes it"),
    ("electrical resistivity", "no tool here computes it"),
)
"""Quantities that the database does not have of any material, and what is nearest."""
_CLOSING: Final = (
    "I will not fill in a number from memory.",
    "A remembered number would not be grounded, so I give none.",
    "So the value stays unknown here.",
)
_ELSEWHERE: Final = "The live database (with MP_API_KEY) or a larger snapshot may hold it"


def not_held(tools: Tools, formula: Formula, wanted: Property, seed: int) -> Exchange | None:
    """A property that none of the entries of a formula has here."""
    call, result = tools.properties([formula.formula], **wanted.arguments)
    if result is not None:
        return None
    name = f"{seed} no {wanted.name} of {formula.key}"
    known, answer = words(wanted.name), Answer()
    ids = [entry.material_id for entry in formula.entries]
    if len(ids) == 1:
        only = answer.mention(ids[0])
        answer.say(
            f"This source has no {known.noun} of {formula.formula}: its entry, {only}, lacks it."
        )
    else:
        number = answer.count(len(ids), f"entries of {formula.formula} in the source")
        answer.say(
            f"This source has no {known.noun} of {formula.formula}: none of its {number} entries "
            "has one."
        )
    answer.say(f"{_ELSEWHERE}; {ADVICE.get(wanted.group, NO_ADVICE)}.")
    answer.say(pick(_CLOSING, name))
    question = _question(known, formula.formula, name)
    return answer.finish(name, "refusal", question, [call], formulas=[formula.formula])


def unknown_formula(tools: Tools, formula: str, wanted: Property, seed: int) -> Exchange | None:
    """A compound of which the source holds no entry at all."""
    call, result = tools.properties([formula], **wanted.arguments)
    if result is not None:
        return None
    name = f"{seed} {wanted.name} of unheld {formula}"
    known, answer = words(wanted.name), Answer()
    answer.say(f"This source holds no entry of {formula}, so I have no {known.noun} for it.")
    answer.say("That says nothing about whether the Materials Project knows the compound.")
    answer.say(f"{_ELSEWHERE}; search_materials shows what is here.")
    answer.say(pick(_CLOSING, name))
    question = _question(known, formula, name)
    return answer.finish(name, "refusal", question, [call], formulas=[formula])


def unknown_id(tools: Tools, number: int, wanted: Property, seed: int) -> Exchange | None:
    """An id that is well formed and not here."""
    identifier = f"mp-{1_000_000 + digest(f'{seed} id {number}') % 2_000_000}"
    call, result = tools.properties([identifier], **wanted.arguments)
    if result is not None:
        return None
    name = f"{seed} {wanted.name} of unheld {identifier}"
    known, answer = words(wanted.name), Answer()
    answer.say(
        f"{answer.mention(identifier)} is not in this source, so I cannot give its {known.noun}."
    )
    answer.say(
        "Check the id: search_materials finds the right one by the formula. An id is never to be "
        "guessed, and neither is a value."
    )
    question = _question(known, identifier, name)
    return answer.finish(name, "refusal", question, [call], formulas=[])


def never_held(formula: Formula, seed: int) -> Exchange:
    """A quantity that the database does not have of any material: no tool is called."""
    name = f"{seed} never {formula.key}"
    quantity, advice = pick(NEVER_HELD, name)
    answer = Answer()
    answer.say(
        f"The {quantity} of {formula.formula} is not something that the Materials Project or these "
        f"tools hold: {advice}."
    )
    answer.say(pick(_CLOSING, name))
    question = _question(Words(quantity), formula.formula, name)
    return answer.finish(name, "refusal", question, [], formulas=[formula.formula])


def _question(known: Words, subject: str, name: str) -> str:
    noun = known.noun
    text = pick(questions(known), name)
    return text.format(noun=noun, Noun=noun[:1].upper() + noun[1:], s=subject)

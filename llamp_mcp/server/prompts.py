"""Prompts: the supervisor, each expert, and workflows; with completions of their arguments.

An expert's prompt is its brief, read when it is asked for, and the question. A workflow is a
question that many ask, put so that nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, get_args

import anyio.to_thread
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Prompt, PromptArgument
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from llamp_mcp.experts.brief import EXPERTS, SUPERVISOR, Expert, read_brief
from llamp_mcp.materials.groups import GroupName
from llamp_mcp.materials.source import Query
from llamp_mcp.materials.spectra import KINDS
from llamp_mcp.server.services import Services
from llamp_mcp.structures.voids import SiteKind

MATERIAL: Final = "formula or material id"
MAX_COMPLETIONS: Final = 100
"""As many as the protocol allows in one answer."""
MAX_FORMULAS: Final = 2_000


class Workflow(NamedTuple):
    """A question with arguments; `optional` names those that have a default."""

    title: str
    description: str
    expert: Expert
    arguments: dict[str, str]
    question: str
    optional: Mapping[str, str] = MappingProxyType({})


WORKFLOWS: Final[dict[str, Workflow]] = {
    "anneal": Workflow(
        "Anneal a crystal",
        "Heat and cool a supercell by molecular dynamics, and say what changed.",
        "simulation",
        {
            "material": MATERIAL,
            "temperatures_k": "in K, joined by lines, e.g. 300, 800, 300",
            "time_ps": "length of the run in ps",
            "calculator": "force field",
        },
        "Anneal {material}: relax it, make a supercell of about 100 atoms, and run NVT molecular "
        "dynamics with a Nosé-Hoover chain along {temperatures_k} K over {time_ps} ps with the "
        "calculator {calculator}. Give the mean temperature, its greatest departure from the "
        "schedule, the energies at the start and the end, the trajectory and the plot, and whether "
        "the crystal is still the same (lindemann, compare_structures).",
        {"temperatures_k": "300, 800, 300", "time_ps": "2", "calculator": "(the default)"},
    ),
    "adsorb": Workflow(
        "Put a molecule on a surface",
        "Cut a slab, widen it, place a molecule above it, prove the geometry, write a POSCAR.",
        "structure",
        {
            "material": MATERIAL,
            "miller": "Miller indices, e.g. 1 0 0",
            "molecule": "such as CO2",
            "height_a": "above the topmost atom, in Å",
        },
        "Cut a ({miller}) slab of {material} from the conventional cell, repeat it so that the "
        "molecule keeps 5 Å from its images, and put {molecule} {height_a} Å above the topmost "
        "atom. Name the termination and the site, give the height, the closest distance and the "
        "structure_id, and export it as POSCAR.",
        {"miller": "1 0 0", "height_a": "2"},
    ),
    "insert_interstitial": Workflow(
        "Insert an interstitial",
        "Put an atom on an interstitial site, and prove the site by its coordination.",
        "structure",
        {
            "material": MATERIAL,
            "species": "element to insert",
            "site_kind": "shape of the site",
        },
        "Put {species} on the {site_kind} interstitial site of {material}. Give the coordination "
        "with its distances, the next shell, the other inequivalent sites, the volumetric strain "
        "and the structure_id.",
        {"site_kind": "tetrahedral"},
    ),
    "compare_polymorphs": Workflow(
        "Compare polymorphs",
        "List the polymorphs of a composition by stability, with a property of each; no averages.",
        SUPERVISOR,
        {"formula": "composition", "group": "group of properties to compare"},
        "Compare the polymorphs of {formula}: id, space group, energy above hull and density of "
        "each, with the values of {group} by id. One functional throughout; say which entries have "
        "no value, which are unphysical, and average nothing.",
        {"group": "thermo"},
    ),
    "equation_of_state": Workflow(
        "Equation of state",
        "Fit an equation of state with a force field, and hold it against the database.",
        "simulation",
        {"material": MATERIAL, "calculator": "force field"},
        "Fit the equation of state of {material} with the calculator {calculator}: bulk modulus "
        "(GPa), its derivative, equilibrium volume, the spread over models and over ±1, ±2 and ±3 "
        "% of strain. Beside it, not mixed with it, the bulk modulus in the database with its id.",
        {"calculator": "(the default)"},
    ),
    "elastic_tensor": Workflow(
        "Elastic tensor",
        "The full 6x6 tensor with Voigt order: from the database, or computed and labelled so.",
        "elasticity",
        {"material": MATERIAL, "calculator": "force field, if it must be computed"},
        "Give the full elastic tensor of {material} (6x6, GPa, Voigt order and axes said), VRH "
        "moduli, stability. If the database has none, compute it with the calculator {calculator} "
        "from the conventional cell, and say so.",
        {"calculator": "(the default)"},
    ),
    "reaction_energy": Workflow(
        "Reaction energy",
        "Balance a reaction and give its energy at 0 K from hull entries of one functional.",
        "thermo",
        {"reactants": "formulas, e.g. BaCO3, TiO2", "products": "formulas, e.g. BaTiO3, CO2"},
        "Give the energy of the reaction of {reactants} to {products} in eV and kJ/mol, balanced, "
        "with the entries used and what 0 K leaves out.",
    ),
    "synthesise": Workflow(
        "Synthesis recipes",
        "Published recipes step by step, each with its DOI, and what they have in common.",
        "synthesis",
        {"material": "formula of the product", "precursors": "that must be used"},
        "How has {material} been made, step by step? Precursors: {precursors}. Every recipe with "
        "its DOI, conditions as printed, then what they have in common.",
        {"precursors": "any"},
    ),
}


def add_prompts(server: MCPServer[None], services: Services) -> None:
    """Register the prompts and the completion of their arguments on a server."""
    for expert, card in EXPERTS.items():
        arguments = [PromptArgument(name="question", description="as asked", required=True)]
        if expert not in (SUPERVISOR, "literature"):
            arguments.append(PromptArgument(name="material", description=MATERIAL))
        server.add_prompt(
            Prompt(
                name=expert,
                title=card.title,
                description=card.description,
                arguments=arguments,
                fn=partial(_expert, expert),
            )
        )
    for name, workflow in WORKFLOWS.items():
        server.add_prompt(
            Prompt(
                name=name,
                title=workflow.title,
                description=workflow.description,
                arguments=[
                    PromptArgument(
                        name=key, description=about, required=key not in workflow.optional
                    )
                    for key, about in workflow.arguments.items()
                ],
                fn=partial(_workflow, name),
            )
        )
    _add_completions(server, services)


def _expert(name: Expert, /, **given: str) -> str:
    _refuse_unknown(name, given, ("question", "material"))
    brief = read_brief(name)
    lines = [f"You are the expert described here.\n\n# {brief.title}", brief.text]
    if given.get("material"):
        lines.append(f"Material: {given['material']}")
    return "\n".join((*lines, f"Question: {given['question']}"))


def _workflow(name: str, /, **given: str) -> str:
    workflow = WORKFLOWS[name]
    _refuse_unknown(name, given, workflow.arguments)
    filled = {**workflow.optional, **{key: value for key, value in given.items() if value}}
    return _expert(workflow.expert, question=workflow.question.format(**filled))


def _refuse_unknown(name: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    if unknown := sorted(set(given) - set(allowed)):
        raise MCPError(
            INVALID_PARAMS,
            f"The prompt {name!r} has no argument {', '.join(unknown)}. Allowed: "
            f"{', '.join(allowed)}.",
        )


def _add_completions(server: MCPServer[None], services: Services) -> None:
    closed = _closed_sets(services)

    async def complete(
        _reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion | None:
        """The members of a closed set that begin with what was typed."""
        if argument.name not in closed:
            return None
        members = await anyio.to_thread.run_sync(closed[argument.name])
        typed = argument.value.casefold()
        fitting = [one for one in members if one.casefold().startswith(typed)]
        shown = fitting[:MAX_COMPLETIONS]
        return Completion(values=shown, total=len(fitting), has_more=len(fitting) > len(shown))

    server.completion()(complete)  # type: ignore[no-untyped-call]  # the SDK's lacks annotations


def _closed_sets(services: Services) -> dict[str, Callable[[], list[str]]]:
    """What arguments of prompts and resource templates may be, by their name."""

    def calculators() -> list[str]:
        return [entry.name for entry in services.calculators.entries()]

    def formulas() -> list[str]:
        """Those of the sample: it is at hand. Another source would be asked too much for this."""
        if services.settings.source_kind != "sample":
            return []
        query = Query(sort_by="formula_pretty", limit=MAX_FORMULAS)
        documents = services.source.search(query).documents
        return list(dict.fromkeys(one["formula_pretty"] for one in documents))

    return {
        "calculator": calculators,
        "group": lambda: list(get_args(GroupName)),
        "kind": lambda: list(KINDS),
        "site_kind": lambda: list(get_args(SiteKind)),
        "material": formulas,
        "formula": formulas,
    }

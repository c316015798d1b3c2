"""The shape of `packs/<name>.yaml`, and of the `include:` that puts a pack into a bundle."""

from __future__ import annotations

from sfctl.spec.documents.detection import DETECTIONS
from sfctl.spec.documents.group import DEFAULTS
from sfctl.spec.documents.rule import COMMON
from sfctl.spec.documents.rules import RULES
from sfctl.spec.shape import Either, Field, Fields, MapOf, Seq, may, need
from sfctl.spec.values import Enum, Literal, Text

TYPES = ("column", "columns", "text", "number", "boolean", "list")
PACK_NAME = Text(
    "the name of a file in packs/, without .yaml",
    r"[A-Za-z0-9_][A-Za-z0-9_-]*",
    hint="letters, digits, _ and - only: packs stand in packs/ of the project, nowhere else",
)
ARGUMENT = Either(
    "text, a number, a boolean, or a list of them",
    scalar=Literal(),
    sequence=Seq(Literal(), at_least=1, what="a list of values"),
)
_TYPE = Enum(*TYPES)
_PARAMETER = Either(
    "a type, or a mapping with `type`",
    scalar=_TYPE,
    mapping=Fields(
        "a parameter",
        {
            "type": need(_TYPE, "What may be given."),
            "default": may(ARGUMENT, "What holds where nothing is given."),
            "description": may(Text(), "What it is for, for people."),
        },
    ),
)


def _include(own: dict[str, Field]) -> Seq:
    entry = Fields(
        "an include",
        {
            "pack": need(PACK_NAME, "Which pack: packs/<name>.yaml."),
            "with": may(MapOf(ARGUMENT, "a mapping from parameter to value"), "Its parameters."),
            "as": may(
                Text("letters, digits, _ or -", r"[A-Za-z0-9_][A-Za-z0-9_-]*"),
                "Stands before the ids of its rules; made from pack and parameters unless given.",
            ),
            **own,
            **{
                key: may(COMMON[key].shape, f"{COMMON[key].doc[:-1]}, for rules that do not say.")
                for key in DEFAULTS
                if key != "description"
            },
        },
    )
    what = "the name of a pack, or a mapping with `pack`"
    return Seq(Either(what, scalar=PACK_NAME, mapping=entry), what="a list of packs")


INCLUDE = _include(
    {"into": may(Enum("dq", "contract"), "Where its rules are judged; dq unless given.")}
)
PACK = Fields(
    "a pack",
    {
        "description": may(Text(), "What it holds, for people."),
        "parameters": may(
            MapOf(_PARAMETER, "a mapping from name to type"), "What param('x') gives in it."
        ),
        "include": may(_include({}), "Other packs it is made of."),
        "rules": may(RULES, "Same shapes as in a bundle."),
        "required_fields": may(
            Seq(Text("the name of a column"), what="a list of column names"),
            "Added to `contract_lite.required_fields`.",
        ),
        "pii": may(
            Fields("`pii`", {"detection": need(DETECTIONS, "What to find.")}),
            "Added to `pii.detection`.",
        ),
    },
    [("some", ("rules", "include", "required_fields", "pii"))],
)

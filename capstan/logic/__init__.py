"""REDCap's logic language: reads expressions, checks what they name, computes them over whole frames.

Pure: no input or output, no clock (`now` is an argument), and nothing else of Capstan but its errors.

    table = Table(data, layout)
    table.truth(parse("[age] >= 61 and [consent(1)] = '1'"), now=now)
"""

from capstan.errors import LogicError
from capstan.logic.checking import check
from capstan.logic.evaluation import calculate, evaluate, truth
from capstan.logic.functions import FUNCTIONS
from capstan.logic.layout import Event, Layout
from capstan.logic.parsing import parse
from capstan.logic.syntax import Expression, Reference
from capstan.logic.table import Table

__all__ = [
    "FUNCTIONS",
    "Event",
    "Expression",
    "Layout",
    "LogicError",
    "Reference",
    "Table",
    "calculate",
    "check",
    "evaluate",
    "parse",
    "truth",
]

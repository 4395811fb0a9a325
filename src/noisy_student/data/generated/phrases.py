"""Sentence templates of procedural stories and solutions; ``RARE_*`` occur in study problems, never in pretraining."""

from __future__ import annotations

NAMES = ("Tom", "Ana", "Ben", "Mia", "Sam", "Eva", "Leo", "Zoe", "Max", "Ida")
THINGS = ("apples", "books", "cards", "coins", "eggs", "pens", "shells", "stamps", "toys", "nuts")
PACKS = ("bags", "boxes", "packs")
GAINS = ("{n} buys {x} more.", "{n} finds {x} {t}.", "{n} gets {x} from a friend.", "A friend gives {n} {x} {t}.")
LOSSES = ("{n} loses {x}.", "{n} gives away {x} {t}.", "{n} sells {x}.", "{n} hands {x} to a friend.")
PACK_GAINS = ("{n} buys {p} {c} of {x} {t}.", "{n} gets {p} {c} with {x} each.")
RARE_GAINS = (
    *("{n} receives {x}.", "{n} picks up {x}.", "{n} earns {x}.", "{n} collects {x}.", "{n} wins {x}."),
    *("{n} orders {x}.", "{n} borrows {x}.", "{n} discovers {x}.", "{n} gathers {x}.", "{n} inherits {x}."),
    *("{n} makes {x}.", "{n} unpacks {x}.", "{n} catches {x}.", "{n} imports {x}.", "The mail brings {x}."),
    *("Grandma sends {x}.", "A box holds {x} more."),
)
RARE_LOSSES = (
    *("{n} drops {x}.", "{n} breaks {x}.", "{n} ruins {x}.", "{n} donates {x}.", "{n} throws out {x}."),
    *("{n} uses up {x}.", "{n} misplaces {x}.", "{n} lends {x}.", "{n} trades away {x}.", "{n} mails off {x}."),
    *("{n} returns {x}.", "{n} burns {x}.", "{n} forgets {x}.", "{n} exports {x}.", "A thief takes {x}."),
    *("The dog chews {x}.", "The wind carries {x} off."),
)
RARE = 0.01
"""Share of a study problem's gains and losses in words that no pretraining problem has."""
TIMES = {
    2: ("Then the {t} of {n} double.", "Now {n} has twice as many."),
    3: ("Then the {t} of {n} triple.", "Now {n} has three times as many."),
}
STARTS = ("{n} has {x} {t}.", "{n} starts with {x} {t}.", "There are {x} {t} with {n}.")
ASKS = ("How many {t} does {n} have now?", "How many {t} are there now?", "How many now?")
OPENINGS = ("", "First ", "Well, ", "We see ", "Count: ", "Work: ", "Here ")
"""Openings of a worked solution; their first tokens differ, so styles can be told apart."""
JOINTS = ("\n", ", ", ". Then ", " and ", ", so ", "; ")
"""Texts between two calculations."""

"""The vectors of record.md: the records that the small draws of `stories` make, and result lists that are none."""

import stories
from formats import Cases

from fairdraw import encoding
from support.story import recusal


def record() -> tuple[Cases, Cases]:
    """record.md: the record that inputs and key make."""
    accept: Cases = []
    for name, told in (("at once", stories.plain()), ("with blocks", stories.capped()), ("sealed", stories.sealed()),
                       ("with specialists, experts and a pool", stories.staffed()),
                       ("with a switch chain", stories.staffed(chain=True))):  # fmt: skip
        made = told.record
        if made is None:
            raise TypeError(told)
        accept.append(
            {
                "name": name,
                "plan": told.plan.statement.text().decode(),
                "announcement": told.announcement.statement.text().decode(),
                "announcement_index": told.announcement.index,
                "objects": told.objects[1].roster.data.decode(),
                "inspectors": told.inspectors[1].roster.data.decode(),
                "recusals": encoding.lines([recusal("H-000001", "I-01")]).decode(),
                "exclusions": "",
                "key": told.key().hex(),
                "embargo": None if told.embargo is None else told.embargo.hex(),
                "lines": [line.decode() for line in made.lines],
                "artifact": made.artifact.decode(),
                "draw": made.statement.text().decode(),
            }
        )
    line = accept[0]["lines"][-1]
    refuse: Cases = [
        {"name": "a drawn object without a team", "list": line.replace('"team"', '"teem"') + "\n",
         "expect": "bad-result-line"},
        {"name": "a field too many", "list": line[:-1] + ',"x":1}\n', "expect": "bad-result-line"},
        {"name": "a ticket in capitals", "list": line.replace('"ticket":"', '"ticket":"AB') + "\n",
         "expect": "bad-result-line"},
        {"name": "a list", "list": "[]\n", "expect": "bad-result-line"},
        {"name": "a space", "list": line.replace(":", ": ", 1) + "\n", "expect": "not-canonical"},
        {"name": "the last newline missing", "list": line, "expect": "unfinished-line"},
    ]  # fmt: skip
    return accept, refuse

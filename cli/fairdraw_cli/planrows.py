"""PLAN.xlsx: the rows of a plan's sheet become the form of PLAN.toml. What may stand where is in `plansheet`.

What is wrong is told with the cell, by the sentences of PLAN.toml: `planform` knows the rules of a plan, and nothing
here repeats one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairdraw.errors import RegistryError, WorkspaceError
from fairdraw.registry.cells import read_text
from fairdraw.registry.tabular import Table, read_table
from fairdraw.registry.workbook.sheet import cell_name
from fairdraw_cli.files import read
from fairdraw_cli.forms import read_form, validated
from fairdraw_cli.planform import PlanForm
from fairdraw_cli.plansheet import (
    COLUMNS,
    ROWS,
    RULES,
    SETTINGS,
    WHOLE,
    Place,
    Reader,
    read_ids,
    read_ratio,
    read_scalar,
    read_scalars,
    read_value,
    read_whole,
    word_of,
)
from fairdraw_cli.sheetcells import codes_of, is_empty, is_sheet, read_day


def read_plan(path: Path) -> PlanForm:
    """Return the form of a plan, from PLAN.toml or from a sheet of these columns.

    Raises:
        WorkspaceError: what is wrong with it, with the key of the TOML file or the cell of the sheet.
        RegistryError: the sheet cannot be read at all.
    """
    if not is_sheet(path):
        return read_form(path, PlanForm)[0]
    table = read_table(read(path), name=path.name)
    sheet = _Sheet(path.name, table, codes_of(table.columns, COLUMNS, file=path.name))
    for line, cells in table.rows:
        sheet.take(line, cells)
    return validated(PlanForm, sheet.plan(), file=path.name, key=sheet.key)


@dataclass
class _Sheet:
    """The rows read so far: the plan's data as TOML would give it, and in which cell each value stands."""

    file: str
    table: Table
    codes: Sequence[str]
    data: dict[str, Any] = field(default_factory=dict)
    slots: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    rules: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    cells: dict[Place, str] = field(default_factory=dict)
    line: int = 0
    row: Mapping[str, object] = field(default_factory=dict)

    def take(self, line: int, cells: Sequence[object]) -> None:
        """Take a row.

        Raises:
            WorkspaceError: what is wrong with it, naming the cell.
        """
        self.line = line
        filled = {code: cell for code, cell in zip(self.codes, cells, strict=False) if code and not is_empty(cell)}
        self.row = filled
        word = self.get("row", read_text) if "row" in filled else ""
        kind = next((code for code, row in ROWS.items() if word in (code, row.zh)), None)
        if kind is None:
            expected = [row.zh for row in ROWS.values()]
            raise WorkspaceError("file-not-one-of", file=self.file, key=self.at("row"), expected=expected, found=word)
        row = ROWS[kind]
        for code in row.needs:
            if code not in filled:
                raise WorkspaceError("file-key-missing", file=self.file, key=self.at(code))
        if idle := [code for code in filled if code not in ("row", *row.needs, *row.takes)]:
            # A clerk who filled it in believes that it counts.
            raise WorkspaceError("sheet-cell-idle", file=self.file, key=self.at(idle[0]), row=row.zh)
        getattr(self, f"_take_{kind.replace('-', '_')}")()

    def at(self, code: str) -> str:
        """Return what people call a cell of the present row: `E7 比例`, or its heading where it has no column."""
        if code not in self.codes:
            return f"{self.line} {COLUMNS[code]}"
        column = self.codes.index(code)
        return f"{cell_name(self.line - 1, column)} {self.table.columns[column]}"

    def get(self, code: str, reader: Reader) -> Any:
        """Return the value of a cell of the present row.

        Raises:
            WorkspaceError: it is not what belongs there.
        """
        try:
            return reader(self.row[code])
        except RegistryError as error:
            expected, found = error.params["expected"], error.params["found"]
            told: dict[str, object] = {"file": self.file, "key": self.at(code), "found": found}
            match error.code:
                case "unknown-value":
                    raise WorkspaceError("file-not-one-of", expected=expected, **told) from None
                case "wrong-type" if expected == "ratio":
                    raise WorkspaceError("sheet-ratio-is-date", **told) from None
                case "formula-cell" | "error-cell":
                    raise WorkspaceError("sheet-cell-computed", **told) from None
                case _ if expected == "date":
                    raise WorkspaceError("file-not-date", **told) from None
                case _ if expected == "integer":
                    raise WorkspaceError("file-not-integer", **told) from None
            raise WorkspaceError("sheet-cell-not-text", **told) from None

    def put(self, table: dict[str, Any], place: Place, code: str, reader: Reader) -> None:
        """Put a cell's value into a table under the last name of a place; an empty cell leaves it out."""
        self.cells[place] = self.at(code)
        if code in self.row:
            table[str(place[-1])] = self.get(code, reader)

    def named(self, known: Mapping[str, str]) -> str:
        """Return the code that the column `name` means, of those with these Chinese names.

        Raises:
            WorkspaceError: `file-not-one-of`.
        """
        word = self.get("name", read_text)
        code = next((code for code, zh in known.items() if word in (code, zh)), None)
        if code is None:
            expected = list(known.values())
            raise WorkspaceError("file-not-one-of", file=self.file, key=self.at("name"), expected=expected, found=word)
        return code

    def once(self, table: Mapping[str, Any], name: str) -> None:
        """Refuse what an earlier row said already: which of the two counts, nobody could see.

        Raises:
            WorkspaceError: `file-repeated`.
        """
        if name in table:
            raise WorkspaceError("file-repeated", file=self.file, key=self.at("name"), found=self.row["name"])

    def team(self) -> dict[str, Any]:
        """Return the table `team`."""
        self.cells.setdefault(("team",), self.at("row"))
        told: dict[str, Any] = self.data.setdefault("team", {})
        return told

    def rule(self) -> tuple[int, dict[str, Any]]:
        """Return the rule of the present row's items, and its place; without items it is for all."""
        items = tuple(self.get("items", read_ids)) if "items" in self.row else ()
        for at, (known, rule) in enumerate(self.rules):
            if known == items:
                return at, rule
        at = len(self.rules)
        self.cells[("rule", at)] = self.at("row")
        self.cells[("rule", at, "items")] = self.at("items")
        self.rules.append((items, {}))
        return at, self.rules[at][1]

    def append(self, table: dict[str, Any], name: str, place: Place) -> tuple[dict[str, Any], Place]:
        """Return a new table at the end of a list, and its place."""
        whole: list[dict[str, Any]] = table.setdefault(name, [])
        whole.append({})
        place = (*place, name, len(whole) - 1)
        self.cells[place] = self.at("row")
        return whole[-1], place

    def _take_setting(self) -> None:
        code = self.named({code: zh for code, (zh, _, _) in SETTINGS.items()})
        _, place, reader = SETTINGS[code]
        table = self.data if len(place) == 1 else self.team()
        self.once(table, code)
        self.put(table, place, "value", reader)

    def _take_slot(self) -> None:
        items = self.get("items", read_ids)
        if len(items) != 1:
            raise WorkspaceError("sheet-one-item", file=self.file, key=self.at("items"), found=self.row["items"])
        name = self.get("name", read_text)
        if any((item, batch) == (items[0], name) for item, batch, _ in self.slots):
            raise WorkspaceError("file-repeated", file=self.file, key=self.at("name"), found=f"{items[0]}/{name}")
        batch: dict[str, Any] = {}
        at = len(self.slots)
        self.put(batch, ("batch", at, "share"), "ratio", read_ratio)
        self.put(batch, ("batch", at, "first"), "first", read_day)
        self.put(batch, ("batch", at, "last"), "last", read_day)
        self.cells[("slots", at)] = self.at("name")
        self.slots.append((items[0], name, batch))

    def _take_rule(self) -> None:
        code = self.named({code: zh for code, (zh, _) in RULES.items()})
        at, rule = self.rule()
        self.once(rule, code)
        self.put(rule, ("rule", at, code), "value", RULES[code][1])

    def _take_ratio(self) -> None:
        at, rule = self.rule()
        one, place = self.append(rule, "ratios", ("rule", at))
        self.put(one, (*place, "of"), "value", read_scalars)
        for name, reader in (("ratio", read_ratio), ("rounding", word_of("rounding")), ("floor", read_ratio)):
            self.put(one, (*place, name), name, reader)

    def _take_grade(self) -> None:
        at, rule = self.rule()
        one, place = self.append(rule, "grades", ("rule", at))
        self.put(one, (*place, "grade"), "value", read_scalar)
        if str(self.row["ratio"]).strip() in WHOLE:
            one["whole"] = True
        else:
            self.put(one, (*place, "factor"), "ratio", read_ratio)
        self.put(one, (*place, "rounding"), "rounding", word_of("rounding"))

    def _take_quota(self) -> None:
        quota: dict[str, Any] = self.team().setdefault("quota", {})
        department = self.get("name", read_value)
        self.once(quota, department)
        self.put(quota, ("team", "quota", department), "number", read_whole)

    def _take_eligible(self) -> None:
        self._condition(self.team(), ("team",))

    def _take_expert_eligible(self) -> None:
        self.cells.setdefault(("team", "experts"), self.at("row"))
        self._condition(self.team().setdefault("experts", {}), ("team", "experts"))

    def _condition(self, table: dict[str, Any], place: Place) -> None:
        one, place = self.append(table, "eligible", place)
        self.put(one, (*place, "rule"), "name", word_of("eligible"))
        self.put(one, (*place, "object"), "object", read_text)
        self.put(one, (*place, "inspector"), "inspector", read_text)

    def _take_speciality(self) -> None:
        one, place = self.append(self.team(), "specialities", ("team",))
        for name, code, reader in (("field", "inspector", read_text), ("value", "value", read_value),
                                   ("number", "number", read_whole)):  # fmt: skip
            self.put(one, (*place, name), code, reader)

    def _take_experts(self) -> None:
        experts: dict[str, Any] = self.team().setdefault("experts", {})
        if "expert" in experts:
            raise WorkspaceError("file-repeated", file=self.file, key=self.at("row"), found=ROWS["experts"].zh)
        self.cells[("team", "experts")] = self.at("row")
        self.put(experts, ("team", "experts", "expert"), "inspector", read_text)
        self.put(experts, ("team", "experts", "number"), "number", read_whole)

    def _take_joint(self) -> None:
        one, place = self.append(self.data, "joint", ())
        self.put(one, (*place, "name"), "name", read_text)
        self.put(one, (*place, "inspectors"), "value", read_text)

    def plan(self) -> dict[str, Any]:
        """Return all that the rows said, as TOML would give it.

        Raises:
            WorkspaceError: `file-key-missing`: a setting without which there is no plan, or a kind of row.
        """
        for name in ("id", "objects", "inspectors"):
            if name not in self.data:
                raise WorkspaceError("file-key-missing", file=self.file, key=SETTINGS[name][0])
        for kind, rows in (("slot", self.slots), ("ratio", [one for _, one in self.rules if "ratios" in one])):
            if not rows:
                raise WorkspaceError("file-key-missing", file=self.file, key=ROWS[kind].zh)
        slots = [f"{self.data['id']}/{item}/{batch}" for item, batch, _ in self.slots]
        every = sorted({item for item, _, _ in self.slots})
        schedule: list[dict[str, Any]] = []
        for at, ((_, _, batch), slot) in enumerate(zip(self.slots, slots, strict=True)):
            if batch:
                self.cells[("schedule", len(schedule))] = self.cells[("slots", at)]
                for name in ("share", "first", "last"):
                    self.cells[("schedule", len(schedule), name)] = self.cells[("batch", at, name)]
                schedule.append({"slot": slot, **batch})
        rules = [{"items": list(items) or every, **rule} for items, rule in self.rules]
        return {**self.data, "slots": slots, "schedule": schedule, "rule": rules}

    def key(self, where: Place) -> str:
        """Return the cell of a place in the form, or of the nearest table around it; what no cell has, by its name."""
        for length in range(len(where), 0, -1):
            if where[:length] in self.cells:
                return self.cells[where[:length]]
        return ".".join(map(str, where))

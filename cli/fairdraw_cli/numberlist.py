"""编号对照表: which number a registry's row has got, for who must name it in a form.

Where numbers are assigned (specs/map.md §4) they say nothing of whose they are, and the file that keeps them has no
names in it either. Who declares a recusal knows a name; this is the one list on which it can be looked up.
"""

from fairdraw.schema import Plan, SnapshotStatement
from fairdraw.statement import Entry
from fairdraw_cli.desk import Desk
from fairdraw_cli.privatefields import private_fields
from fairdraw_cli.session import Session
from fairdraw_cli.tasks import field_title
from fairdraw_cli.workbook import Cell, Sheet


def number_sheet(session: Session, desk: Desk, snapshot: Entry) -> Sheet:
    """Return the rows of a snapshot of the bureau's: number, private fields, public attributes.

    Raises:
        WorkspaceError: `private-altered` or `private-missing`.
    """
    said = snapshot.of(SnapshotStatement)
    roster = desk.workspace.roster(said)
    values = private_fields(desk, snapshot, roster, roster.numbers)
    sealed, public = [name for name, _ in said.private], [name for name, _ in said.attrs]
    objects = any(plan.objects == said.registry for _, plan in desk.history.all(Plan, desk.workspace.bureau))
    role = "objects" if objects else "inspectors"
    show = session.words.show

    def cells(no: str, attrs: dict[str, object]) -> list[Cell]:
        return [no, *(values[no][name] for name in sealed), *(str(show(attrs[name])) for name in public)]

    titles = [session.word("export.object" if objects else "export.inspector"),
              *(field_title(session, role, name) for name in (*sealed, *public))]  # fmt: skip
    return Sheet(name=session.word("export.numbers"), titles=titles,
                 rows=[cells(row.no, dict(row.attrs)) for row in roster.rows])  # fmt: skip

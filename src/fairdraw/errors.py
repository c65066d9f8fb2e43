"""Errors of the draw. Sentences for people are made by `messages`, from the code and the parameters.

Error:
├── EncodingError       bytes that are not canonical JSON (specs/encoding.md)
├── StatementError      an entry that is not a statement (specs/statements.md)
├── RegistryError       rows, columns or numbers that cannot be frozen (specs/snapshot.md)
├── SnapshotError       a roster, seal or opening that does not fit its root
├── RegulationError     a regulation that says what it cannot, or less than the one it derives from
├── PlanError           a plan that cannot be logged, or quotas that cannot be had
├── AnnouncementError   an announcement that must not be made
├── BeaconError         a chain, round or pulse that is not what it says
├── FetchError          no relay gave the round
├── SeedError           a commitment, reveal or embargo that does not fit
├── AssignmentError     no team can be drawn
├── ActError            an act after a draw that is malformed, signed by the wrong role, or not allowed (specs/acts.md)
├── FilterError         a filter that is not well formed, or asks a roster for what it has not (specs/filter.md)
├── CalendarError       a table of working days that contradicts itself, or does not reach (specs/calendar.md)
├── TrustError          the reader's own trust file
├── BundleError         a bundle or slip that cannot be read
├── AuditError          a log that cannot be audited
├── BureauError         a step that a bureau's program must not take yet, or not at all
└── WorkspaceError      a bureau's folder, or what was asked of it
"""


class Error(Exception):
    """The root of what this package raises: a stable `code` and `params` that say what was expected and found."""

    def __init__(self, code: str, /, **params: object) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be raised again in another process."""
        return _again, (type(self), self.code, self.params)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value!r}" for name, value in self.params.items())
        return f"{self.code}: {told}" if told else self.code


def _again(kind: type[Error], code: str, params: dict[str, object]) -> Error:
    return kind(code, **params)


class EncodingError(Error):
    """Bytes are not canonical JSON, or a value cannot be written as such."""


class StatementError(Error):
    """An entry of the log is not a statement."""


class RegistryError(Error):
    """A registry file cannot be read as its map says."""


class SnapshotError(Error):
    """A roster, seal or opening does not fit what was logged."""


class RegulationError(Error):
    """A regulation is malformed, or laxer than the one that it derives from without saying why."""


class PlanError(Error):
    """A plan cannot be logged, or its quotas cannot be had."""


class AnnouncementError(Error):
    """An announcement that must not be made."""


class BeaconError(Error):
    """A chain, a round or a pulse is not what it says."""


class FetchError(Error):
    """No relay gave the round that was asked for."""


class SeedError(Error):
    """A commitment, a reveal or an embargo does not fit."""


class AssignmentError(Error):
    """No team can be drawn under the announced rules."""


class ActError(Error):
    """An act after a draw is malformed, signed by the wrong role, or against the regulation."""


class FilterError(Error):
    """A filter is not well formed, or does not fit the roster."""


class CalendarError(Error):
    """A table of working days contradicts itself, or does not reach a day."""


class TrustError(Error):
    """The reader's own trust file is malformed or unsafe."""


class BundleError(Error):
    """A bundle or a slip cannot be read."""


class AuditError(Error):
    """A log cannot be audited: it is not what was signed, nobody vouches for it, or the reader does not know it."""


class BureauError(Error):
    """A bureau's own program asks for a step that is not possible yet, or that would prove nothing."""


class WorkspaceError(Error):
    """A bureau's folder is not in the state that the command needs."""

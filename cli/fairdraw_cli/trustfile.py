"""Writing trust files: the first one of a workspace, and lines added to it. What they mean is in `fairdraw.trust`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from fairdraw.beacon import CHAINS, Chain
from fairdraw.errors import WorkspaceError
from fairdraw.trust import HEADER, parse_trust, witness_group
from fairdraw_cli.files import read, write
from transparency_log.note import Verifier

GROUP: Final = "witnesses"
DEFAULT_CHAINS: Final = ("quicknet", "default")


def beacon_line(chain: Chain) -> str:
    """Return the line that pins a chain."""
    return f"beacon {chain.id} {chain.hash} {chain.key} {chain.scheme} {chain.period} {chain.genesis}"


def first_trust(
    log: Verifier,
    bureau: Verifier,
    *,
    witnesses: Mapping[str, Verifier],
    practice: Chain | None,
) -> str:
    """Return the trust file of a new workspace; with a practice chain it is a rehearsal's."""
    chains = [CHAINS[name] for name in DEFAULT_CHAINS] + ([practice] if practice else [])
    lines = [HEADER, f"log {log.vkey}"]
    lines += [f"witness {name} {key.vkey}" for name, key in witnesses.items()]
    if witnesses:
        lines += witness_group(list(witnesses)).splitlines()
    lines.append(f"bureau {bureau.name} {bureau.vkey} {log.name}")
    lines += [beacon_line(chain) for chain in chains]
    if practice:
        lines.append("rehearsal")
    return "".join(f"{line}\n" for line in lines)


def add_witness(path: Path, *, name: str, vkey: str, url: str | None) -> None:
    """Add a witness, and rewrite the group of all witnesses and the quorum.

    Raises:
        WorkspaceError: `own-policy`: the file has groups of its own, which only its author can extend.
        TrustError: the new file would be refused, as for a key that is there already.
    """
    parse_trust(read(path))
    lines = read(path).decode().splitlines()
    ours = [line for line in lines if line.split()[:2] in (["group", GROUP], ["quorum", GROUP])]
    rest = [line for line in lines if line not in ours]
    if own := [line for line in rest if line.split()[:1] in (["group"], ["quorum"])]:
        raise WorkspaceError("own-policy", expected=f"group {GROUP}", found=own[0])
    at = max(number for number, line in enumerate(rest) if line.split()[:1] in (["log"], ["witness"])) + 1
    names = [line.split()[1] for line in rest if line.split()[:1] == ["witness"]]
    witness = " ".join(["witness", name, vkey, *([url] if url else [])])
    _save(path, [*rest[:at], witness, *witness_group([*names, name]).splitlines(), *rest[at:]])


def add_supervisor(path: Path, *, name: str, role: str, vkey: str) -> None:
    """Add a supervisor's key.

    Raises:
        TrustError: the new file would be refused.
    """
    _save(path, [*read(path).decode("utf-8", "replace").splitlines(), f"supervisor {name} {role} {vkey}"])


def add_second(path: Path, *, bureau: str, name: str, since: str | None) -> None:
    """Ask for somebody's signature beside the bureau's, on announcements and draws.

    Raises:
        TrustError: the new file would be refused, as for a name that has no supervisor line.
    """
    line = " ".join(["second", bureau, name, *([since] if since else [])])
    _save(path, [*read(path).decode("utf-8", "replace").splitlines(), line])


def _save(path: Path, lines: Iterable[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    parse_trust(data)  # a file that nobody can read must not take the place of one that works
    write(path, data)

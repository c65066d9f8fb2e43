"""The vectors of log.md: a log's last word, and files that convict it. Keys are those of texts.py."""

from base64 import b64encode
from hashlib import sha256

from formats import Cases, leaf, tree
from texts import LOG, signer, vkey

HISTORY = [leaf(f"entry {number}") for number in range(7)]
OTHER = [*HISTORY[:2], leaf("another entry"), *HISTORY[3:]]


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _flip(text: str, at: int) -> str:
    """Return base64 with one bit of the decoded bytes changed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return text[:at] + alphabet[alphabet.index(text[at]) ^ 1] + text[at + 1 :]


def _note(text: str, name: str = LOG) -> str:
    key = signer(name)
    return f"{text}\n{key.sign(text).format()}\n"


def _head(leaves: list[bytes], size: int, origin: str = LOG) -> str:
    return f"{origin}\n{size}\n{_base64(tree(leaves[:size]))}\n"


def consistency(leaves: list[bytes], old: int, *, whole: bool = True) -> list[bytes]:
    """Return SUBPROOF(old, leaves, whole) of RFC 6962 §2.1.2, by its recursive definition."""
    if old == len(leaves):
        return [] if whole else [tree(leaves)]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= middle:
        return [*consistency(leaves[:middle], old, whole=whole), tree(leaves[middle:])]
    return [*consistency(leaves[middle:], old - middle, whole=False), tree(leaves[:middle])]


def _fork(smaller: str, larger: str, hashes: list[bytes]) -> str:
    lines = [("root " if number == 0 else "") + _base64(value) + "\n" for number, value in enumerate(hashes)]
    return f"fork/v1\n{''.join(lines)}\n{smaller}\n{larger}"


def _shows(old: int, new: int) -> list[bytes]:
    return [tree(OTHER[:old]), *consistency(OTHER[:new], old)]


def log() -> tuple[Cases, Cases]:
    """log.md §6 and §7."""
    end = _note("frozen/v1\n" + _head(HISTORY, 4))
    accept: Cases = [
        {"name": "the end of a log", "vkey": vkey(LOG), "frozen": end, "size": 4, "root": tree(HISTORY[:4]).hex()},
        {"name": "lines of other keys are ignored", "vkey": vkey(LOG),
         "frozen": end + _note("x\n", "w1.example.cn").split("\n\n")[1], "size": 4, "root": tree(HISTORY[:4]).hex()},
    ]  # fmt: skip
    refuse: Cases = [
        {"name": f"an end with {what}", "vkey": vkey(LOG), "frozen": data, "expect": code}
        for what, data, code in (
            ("another size", end.replace("\n4\n", "\n5\n"), "signature-invalid"),
            ("another key", _note("frozen/v1\n" + _head(HISTORY, 4), "w1.example.cn"), "no-known-signature"),
            ("another origin", _note("frozen/v1\n" + _head(HISTORY, 4, "log.example.cn/other")), "origin-mismatch"),
            ("no header, which is a checkpoint", _note(_head(HISTORY, 4)), "not-frozen"),
            ("another version", _note("frozen/v2\n" + _head(HISTORY, 4)), "not-frozen"),
        )
    ]
    one = _note(_head(HISTORY, 4))
    for name, old, new, hashes in (
        ("two trees of one size", 4, 4, []),
        ("a tree that is not the beginning of the larger one", 4, 7, _shows(4, 7)),
        ("a size that is no power of two", 3, 6, _shows(3, 6)),
        ("one leaf against many", 3, 4, _shows(3, 4)),
    ):
        pair = [_note(_head(HISTORY, old)), _note(_head(OTHER, new))]
        if old == new:
            pair.sort(key=lambda note: sha256(note.encode()).digest())
            pair.sort(key=lambda note: tree((HISTORY if note == one else OTHER)[:old]))
        accept.append({"name": name, "vkey": vkey(LOG), "fork": _fork(*pair, hashes), "sizes": [old, new]})
    larger = _note(_head(OTHER, 7))
    good = _fork(one, larger, _shows(4, 7))
    same_history = [tree(HISTORY[:4]), *consistency(HISTORY, 4)]
    for name, data, code in (
        ("two checkpoints of one history", _fork(one, _note(_head(HISTORY, 7)), same_history), "not-a-fork"),
        ("one checkpoint twice", _fork(one, one, []), "not-a-fork"),
        ("hashes that lead to another root", _fork(one, larger, [_shows(4, 7)[0], bytes(32)]), "root-mismatch"),
        ("no hashes at all", _fork(one, larger, []), "evidence-format"),
        ("a hash too many", _fork(one, larger, [*_shows(4, 7), bytes(32)]), "proof-length"),
        ("the larger tree first", _fork(larger, one, _shows(4, 7)), "evidence-order"),
        ("a checkpoint of another key", _fork(_note(_head(HISTORY, 4), "w1.example.cn"), larger, _shows(4, 7)),
         "no-known-signature"),
        ("a checkpoint of another log", _fork(_note(_head(HISTORY, 4, "log.example.cn/other")), larger, _shows(4, 7)),
         "origin-mismatch"),
        ("a bit of the root changed", good[:13] + _flip(good[13:], 0), "root-mismatch"),
        ("a signature changed", good[:-20] + _flip(good[-20:], 0), "signature-invalid"),
        ("another version", good.replace("fork/v1", "fork/v2"), "evidence-format"),
        ("a line of another key beside the log's", good + _note("x\n", "w1.example.cn").split("\n\n")[1],
         "evidence-signatures"),
    ):  # fmt: skip
        refuse.append({"name": name, "vkey": vkey(LOG), "fork": data, "expect": code})
    return accept, refuse

"""The witness's HTTP API: every status and header that C2SP tlog-witness names, and those that are ours."""

import http.client
import io
import logging
import threading
from urllib.parse import urlsplit

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from support.keys import ORIGIN, grease, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, Cosignature, cosignatures, sign_checkpoint
from transparency_log.endpoint import Rate, WitnessSite
from transparency_log.errors import StorageError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.note import Note
from transparency_log.seen import MemoryWitnessState, SqliteWitnessState, origin_hash
from transparency_log.web import Server
from transparency_log.witness import MAX_REQUEST, Witness, add_checkpoint_request, parse_cosignatures

LOG = log_signer()
SIGNER = witness_signer("witness.example")
LEAVES = [leaf_hash(b"%d" % number) for number in range(300)]
NOW = 1_790_000_000
ADD = "/add-checkpoint"
MONITORED = f"/{origin_hash(ORIGIN)}/checkpoint"
TEXT = "text/plain; charset=utf-8"


def note(size, leaves=LEAVES, log=LOG):
    return sign_checkpoint(Checkpoint(log.name, size, Tree(leaves[:size]).root()), log)


def request(old, new, leaves=LEAVES, log=LOG):
    proof = Tree(leaves[:new]).consistency_proof(old) if old else []
    return add_checkpoint_request(old, proof, note(new, leaves, log))


class Clock:
    """A wall clock and a stop watch that tests set."""

    def __init__(self):
        self.now = NOW
        self.seconds = 0.0


class Office:
    """A witness at work: `post` and `get` answer like a client of werkzeug."""

    def __init__(self, state=None, *, hold=None, **options):
        self.clock = Clock()
        self.state = state or MemoryWitnessState()
        self.logs = {ORIGIN: LOG.verifier}
        self.floor = 0
        self.prefix = options.get("prefix", "")
        self.site = WitnessSite(
            Witness(SIGNER, self.state, hold=hold),
            logs=lambda: self.logs,
            clock=lambda: self.clock.now,
            floor=lambda: self.floor,
            monotonic=lambda: self.clock.seconds,
            **options,
        )
        self.client = Client(self.site)

    def post(self, body, **options):
        return self.client.post(self.prefix + ADD, data=body, **options)

    def send(self, body, **environ):
        """Post a stream under an environment that no client would make; return the status."""
        made = EnvironBuilder(path=ADD, method="POST", input_stream=body).get_environ()
        rest, status, _ = run_wsgi_app(self.site, made | environ)
        list(rest)
        return int(status[:3])

    def get(self, path=MONITORED):
        return self.client.get(self.prefix + path)


@pytest.fixture
def office():
    return Office()


def test_a_checkpoint_is_answered_with_cosignatures(office):
    answer = office.post(request(0, 3))
    assert (answer.status_code, answer.content_type) == (200, TEXT)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    told = cosignatures(Note(note(3).text, parse_cosignatures(answer.data)), [SIGNER.verifier])
    assert told == (Cosignature(SIGNER.verifier, NOW),)


def test_a_checkpoint_sent_again_gets_a_later_time(office):
    office.post(request(0, 3))
    office.clock.now += 60
    lines = parse_cosignatures(office.post(request(3, 3)).data)
    assert cosignatures(Note(note(3).text, lines), [SIGNER.verifier])[0].timestamp == NOW + 60


def test_a_conflict_names_the_size_that_was_cosigned_last(office):
    office.post(request(0, 5))
    for body in (request(0, 5), request(3, 9)):
        answer = office.post(body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (409, "text/x.tlog.size")
        assert answer.data == b"5\n"
    assert office.post(request(5, 9)).status_code == 200


FORK = [leaf_hash(b"fork"), *LEAVES[1:]]
EXTENDED = note(3).text + "extension\n"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, b"request"),
        (b"old 5", 400, b"checkpoint"),
        (b"old 05\n\n" + note(9).format(), 400, b"request"),
        (add_checkpoint_request(10, [], note(9)), 400, b"old-size"),
        (add_checkpoint_request(0, [], Note(EXTENDED, (LOG.sign(EXTENDED),))), 400, b"extension-line"),
        (request(5, 9) + b"x" * MAX_REQUEST, 400, b"request-length"),
        (b"old 99999999999999999999\n\n" + note(9).format(), 400, b"request"),
        (add_checkpoint_request(0, [], Note(note(9).text, (grease(1),))), 403, b"not-signed-by-log"),
        (request(5, 9, log=log_signer("other.example")), 404, b"origin-unknown"),
        (request(5, 9, FORK), 422, b"not-consistent"),
        (add_checkpoint_request(5, [], note(9)), 422, b"not-consistent"),
        (request(5, 5, FORK), 422, b"log-forked"),
    ],
)
def test_a_refusal_has_its_status_and_says_why(office, body, status, told):
    office.post(request(0, 5))
    answer = office.post(body)
    assert (answer.status_code, answer.content_type) == (status, TEXT)
    assert answer.data.startswith(told + b":")
    assert len(answer.data) <= 301 * 4
    assert office.state.read(ORIGIN).size == 5


def test_a_clock_that_cannot_be_right_is_told_as_ours_to_mend(office, caplog):
    office.post(request(0, 3))
    office.clock.now -= 1
    answer = office.post(request(3, 5))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    office.clock.now += 1
    office.floor = NOW + 1
    assert office.post(request(3, 5)).status_code == 503
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    office.floor = 0
    assert office.post(request(3, 5)).status_code == 503  # what was told once is remembered
    office.clock.now += 1
    assert office.post(request(3, 5)).status_code == 200


def test_a_log_that_forked_is_told_to_the_operator_with_what_convicts_it(caplog):
    told = []
    for office in (Office(), Office(forked=told.append)):
        office.post(request(0, 5))
        assert office.post(request(5, 5, FORK)).status_code == 422
    assert caplog.text.count("a log has forked") == 1
    assert Fork.parse(told[0].params["evidence"].encode()).convict(LOG.verifier)


def test_monitors_read_the_newest_checkpoint(office):
    assert office.get().status_code == 404
    lines = parse_cosignatures(office.post(request(0, 3)).data)
    answer = office.get()
    assert (answer.status_code, answer.content_type) == (200, TEXT)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert Note.parse(answer.data) == Note(note(3).text, (*note(3).signatures, *lines))
    head = office.client.head(MONITORED)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.data))
    office.logs = {}
    assert office.get().data == answer.data  # what was seen of a log that is followed no more


@pytest.mark.parametrize(
    "path",
    ["/", "", "/checkpoint", "/sign-subtree", "/add-checkpoint/", "//add-checkpoint", "/x/add-checkpoint",
     "/add-checkpointx", MONITORED + "/", MONITORED.upper(), f"/{'0' * 64}/checkpoint", f"/{'0' * 63}/checkpoint",
     f"/{'0' * 64}/tile/0/000", "/../key", f"/{'9' * 5000}/checkpoint", "/%00/checkpoint", f"/{'é' * 64}/checkpoint"],
)  # fmt: skip
def test_other_addresses_are_not_found(office, path):
    office.post(request(0, 3))
    for answer in (office.get(path), office.client.post(path, data=request(3, 5))):
        assert answer.status_code in (404, 405)
        assert (answer.status_code == 405) == (path == f"/{'0' * 64}/checkpoint" and answer.request.method == "POST")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "post"])
def test_a_checkpoint_is_only_posted(office, method):
    answer = office.client.open(ADD, method=method, data=request(0, 3))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert office.state.read(ORIGIN) is None
    assert office.client.open(MONITORED, method="PUT").headers["Allow"] == "GET, HEAD"


def test_both_addresses_may_stand_below_a_prefix():
    office = Office(prefix="/w1")
    assert office.post(request(0, 3)).status_code == 200
    assert office.get().status_code == 200
    for path in (ADD, MONITORED, "/w1" + ADD + "x", "/w1", "/w10" + ADD):
        assert office.client.get(path).status_code == 404


class Watched(io.BytesIO):
    """A body that counts what is read of it."""

    taken = 0

    def read(self, size=-1):
        data = super().read(size)
        self.taken += len(data)
        return data

    def readinto(self, buffer):
        found = super().readinto(buffer)
        self.taken += found
        return found


@pytest.mark.parametrize("chunked", [True, False])
def test_no_more_than_the_limit_is_read_of_a_body(office, chunked):
    body = Watched(request(0, 3) + b"x" * 10 * MAX_REQUEST)
    environ = {"CONTENT_LENGTH": str(11 * MAX_REQUEST)}
    if chunked:
        environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert office.send(body, **environ) == 400
    assert body.taken <= (MAX_REQUEST + 1 if chunked else 0)
    assert office.state.read(ORIGIN) is None


def test_a_body_of_exactly_the_limit_is_read_whole(office):
    for size, told in ((MAX_REQUEST, b"checkpoint:"), (MAX_REQUEST + 1, b"request-length:")):
        answer = office.post(b"old 0\n\n" + b"x" * (size - 7))
        assert (answer.status_code, answer.data[: len(told)]) == (400, told)


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "9" * 40, ""])
def test_a_length_that_is_none_is_a_bad_request(office, length):
    assert office.send(io.BytesIO(request(0, 3)), CONTENT_LENGTH=length) == 400
    assert office.state.read(ORIGIN) is None


def test_a_body_that_ends_early_is_a_bad_request(office):
    assert office.send(io.BytesIO(request(0, 3)), CONTENT_LENGTH="9999") == 400
    assert office.state.read(ORIGIN) is None
    assert office.send(io.BytesIO(request(0, 3)), CONTENT_LENGTH=str(len(request(0, 3)))) == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "GZIP", "x"])
def test_a_body_is_never_unfolded(office, encoding):
    answer = office.post(request(0, 3), headers={"Content-Encoding": encoding})
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert office.post(request(0, 3), headers={"Content-Encoding": "Identity"}).status_code == 200


def test_what_nobody_foresaw_is_told_to_the_operator_only(office, caplog):
    office.state.replace = lambda *_: 1 / 0
    answer = office.post(request(0, 3))
    assert (answer.status_code, answer.data) == (500, b"internal-error\n")
    assert "ZeroDivisionError" in caplog.text


def test_a_tree_that_cannot_be_stored_is_not_signed(office, caplog):
    def full(*_):
        raise StorageError("disk-full", path="/secret/place", reason="database or disk is full")

    really, office.state.replace = office.state.replace, full
    answer = office.post(request(0, 3))
    assert (answer.status_code, answer.data) == (500, b"internal-error\n")
    assert office.get().status_code == 404
    office.state.replace = really
    assert office.post(request(0, 3)).status_code == 200
    assert "disk-full" in caplog.text


def test_a_log_that_grows_too_often_is_told_to_wait_and_no_other_log_is():
    office = Office(rate=Rate(per_second=2, burst=3))
    other = log_signer("other.example")
    office.logs[other.name] = other.verifier
    for size in range(3):
        assert office.post(request(size, size + 1)).status_code == 200
    answer = office.post(request(3, 4))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.data.startswith(b"too-many-requests")
    assert office.post(request(0, 3, log=other)).status_code == 200
    office.clock.seconds += 0.5
    assert office.post(request(3, 4)).status_code == 200
    assert office.post(request(4, 5)).status_code == 429
    office.clock.seconds += 1000
    for size in range(4, 7):
        assert office.post(request(size, size + 1)).status_code == 200
    assert office.post(request(7, 8)).status_code == 429


def test_strangers_cannot_use_up_what_a_log_may():
    office = Office(rate=Rate(per_second=0, burst=2))
    office.post(request(0, 3))
    junk = Note(note(5).text, (grease(1),))
    for _ in range(20):
        assert office.post(request(3, 3)).status_code == 200  # the public checkpoint, sent again
        assert office.post(request(0, 3)).status_code == 409
        assert office.post(add_checkpoint_request(3, [], note(5))).status_code == 422
        assert office.post(add_checkpoint_request(3, [], junk)).status_code == 403
    assert office.post(request(3, 5)).status_code == 200


def test_a_slow_mirror_keeps_one_request_waiting_and_sends_further_ones_away():
    going, held = threading.Event(), threading.Semaphore(0)

    def hold(checkpoint):
        if checkpoint.size == 3:
            held.release()
            assert going.wait(30)

    office, told = Office(hold=hold), []
    threads = [threading.Thread(target=lambda: told.append(office.post(request(0, 3)).status_code)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert held.acquire(timeout=30)
    assert office.post(request(0, 3)).status_code == 429
    going.set()
    for thread in threads:
        thread.join()
    assert sorted(told) == [200, 409]
    assert office.post(request(3, 5)).status_code == 200


def test_a_mirror_that_does_not_hold_a_tree_yet_says_so():
    def hold(_checkpoint):
        raise WitnessError("not-held", status=503)

    office = Office(hold=hold)
    answer = office.post(request(0, 3))
    assert (answer.status_code, answer.data) == (503, b"not-held\n")
    assert office.get().status_code == 404


# -- over a socket ------------------------------------------------------------------------------------------------


def exchange(url, *requests):
    """Send requests on one kept connection; return status, headers and body of each."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    told = []
    try:
        for method, path, body in requests:
            connection.request(method, path, body)
            answer = connection.getresponse()
            told.append((answer.status, answer.headers, answer.read()))
    finally:
        connection.close()
    return told


def test_the_api_is_the_same_over_a_socket_with_one_connection_for_many_requests(tmp_path):
    with (
        SqliteWitnessState.create(tmp_path / "witness.sqlite") as state,
        Server(Office(state).site, max_body=2 * MAX_REQUEST) as server,
    ):
        told = exchange(
            server.url,
            ("GET", MONITORED, None),
            ("POST", ADD, request(0, 3)),
            ("POST", ADD, request(0, 5)),
            ("POST", ADD, iter([request(3, 5)])),  # chunked
            ("GET", MONITORED, None),
            ("HEAD", MONITORED, None),
            ("POST", ADD, request(5, 9) + b"x" * MAX_REQUEST),
            ("POST", ADD, request(5, 9)),
        )
    assert [status for status, _, _ in told] == [404, 200, 409, 200, 200, 200, 400, 200]
    assert (told[2][1]["Content-Type"], told[2][2]) == ("text/x.tlog.size", b"3\n")
    lines = parse_cosignatures(told[3][2])
    assert Note.parse(told[4][2]) == Note(note(5).text, (*note(5).signatures, *lines))
    assert (told[5][1]["Content-Length"], told[5][2]) == (str(len(told[4][2])), b"")


def test_of_forks_sent_at_once_over_many_connections_exactly_one_is_cosigned(tmp_path):
    bodies = [request(0, 200), request(0, 200, FORK)] * 4
    told, ready = [], threading.Barrier(len(bodies))
    with (
        SqliteWitnessState.create(tmp_path / "witness.sqlite") as state,
        Server(Office(state).site, max_body=MAX_REQUEST, threads=8) as server,
    ):

        def ask(number):
            ready.wait()
            told.append((number % 2, exchange(server.url, ("POST", ADD, bodies[number]))[0][0]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        root = state.read(ORIGIN).root
    signed = {tree for tree, status in told if status == 200}
    assert len(signed) == 1
    assert root == Tree((FORK if signed.pop() else LEAVES)[:200]).root()
    assert {status for _, status in told} <= {200, 409, 422, 429}

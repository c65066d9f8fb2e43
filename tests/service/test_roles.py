"""Every operation and every role: who is let in, and who is not."""

import httpx
import pytest

from fairdraw_cli.service.description import document
from fairdraw_cli.service.tokens import ROLES

READERS = {"clerk", "lead", "results", "auditor"}
TABLE = {
    "freeze_registry": {"clerk", "lead"},
    "check_plan": {"clerk", "lead"},
    "log_plan": {"lead"},
    "log_items": {"lead"},
    "announce_draw": {"lead"},
    "take_pulse": {"lead"},
    "close_seeds": {"lead"},
    "make_draw": {"lead"},
    "call_substitute": {"lead"},
    "draw_substitute": {"lead"},
    "defer_inspection": {"lead"},
    "log_exception": {"lead"},
    "void_draw": {"lead"},
    "open_draw": {"lead"},
    "add_entry": {"lead"},
    "log_results": {"results", "lead"},
    "correct_results": {"results", "lead"},
    "log_evidence": {"results", "lead"},
    "log_objection": {"results", "lead"},
    "answer_objection": {"results", "lead"},
    "write_slip": {"clerk", "lead"},
    "write_own_slip": {"lead"},
    "print_papers": {"clerk", "lead"},
    "print_notices": {"lead"},
    "export_drawn": {"clerk", "lead"},
    "export_due": {"clerk", "lead"},
    "export_dispatch": {"lead"},
    "write_openings": {"lead"},
    "verify_file": {"auditor", "lead"},
    "audit_log": {"auditor", "lead"},
    "list_jobs": READERS,
    "get_job": READERS,
    "cancel_job": READERS,
    "get_workspace": READERS,
    "list_draws": READERS,
    "get_draw": READERS,
    "list_files": READERS,
    "get_file": READERS,
    "get_map": {"clerk", "lead"},
    "put_map": {"lead"},
    "delete_map": {"lead"},
    "get_metrics": {"metrics"},
    "get_health": None,
    "get_readiness": None,
}
OPERATIONS = {
    told["operationId"]: (method.upper(), path, told)
    for path, methods in document("en", "")["paths"].items()
    for method, told in methods.items()
}
PARTS = {
    "draw": "none",
    "registry": "none",
    "entry": "999",
    "chain": "none",
    "round": "1",
    "job": "0" * 32,
    "file": "x",
}


def test_the_table_is_whole():
    assert set(OPERATIONS) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_who_is_let_in(name, office_of_a_draw):
    served = office_of_a_draw
    method, path, told = OPERATIONS[name]
    address = path.format(**PARTS)
    # A body that no operation takes: whoever is let in is told so, and nothing is done.
    told_headers = {"Content-Type": "application/x-nothing", "Idempotency-Key": "roles-and-operations"}
    # From an address of its own: so many refusals of one would be cut short.
    transport = httpx.HTTPTransport(local_address=f"127.0.1.{list(TABLE).index(name) + 1}")
    with httpx.Client(transport=transport) as nobody:
        anonymous = nobody.request(method, served.url + address, headers=told_headers)
    if TABLE[name] is None:
        assert anonymous.status_code == 200
        return
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"].startswith("Bearer")
    assert set(told["security"][0]["token"]) == TABLE[name]
    for role in ROLES:
        answer = served.client(role).ask(method, address, headers=told_headers, content=b"")
        if role in TABLE[name]:
            assert answer.status_code not in (401, 403), (role, answer.text)
            assert answer.status_code < 500
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "role-forbidden"), (role, answer.text)

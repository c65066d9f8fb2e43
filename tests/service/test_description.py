"""The description: complete, true, and good enough for other people's tools."""

import importlib
import json
import re
import subprocess
import sys
import uuid
from collections import Counter
from io import BytesIO

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fairdraw_cli.service.description import document
from fairdraw_cli.service.operations import OPERATIONS
from support.served import DRAW, INSTITUTIONS_CSV, PLAN, STAFF_CSV

CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
)  # fmt: skip
# As docs/service.md tells: the tool knows few media types, and these are bytes like any other file.
CONFIG = """
project_name_override: generated
package_name_override: generated_client
post_hooks: []
content_type_overrides:
  text/csv: application/octet-stream
  text/plain: application/octet-stream
  application/toml: application/octet-stream
  application/vnd.ms-excel: application/octet-stream
  application/vnd.oasis.opendocument.spreadsheet: application/octet-stream
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet: application/octet-stream
"""
FILES = tuple(re.findall(r"^  (\S+): ", CONFIG, flags=re.MULTILINE))
LIMITS = settings(
    max_examples=3, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


@schemathesis.serializer(*FILES)
def as_bytes(ctx, value):
    """How schemathesis sends what it made up for a file."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def test_it_is_openapi_31_in_both_languages(idle):
    told = {lang: httpx.get(f"{idle.url}/openapi.json?lang={lang}").json() for lang in ("zh", "en")}
    assert told["zh"]["openapi"] == told["en"]["openapi"] == "3.1.0"
    assert set(told["zh"]["paths"]) == set(told["en"]["paths"])
    for lang, api in told.items():
        for methods in api["paths"].values():
            for operation in methods.values():
                chinese = any("一" <= character <= "鿿" for character in operation["summary"])
                assert chinese == (lang == "zh"), operation["summary"]
    assert httpx.get(f"{idle.url}/openapi.json", headers={"Accept-Language": "en-GB"}).json() == told["en"]
    assert httpx.get(f"{idle.url}/openapi.json").json() == told["zh"]


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    api = document("en", "")
    text = json.dumps(api)
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert wanted == set(api["components"]["schemas"])


def test_every_operation_of_the_table_is_described():
    api = document("en", "")
    told = {m["operationId"] for methods in api["paths"].values() for m in methods.values()}
    assert {operation.id for operation in OPERATIONS} <= told
    for operation in OPERATIONS:
        post = api["paths"][operation.path]["post"]
        assert {"200", "202", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"} <= set(
            post["responses"]
        )
        assert any(one["name"] == "Idempotency-Key" and one["required"] for one in post["parameters"])


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_asked_is_answered_as_described(idle, mode):
    """schemathesis asks all that the description allows, and a good deal that it does not."""
    api = httpx.get(f"{idle.url}/openapi.json?lang=en").json()
    statuses = Counter()

    def ask(case):
        token = idle.tokens["metrics" if case.path == "/metrics" else "lead"]
        headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=0"}  # jobs queue up; they are not waited for
        if mode is GenerationMode.POSITIVE and case.headers and "Idempotency-Key" in case.headers:
            headers["Idempotency-Key"] = str(uuid.uuid4())  # all that is made up is called AAAAAAAA, and done once
        response = case.call(base_url=idle.url, headers=headers)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        if response.status_code == 202:  # what it would do is tested elsewhere, and its process costs half a second
            cancelled = httpx.delete(idle.url + response.headers["location"][0], headers=headers)
            assert cancelled.status_code in (200, 409)

    count = 0
    for found in schemathesis.openapi.from_dict(api).get_all_operations():
        operation = found.ok()
        count += 1
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            LIMITS(given(case=strategy)(ask))()
        except Unsatisfiable:  # nothing can be wrong with a request that has no part
            assert not list(operation.iter_parameters())
    assert count == sum(len(methods) for methods in api["paths"].values())
    assert statuses[202] > 20 if mode is GenerationMode.POSITIVE else statuses[400] + statuses[404] > 20
    assert not [status for status in statuses if status >= 500]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A client that openapi-python-client makes of the description."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(document("en", "")), encoding="utf-8")
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--config", "config.yml",
         "--output-path", "out", "--fail-on-warning"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder / "out"))
    yield importlib.import_module
    sys.path.remove(str(folder / "out"))


def test_a_generated_client_makes_a_whole_draw(generated, served):
    """A programmer of another department, who has nothing but the description."""
    package = generated("generated_client")
    models, types = generated("generated_client.models"), generated("generated_client.types")
    lead = package.AuthenticatedClient(base_url=served.url, token=served.tokens["lead"], timeout=120)
    http = lead.get_httpx_client()

    def call(where, name, *parts, **more):
        module = generated(f"generated_client.api.{where}.{name}")
        more |= {"idempotency_key": str(uuid.uuid4()), "prefer": "wait=60"}
        answer = module.sync_detailed(*parts, client=lead, **more)
        assert answer.status_code == 200, answer.content
        return answer.parsed

    def at(time):
        return {"fairdraw_clock": f"2026-09-{time}Z"}

    plan = models.PlanBody.from_dict({"plan": PLAN})
    assert call("plans", "log_plan", body=plan, **at("07T10:00:00")).state == "done"
    for registry, data in (("institutions", INSTITUTIONS_CSV), ("staff", STAFF_CSV)):
        file = types.File(payload=BytesIO(data), mime_type="application/octet-stream")
        call("registries", "freeze_registry", registry, body=file, **at("07T10:01:00"))
    draw = models.AnnounceBody.from_dict({"draw": DRAW})
    call("announcements", "announce_draw", body=draw, **at("07T10:02:00"))
    made = call("draws", "make_draw", "fund-1", body=models.DrawBody(), **at("07T18:36:40"))
    assert made.result.additional_properties["counts"]["drawn"] == 5
    told = generated("generated_client.api.draws.get_draw").sync("fund-1", client=lead)
    assert (told.state, told.id) == ("drawn", "fund-1")
    early = generated("generated_client.api.draws.get_draw").sync("nothing", client=lead)
    assert isinstance(early, models.Problem)
    assert early.code == "draw-unknown"
    http.close()


def test_the_page_loads_nothing_from_elsewhere(idle):
    page = httpx.get(f"{idle.url}/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    texts = [page.text, *(httpx.get(f"{idle.url}/{name}").text for name in ("docs.js", "docs.css"))]
    for text in texts:
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
        assert "innerHTML" not in text
    assert page.headers["content-type"].startswith("text/html")

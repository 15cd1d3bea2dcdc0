"""Bearer tokens of an OpenID Connect provider: a provider of our own on loopback, with keys of its own."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.testclient import TestClient

from kerma.archive import Archive
from kerma.archive.access import Access
from kerma.archive.permissions import Grant, Principal, Right
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import KermaError
from kerma.query.model import Area
from kerma.web.access.gate import Gate
from kerma.web.access.tokens import Issuer, Tokens, fetch_json
from kerma.web.application import application
from kerma.web.context import Context
from tests.archive.conftest import make_instance, store_instance

NOW = 1_800_000_000.0
AUDIENCE = "kerma"


class Provider:
    """Answers discovery and keys; counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.down = False
        self.claims_to_be = ""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                documents = {
                    "/realm/.well-known/openid-configuration": {
                        "issuer": provider.claims_to_be or provider.issuer,
                        "jwks_uri": f"{provider.issuer}/keys",
                    },
                    "/realm/keys": {"keys": provider.keys},
                    "/large": {"x": "x" * (2 << 20)},
                }
                found = documents.get(self.path)
                self.send_response(503 if provider.down else 200 if found else 302)
                if not found:
                    self.send_header("Location", "/large")
                body = json.dumps(found).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.issuer = f"{self.base}/realm"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def publish(self, *keys: Any) -> None:
        self.keys = [key.as_dict(private=False) for key in keys]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture
def provider(rsa: RSAKey) -> Iterator[Provider]:
    provider = Provider()
    provider.publish(rsa)
    yield provider
    provider.close()


class Clock:
    time = NOW

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(provider: Provider, clock: Clock) -> Tokens:
    roles = (
        ("kerma:read", Grant(Right.READ)),
        ("doctor", Grant(Right.READ | Right.WRITE)),
        ("student", Grant(Right.READ, Area(labels=("teaching",)))),
        ("admin", Grant(Right.ALL)),
    )
    return Tokens(Issuer(provider.issuer, AUDIENCE, roles=roles), clock=clock)


def claims(provider: Provider, **more: Any) -> dict[str, Any]:
    found = {
        "iss": provider.issuer,
        "aud": AUDIENCE,
        "sub": "ann",
        "exp": NOW + 600,
        "scope": "openid kerma:read",
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(key: Any, payload: dict[str, Any], algorithm: str = "RS256", **header: Any) -> str:
    kid = {"kid": key.kid} if key.kid else {}
    return jwt.encode({"alg": algorithm, **kid, **header}, payload, key, algorithms=[algorithm])


def refused(tokens: Tokens, token: str) -> HTTPProblem:
    with pytest.raises(HTTPProblem) as caught:
        tokens.verify(token)
    return caught.value


@pytest.mark.parametrize(
    ("more", "rights", "areas"),
    [
        ({}, Right.READ, None),
        ({"scope": "openid"}, Right.NONE, ()),
        ({"scope": None, "roles": ["doctor"]}, Right.READ | Right.WRITE, None),
        ({"scope": ["kerma:read"]}, Right.READ, None),
        ({"scope": None, "scp": "kerma:read x"}, Right.READ, None),
        ({"scope": None, "realm_access": {"roles": ["student"]}}, Right.NONE, (Area(labels=("teaching",)),)),
        ({"scope": None, "realm_access": "student"}, Right.NONE, ()),
        ({"scope": None, "groups": [1, None, {"a": "doctor"}]}, Right.NONE, ()),
        ({"aud": ["other", AUDIENCE]}, Right.READ, None),
        ({"scope": {"kerma:read": 1}}, Right.NONE, ()),
    ],
)
def test_a_role_gives_what_the_configuration_says(
    tokens: Tokens, provider: Provider, rsa: RSAKey, more: dict[str, Any], rights: Right, areas: object
) -> None:
    principal, end = tokens.verify(signed(rsa, claims(provider, **more)))
    assert (principal.name, principal.rights, end) == ("ann", rights, NOW + 600)
    assert principal.areas(Right.READ) == areas


@pytest.mark.parametrize(
    "more",
    [
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"nbf": NOW + 61},
        {"iat": NOW + 600},
    ],
)
def test_a_token_that_is_not_for_here_or_now(
    tokens: Tokens, provider: Provider, rsa: RSAKey, more: dict[str, Any]
) -> None:
    problem = refused(tokens, signed(rsa, claims(provider, **more)))
    assert problem.status == 401
    assert 'error="invalid_token"' in problem.headers["WWW-Authenticate"]
    assert "ann" not in str(problem)


def test_clocks_may_differ_a_little(tokens: Tokens, provider: Provider, rsa: RSAKey) -> None:
    principal, _ = tokens.verify(signed(rsa, claims(provider, exp=NOW - 59, nbf=NOW + 59)))
    assert "ann" in principal.name


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_signatures_of_others_and_none_are_refused(tokens: Tokens, provider: Provider, rsa: RSAKey) -> None:
    payload = claims(provider)
    other = RSAKey.generate_key(2048, {"kid": "one"})
    good = signed(rsa, payload)
    head, body, signature = good.split(".")
    # The public key as a secret: an HMAC that everybody can make.
    said = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{body}"
    made = hmac.digest(rsa.as_pem(private=False), said.encode(), "sha256")
    confused = f"{said}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
    for token in (
        signed(other, payload),
        confused,
        f"{_part({'alg': 'none', 'kid': 'one'})}.{body}.",
        f"{_part({'alg': 'none'})}.{body}.{signature}",
        f"{head}.{_part({**payload, 'scope': 'admin'})}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{_part({'alg': 'ES256', 'kid': 'one'})}.{body}.{signature}",
        f"{_part({'alg': 'RS256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        f"{_part({'alg': ['RS256'], 'kid': {}})}.{body}.{signature}",
        f"{_part('x')}.{body}.{signature}",
        f"ä.{body}.{signature}",
        "..",
        "a.b",
        "a.b.c.d.e",
        "",
    ):
        assert refused(tokens, token).status == 401
    tokens.verify(good)


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "ES384", "Ed25519"])
def test_other_kinds_of_keys(tokens: Tokens, provider: Provider, rsa: RSAKey, algorithm: str) -> None:
    key: Any = {
        "PS256": rsa,
        "ES256": ECKey.generate_key("P-256", {"kid": "e"}),
        "ES384": ECKey.generate_key("P-384", {"kid": "e"}),
        "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "o"}),
    }[algorithm]
    provider.publish(key)
    tokens.verify(signed(key, claims(provider), algorithm))
    allowed = replace(tokens.issuer, algorithms=("RS256",))
    assert refused(Tokens(allowed, clock=Clock()), signed(key, claims(provider), algorithm)).status == 401


def test_keys_for_other_purposes_are_not_used(tokens: Tokens, provider: Provider, rsa: RSAKey) -> None:
    provider.keys = [{**rsa.as_dict(private=False), "use": "enc"}, {"kty": "oct", "k": "AAAA"}, {"kty": "XX"}, 7, None]  # type: ignore[list-item]
    assert refused(tokens, signed(rsa, claims(provider))).status == 503


def test_keys_are_kept_and_rotated(tokens: Tokens, provider: Provider, rsa: RSAKey, clock: Clock) -> None:
    for _ in range(5):
        tokens.verify(signed(rsa, claims(provider)))
    assert len(provider.asked) == 2, "discovery and keys, once"
    second = RSAKey.generate_key(2048, {"kid": "two"})
    provider.publish(rsa, second)
    for _ in range(5):
        assert refused(tokens, signed(second, claims(provider))).status == 401
    assert len(provider.asked) == 2, "not asked again within half a minute, whoever wants it"
    clock.time += 31
    tokens.verify(signed(second, claims(provider)))
    assert len(provider.asked) == 4
    provider.publish(second)
    clock.time += 3601
    later = claims(provider, exp=clock.time + 60)
    assert refused(tokens, signed(rsa, later)).status == 401, "a key that was taken back"
    tokens.verify(signed(second, later))


def test_a_provider_that_is_away(tokens: Tokens, provider: Provider, rsa: RSAKey, clock: Clock) -> None:
    provider.down = True
    problem = refused(tokens, signed(rsa, claims(provider)))
    assert (problem.status, problem.headers["Retry-After"]) == (503, "30")
    provider.down = False
    assert refused(tokens, signed(rsa, claims(provider))).status == 503
    clock.time += 31
    tokens.verify(signed(rsa, claims(provider)))
    provider.down = True
    clock.time += 7200
    tokens.verify(signed(rsa, claims(provider, exp=clock.time + 60)))
    clock.time += 86_400
    assert refused(tokens, signed(rsa, claims(provider, exp=clock.time + 60))).status == 503


def test_a_provider_that_is_another_is_not_believed(tokens: Tokens, provider: Provider, rsa: RSAKey) -> None:
    provider.claims_to_be = "https://evil.example"
    assert refused(tokens, signed(rsa, claims(provider))).status == 503


def test_documents_are_bounded_and_not_fetched_elsewhere(provider: Provider) -> None:
    for url in (f"{provider.base}/large", f"{provider.base}/moved", "http://192.0.2.1/x", "file:///etc/passwd"):
        with pytest.raises(KermaError):
            fetch_json(url)


def test_a_patient_claim_limits(provider: Provider, tokens: Tokens, rsa: RSAKey) -> None:
    limited = Tokens(replace(tokens.issuer, patient_claim="patient"), clock=Clock())

    def given(**more: Any) -> Principal:
        return limited.verify(signed(rsa, claims(provider, **more)))[0]

    assert given().rights is Right.READ
    assert given(patient="P1").areas() == (Area("P1"),)
    assert given(patient=["P1", "P2"], scope="admin").areas() == (Area("P1"), Area("P2"))
    assert Right.ADMINISTER not in given(patient="P1", scope="admin").anywhere
    assert given(patient="P1", scope="student").areas() == (Area("P1", labels=("teaching",)),)
    assert given(patient="P 1").areas() == (Area("P 1"),)
    nested = Tokens(replace(tokens.issuer, patient_claim="launch.patient"), clock=Clock())
    assert nested.verify(signed(rsa, claims(provider, launch={"patient": "P1"})))[0].areas() == (Area("P1"),)


@pytest.mark.parametrize("claim", ["", "  ", [], [""], 4711, {"id": "P1"}, False, [4711]])
def test_a_patient_claim_that_names_nobody_opens_nothing(
    provider: Provider, tokens: Tokens, rsa: RSAKey, claim: object
) -> None:
    limited = Tokens(replace(tokens.issuer, patient_claim="patient"), clock=Clock())
    found, _ = limited.verify(signed(rsa, claims(provider, patient=claim, scope="admin")))
    assert found.anywhere is Right.NONE
    null = {**claims(provider, scope="admin"), "patient": None}
    assert limited.verify(signed(rsa, null))[0].anywhere is Right.NONE


def test_a_slow_provider_holds_up_nobody_whose_key_is_known(
    provider: Provider, tokens: Tokens, rsa: RSAKey, clock: Clock
) -> None:
    asked, go = threading.Event(), threading.Event()

    def slow(url: str) -> Any:
        if known:
            asked.set()
            assert go.wait(30)
        return fetch_json(url)

    known: list[bool] = []
    slowed = Tokens(tokens.issuer, fetch=slow, clock=clock)
    token = signed(rsa, claims(provider, exp=NOW + 9000))
    slowed.verify(token)
    known.append(True)
    clock.time += 3601
    looking = threading.Thread(target=slowed.verify, args=(token,))
    looking.start()
    try:
        assert asked.wait(30)
        assert slowed.verify(token)[0].name == "ann"
        assert looking.is_alive()
    finally:
        go.set()
        looking.join(30)


def test_over_http(tmp_path: Path, tokens: Tokens, provider: Provider, rsa: RSAKey, clock: Clock) -> None:
    with Archive.open(tmp_path / "data") as archive, Access(tmp_path / "data", clock=clock) as access:
        store_instance(archive, make_instance(1))
        gate = Gate(access, None, tokens, clock=clock)
        with TestClient(application(Context(archive, gate=gate)), raise_server_exceptions=False) as client:
            path = "/dicomweb/studies/1.2.3.1"
            assert client.get(path).status_code == 401
            for more, status in (({}, 200), ({"scope": "x"}, 403), ({"roles": "student", "scope": None}, 404)):
                headers = {"Authorization": f"Bearer {signed(rsa, claims(provider, **more))}"}
                assert client.get(path, headers=headers).status_code == status
                assert client.delete(path, headers=headers).status_code == 403
            headers = {"Authorization": f"Bearer {signed(rsa, claims(provider, exp=NOW + 100))}"}
            assert client.get(path, headers=headers).status_code == 200
            clock.time += 161
            assert client.get(path, headers=headers).status_code == 401

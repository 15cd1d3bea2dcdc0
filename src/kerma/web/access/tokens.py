"""Bearer tokens of an OpenID Connect provider: JWTs, verified here with the keys that the provider publishes.

OpenID Connect Discovery 1.0 4; RFC 7517, 7519, 9068. Rules:

- Signatures of public keys only, of the algorithms that are configured; the token does not choose its own rules.
- iss, aud and exp must be there and right; nbf and iat are looked at where they are there. Clocks may differ a little.
- Keys are found by discovery and kept for an hour. A key that is not known makes us look again, but not more often
  than twice a minute, however many such tokens come. A provider that is away for a while changes nothing: keys that are
  known hold on for a day.
- A role or scope gives what the configuration says, and nothing else does.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from kerma.archive.permissions import Grant, Principal, Right
from kerma.dicomweb.problems import HTTPProblem
from kerma.errors import KermaError
from kerma.query.model import Area
from kerma.web.access.credentials import challenge, is_loopback

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
_KEEP = 3600.0
_HOLD_ON = 86_400.0
_LOOK_AGAIN = 30.0
_MAX_DOCUMENT = 1 << 20
_MAX_KEYS = 100
_TIMEOUT = 5.0
_PATIENCE = 1.0
"""Seconds that a token with an unknown key waits while another thread looks: a slow provider must not hold all."""
_MAX_ROLES = 1000

Fetch = Callable[[str], Any]
"""The JSON document at an address; ``KermaError`` where it cannot be had."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A provider, and what its tokens give."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ALGORITHMS
    roles: tuple[tuple[str, Grant], ...] = ()
    """What each role or scope gives."""
    claims: tuple[str, ...] = ("scope", "scp", "roles", "groups", "realm_access.roles")
    """Where roles and scopes are in a token."""
    patient_claim: str = ""
    """A claim with a Patient ID (or several): a token that has it sees these patients only."""
    leeway: int = 60


class Verifier(Protocol):
    """Tells whose a token is."""

    def verify(self, token: str) -> tuple[Principal, float]: ...


class Tokens:
    """Verifies the tokens of one issuer; safe to use from many threads. It may fetch, so not in an event loop."""

    def __init__(self, issuer: Issuer, *, fetch: Fetch | None = None, clock: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._fetch = fetch or fetch_json
        self._clock = clock
        self._looking = threading.Lock()
        self._keys: list[Any] = []
        self._fetched = 0.0
        self._tried = -_LOOK_AGAIN

    def verify(self, token: str) -> tuple[Principal, float]:
        """Whose token it is, and when it ends; HTTPProblem 401 where it is not good, 503 where nobody can say."""
        from joserfc import errors, jwt  # noqa: PLC0415  (only servers with an issuer need it)

        header = _header(token)
        algorithm = header.get("alg")
        if algorithm not in self.issuer.algorithms:
            raise _bad("the token is signed in a way that is not taken here")
        for key in self._suitable(str(header.get("kid") or ""), str(algorithm)):
            try:
                claims = jwt.decode(token, key, algorithms=[str(algorithm)]).claims
            except (errors.JoseError, ValueError, TypeError, KeyError):
                continue
            self._check(claims)
            return self._principal(claims), float(claims["exp"])
        raise _bad("the token is not signed by a key of its issuer")

    def _check(self, claims: Mapping[str, Any]) -> None:
        from joserfc import errors, jwt  # noqa: PLC0415

        now, issuer = self._clock(), self.issuer
        wanted = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=issuer.leeway,
            iss={"essential": True, "value": issuer.issuer},
            aud={"essential": True, "value": issuer.audience},
            exp={"essential": True},
        )
        try:
            wanted.validate(dict(claims))
            if isinstance(claims["exp"], bool) or not isinstance(claims["exp"], int | float):
                raise _bad("the token's end is no time")
        except errors.ExpiredTokenError:
            raise _bad("the token has expired") from None
        except (errors.JoseError, ValueError, TypeError) as error:
            claim = getattr(error, "claim", "") or "a claim"
            raise _bad(f"the token is not for here: {str(claim)[:16]}") from None

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        given = set(_texts(_at(claims, path) for path in self.issuer.claims))
        grants = [grant for role, grant in self.issuer.roles if role in given]
        patients = self._patients(claims)
        if patients is not None:
            grants = [limited for grant in grants for limited in _limited(grant, patients)]
        name = claims.get("sub")
        return Principal.of(name[:64] if isinstance(name, str) and name else "token", grants)

    def _patients(self, claims: Mapping[str, Any]) -> list[str] | None:
        """The Patient IDs that a token is limited to, None where it has no such claim. A claim that names nobody, or
        is no text, limits to nobody. A Patient ID may have spaces: one text is one patient.
        """
        claim = self.issuer.patient_claim
        said = _at(claims, claim) if claim else None
        if said is None:
            return [] if claim and claim in claims else None
        found = said if isinstance(said, list) else [said]
        return [one.strip() for one in found[:_MAX_ROLES] if isinstance(one, str) and one.strip()]

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _suitable(self, kid: str, algorithm: str) -> list[Any]:
        """The keys that may have signed; HTTPProblem where there are none at hand."""
        found = _matching(self._keys_now(self._clock() - self._fetched > _KEEP, 0), kid, algorithm)
        if not found:
            found = _matching(self._keys_now(True, _PATIENCE), kid, algorithm)
        if not found:
            raise _bad("the token is not signed by a key of its issuer")
        return found

    def _keys_now(self, look: bool, wait: float) -> list[Any]:
        """The keys. One thread asks the provider; others wait for it that long, and go on with those that are known."""
        if not (look and self._is_time()):
            return self._known()
        if self._looking.acquire(timeout=wait if self._keys else 2 * _TIMEOUT):
            try:
                if self._is_time():  # nobody else has looked while we waited
                    self._look()
            finally:
                self._looking.release()
        return self._known()

    def _is_time(self) -> bool:
        return self._clock() - self._tried >= _LOOK_AGAIN

    def _look(self) -> None:
        now = self._clock()
        try:
            self._keys, self._fetched = self._load(), now
        except KermaError:
            if now - self._fetched > _HOLD_ON:
                self._keys = []
        finally:
            self._tried = now

    def _known(self) -> list[Any]:
        if not self._keys:
            raise HTTPProblem(
                503, "the keys of the token's issuer cannot be had", headers={"Retry-After": str(int(_LOOK_AGAIN))}
            )
        return self._keys

    def _load(self) -> list[Any]:
        from joserfc import errors, jwk  # noqa: PLC0415

        issuer = self.issuer.issuer
        about = self._fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if not isinstance(about, dict) or about.get("issuer") != issuer or not isinstance(about.get("jwks_uri"), str):
            raise KermaError("the provider's configuration is not that of the issuer", where=issuer)
        document = self._fetch(about["jwks_uri"])
        listed = document.get("keys") if isinstance(document, dict) else None
        keys = []
        for item in (listed if isinstance(listed, list) else [])[:_MAX_KEYS]:
            if not isinstance(item, dict) or item.get("kty") not in ("RSA", "EC", "OKP") or item.get("use") == "enc":
                continue
            try:
                keys.append((str(item.get("kid") or ""), str(item.get("alg") or ""), jwk.import_key(item)))
            except (errors.JoseError, ValueError, TypeError, KeyError):
                continue  # of a kind that we do not know
        if not keys:
            raise KermaError("the provider has no keys that can be used", where=issuer)
        return keys


def _matching(keys: Iterable[Any], kid: str, algorithm: str) -> list[Any]:
    return [key for name, alg, key in keys if (not kid or name == kid) and alg in ("", algorithm)]


def _header(token: str) -> dict[str, Any]:
    """The header of a JWT in compact form, not verified."""
    parts = token.split(".")
    if len(parts) != 3:
        raise _bad("this is no token of ours, nor a signed JWT")
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise _bad("the token cannot be read")
    return header


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The value at a path ``realm_access.roles``; a claim whose name has dots in it is found as well."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _texts(values: Iterable[Any]) -> list[str]:
    """Texts of claims: lists, and words with spaces between as in ``scope``."""
    out: list[str] = []
    for value in values:
        if isinstance(value, str):
            out += value.split()
        elif isinstance(value, list):
            out += [item for item in value if isinstance(item, str)]
    return out[:_MAX_ROLES]


def _limited(grant: Grant, patients: Iterable[str]) -> Iterable[Grant]:
    """A grant for these patients only. Who sees patients one by one administers nothing."""
    rights = grant.rights & ~Right.ADMINISTER
    for patient in patients:
        area = Area(patient) if grant.area is None else grant.area.meet(Area(patient))
        if area is not None and rights:
            yield replace(grant, rights=rights, area=area)


def _bad(message: str) -> HTTPProblem:
    return HTTPProblem(401, message, headers=challenge("invalid_token"))


def fetch_json(url: str) -> Any:
    """A JSON document of a provider, over HTTPS (or from this machine), bounded and without being sent elsewhere."""
    import httpx  # noqa: PLC0415  (heavy, and only for who has an issuer)

    place = urlsplit(url)
    if place.scheme != "https" and not (place.scheme == "http" and is_loopback(place.hostname or "")):
        raise KermaError("an issuer is asked over https only", where=url[:200])
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            answer.raise_for_status()
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _MAX_DOCUMENT:
                    raise KermaError("the provider's answer is too large", where=url[:200])
        return json.loads(body)
    except (httpx.HTTPError, ValueError) as error:
        raise KermaError(f"the provider cannot be asked: {type(error).__name__}", where=url[:200]) from error

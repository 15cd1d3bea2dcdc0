"""From the configuration to who may do what over HTTP: the gate and its rules.

Rules: ``open = true`` with an HTTP address for other machines lets anyone do over HTTP what anyone may do by DICOM,
read and write; without such an address it says nothing about HTTP.
"""

from __future__ import annotations

from kerma.app.settings import Config
from kerma.archive.access import Access
from kerma.archive.access.keys import parse_networks
from kerma.archive.permissions import Grant, parse_grants
from kerma.web.access.gate import Gate, Rules
from kerma.web.access.tokens import Issuer, Tokens
from kerma.web.cors import LOOPBACK

_OPEN = ("read,write",)


def gate(config: Config, access: Access) -> Gate:
    """The gate of the HTTP server."""
    settings = config.access
    outside = any(not address.is_loopback for address in (*config.server.http, *config.server.http_tls))
    anyone = settings.anonymous
    if not anyone and config.server.open and outside and settings.login != "required" and not settings.issuer:
        anyone = _OPEN
    rules = Rules(
        required=settings.login == "required",
        anonymous=parse_grants(anyone),
        origins=frozenset(origin.rstrip("/").lower() for origin in config.web.origins if origin not in ("*", LOOPBACK)),
        proxies=parse_networks(settings.proxies),
    )
    return Gate(access, rules, Tokens(issuer(config)) if settings.issuer else None)


def issuer(config: Config) -> Issuer:
    """The provider of tokens."""
    settings = config.access
    roles = (role.partition("=") for role in settings.roles)
    return Issuer(
        settings.issuer or "",
        settings.audience or "",
        settings.algorithms,
        tuple((name, Grant.parse(grant)) for name, _, grant in roles),
        settings.role_claims,
        settings.patient_claim,
        settings.leeway,
    )

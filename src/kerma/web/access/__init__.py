"""Who asks over HTTP: credentials, tokens of other issuers, sessions, and the middleware that names the principal.

PS3.18 8.8 and 13.1 leave this to HTTP: RFC 6750 (bearer tokens), 7617 (Basic), 7519 (JWT), OpenID Connect Discovery.
What a principal may do is decided in ``kerma.archive.permissions``; users and keys are kept in
``kerma.archive.access``.
"""

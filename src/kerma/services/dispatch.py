"""Which flow serves a message: by command field and the abstract syntax of its context, one table.

Rules:

- A request that no row serves is answered with 0211 (unrecognized operation) or 0122 (SOP class not supported), never
  with silence.
- Whatever a service raises is answered with a status; errors of the network go through, as there is nobody left to
  answer.

Sources: PS3.4 (services), PS3.7 C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kerma.dimse import Command, CommandField
from kerma.errors import NetworkError, RemoteProtocolError, StatusError
from kerma.services import sop_classes as rows
from kerma.services.find_scp import serve_find
from kerma.services.flow import Flow, Message, Send
from kerma.services.incoming import Incoming
from kerma.services.providers import FindProvider, RetrieveProvider, StorageProvider, StoreRequest, StoreSink
from kerma.services.responses import (
    PROCESSING_FAILURE,
    SOP_CLASS_NOT_SUPPORTED,
    UNRECOGNIZED_OPERATION,
    is_request,
    response,
    status_of,
)
from kerma.services.retrieve_scp import Destinations, serve_get, serve_move
from kerma.services.storage_scp import serve_store, store_request
from kerma.services.verification import serve_echo
from kerma.ul.negotiation import Context


@dataclass(frozen=True, slots=True)
class Providers:
    """What stands behind the services; None where a service is not offered. Verification always is."""

    storage: StorageProvider | None = None
    find: FindProvider | None = None
    retrieve: RetrieveProvider | None = None
    destinations: Destinations | None = None
    """Where C-MOVE may send to."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at the other end of an association."""

    calling_aet: str
    called_aet: str
    peer: str
    contexts: dict[int, Context]


class Dispatcher:
    """Serves the messages of one server's associations; holds nothing of any of them."""

    def __init__(
        self,
        providers: Providers,
        on_error: Callable[[str, BaseException], None],
        providers_for: Callable[[Party], Providers] | None = None,
    ) -> None:
        self.providers = providers
        self._on_error = on_error
        self._providers_for = providers_for

    def _of(self, party: Party) -> Providers:
        """What stands behind the services for one party: whoever runs the server may give each its own."""
        return self.providers if self._providers_for is None else self._providers_for(party)

    def open_incoming(self, context: Context, command: Command, party: Party) -> Incoming:
        """The sink for a C-STORE's data set."""
        storage = self._of(party).storage
        begin = self._refuse if storage is None or not context.as_scu else storage.begin
        request = store_request(context, command, party.calling_aet, party.called_aet, party.peer)
        if request.sop_class_uid != context.abstract_syntax:
            begin = self._mismatch
        return Incoming(request, begin)

    def serve(self, message: Message, party: Party) -> Flow[int | None]:
        """Serve one message; returns its final status, None for what has no answer (a C-CANCEL that came late)."""
        command = message.command
        if command.field is CommandField.C_CANCEL_RQ:
            return None
        if not is_request(command):
            raise RemoteProtocolError(f"{command.field.printed} came, but nothing was asked", source=0, reason=0)
        try:
            status: int = yield from self._flow(message, party)
        except NetworkError:
            raise
        except Exception as error:  # noqa: BLE001 - a handler's bug is answered, and told to whoever runs the server
            status, comment = status_of(error)
            if not isinstance(error, StatusError):
                self._on_error(f"{command.field.printed} failed", error)
                status = status if status != 0 else PROCESSING_FAILURE
            yield Send(message.context.id, response(command, status, comment))
        finally:
            if message.incoming is not None:
                message.incoming.abort()
        return status

    def _flow(self, message: Message, party: Party) -> Flow[int]:
        command, providers = message.command, self._of(party)
        root = rows.ROOTS.get((command.field, message.context.abstract_syntax))
        match command.field:
            case CommandField.C_STORE_RQ:
                status = yield from serve_store(message)
                incoming = message.incoming
                if incoming is not None and incoming.error is not None and not isinstance(incoming.error, StatusError):
                    self._on_error("C-STORE failed", incoming.error)
                return status
            case CommandField.C_ECHO_RQ:
                return (yield from serve_echo(message))
            case CommandField.C_FIND_RQ if root is not None and providers.find is not None:
                return (yield from serve_find(message, root, providers.find))
            case CommandField.C_GET_RQ if root is not None and providers.retrieve is not None:
                return (yield from serve_get(message, root, providers.retrieve, party.contexts))
            case CommandField.C_MOVE_RQ if root is not None and providers.retrieve is not None:
                return (
                    yield from serve_move(message, root, providers.retrieve, providers.destinations, party.calling_aet)
                )
            case CommandField.C_FIND_RQ | CommandField.C_GET_RQ | CommandField.C_MOVE_RQ:
                status, text = SOP_CLASS_NOT_SUPPORTED, "this SOP class does not offer this operation"
            case _:
                status, text = UNRECOGNIZED_OPERATION, "this operation is not offered"
        yield Send(message.context.id, response(command, status, text))
        return status

    @staticmethod
    def _refuse(request: StoreRequest) -> StoreSink:
        raise StatusError("storage is not offered here", status=SOP_CLASS_NOT_SUPPORTED)

    @staticmethod
    def _mismatch(request: StoreRequest) -> StoreSink:
        raise StatusError("the SOP class is not the abstract syntax of the context", status=SOP_CLASS_NOT_SUPPORTED)

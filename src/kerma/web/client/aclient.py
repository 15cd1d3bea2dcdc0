"""The awaited DICOMweb client: ``kerma.web.AsyncClient``.

Each method makes a flow (``studies``, ``workitems``) and lets the driver run it; what a method means is said there.
Methods with names of PS3.18 transactions; UIDs are given by keyword. One client may be used by many tasks.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kerma.dataset import Dataset
from kerma.net.tls import TLSConfig
from kerma.web.client import studies, workitems
from kerma.web.client.driving import AsyncDriver
from kerma.web.client.effects import Flow
from kerma.web.client.keeping import BytesKeeper, DatasetKeeper, FileKeeper, OneFileKeeper
from kerma.web.client.pictures import Descriptions, array
from kerma.web.client.sending import Storable
from kerma.web.client.settings import Settings, Token
from kerma.web.client.studies import PAGE, Frame, StoreResult, Target

if TYPE_CHECKING:
    import httpx
    import numpy


class AsyncClient:
    """A client of the service at ``base`` (``http://127.0.0.1:8080/dicomweb``).

    ``token`` is a bearer token, or a function that gives one for each request; ``api_key``, ``auth`` (user and
    password) and ``headers`` are sent to that server only. ``timeout`` is how long the server may be silent, in
    seconds; ``retries`` how often what may be repeated is; ``tls`` whom we trust and what we show. ``UsageError`` for
    what cannot be meant.
    """

    def __init__(
        self,
        base: str,
        *,
        token: Token | None = None,
        api_key: str | None = None,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        connect_timeout: float = 15.0,
        retries: int = 3,
        http2: bool = False,
        tls: TLSConfig | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = Settings.of(
            base,
            token=token,
            api_key=api_key,
            auth=auth,
            headers=headers,
            timeout=timeout,
            connect_timeout=connect_timeout,
            retries=retries,
            http2=http2,
            tls=tls,
        )
        self._manner = self.settings.manner
        self._driver = AsyncDriver(self.settings, transport)
        self._descriptions = Descriptions()

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _all(self, flow: Flow[Any]) -> list[Any]:
        return [one async for one in self._driver.run(flow)]

    async def _one(self, flow: Flow[Any]) -> Any:
        found = await self._all(flow)
        return found[0] if found else None

    # -- search and retrieve -------------------------------------------------------------------------------------------

    def search(
        self,
        level: str = "study",
        *,
        include: Iterable[str] = (),
        fuzzy: bool = False,
        limit: int | None = None,
        offset: int = 0,
        page: int = PAGE,
        **keys: Any,
    ) -> AsyncIterator[Dataset]:
        """QIDO-RS: matches as they come, page after page. Keys by keyword, with DICOM wildcards and ranges; None asks
        for the attribute, as ``include`` does (``all`` for every one).
        """
        flow = studies.search(
            self._manner, level, keys, include=include, fuzzy=fuzzy, limit=limit, offset=offset, page=page
        )
        return self._driver.run(flow)

    def metadata(
        self, StudyInstanceUID: str, SeriesInstanceUID: str | None = None, SOPInstanceUID: str | None = None
    ) -> AsyncIterator[Dataset]:
        """Every attribute of each instance; bulk data is a ``BulkData`` with its URI."""
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        return self._driver.run(studies.metadata(self._manner, target))

    async def retrieve(
        self,
        StudyInstanceUID: str,
        SeriesInstanceUID: str | None = None,
        SOPInstanceUID: str | None = None,
        *,
        into: str | os.PathLike[str],
        transfer_syntax: str = "*",
    ) -> list[Path]:
        """WADO-RS: the instances as files ``UID.dcm`` in the folder ``into``, byte for byte as the server gives them.

        ``transfer_syntax`` asks for another one than what is stored. Memory stays small, whatever comes. Where the
        answer breaks off, the files that were whole are there, and ``NetworkError`` says that it did.
        """
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        return await self._all(studies.retrieve(self._manner, target, FileKeeper(into), transfer_syntax))

    def instances(
        self,
        StudyInstanceUID: str,
        SeriesInstanceUID: str | None = None,
        SOPInstanceUID: str | None = None,
        *,
        transfer_syntax: str = "*",
    ) -> AsyncIterator[Dataset]:
        """WADO-RS: the instances as data sets, as they come."""
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        return self._driver.run(studies.retrieve(self._manner, target, DatasetKeeper(), transfer_syntax))

    def frames(
        self,
        StudyInstanceUID: str,
        SeriesInstanceUID: str,
        SOPInstanceUID: str,
        numbers: Sequence[int],
        *,
        transfer_syntax: str = "*",
        media_type: str = "application/octet-stream",
    ) -> AsyncIterator[Frame]:
        """The frames of an instance as they are encoded, the first is 1."""
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        return self._driver.run(studies.frames(self._manner, target, numbers, transfer_syntax, media_type))

    async def frame(
        self, StudyInstanceUID: str, SeriesInstanceUID: str, SOPInstanceUID: str, number: int = 1
    ) -> numpy.ndarray[Any, Any]:
        """One frame as an array of stored values, rows, columns[, samples]; needs the extra ``pixels``."""
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        found: numpy.ndarray[Any, Any] = await self._one(array(self._manner, target, number, self._descriptions))
        return found

    async def rendered(
        self,
        StudyInstanceUID: str,
        SeriesInstanceUID: str | None = None,
        SOPInstanceUID: str | None = None,
        *,
        frame: int | None = None,
        thumbnail: bool = False,
        media_type: str = "image/jpeg",
        **parameters: Any,
    ) -> bytes:
        """A picture or a document to look at; parameters as PS3.18 has them (``window="40,400,linear"``). Of several
        pictures, as of a series, the first.
        """
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        flow = studies.rendered(
            self._manner, target, frame=frame, thumbnail=thumbnail, media_type=media_type, params=parameters
        )
        return await self._one(flow) or b""

    async def bulkdata(self, uri: str) -> bytes:
        """A value that lies elsewhere, by its BulkDataURI: absolute, or relative to the root of the service."""
        return await self._one(studies.bulkdata(self._manner, uri, BytesKeeper(self._manner.max_body))) or b""

    async def save_bulkdata(self, uri: str, path: str | os.PathLike[str]) -> Path:
        """The same into a file, however long it is."""
        found: Path = await self._one(studies.bulkdata(self._manner, uri, OneFileKeeper(path)))
        return found

    # -- store and delete ----------------------------------------------------------------------------------------------

    async def store(
        self, items: Iterable[Storable] | Storable, *, StudyInstanceUID: str | None = None
    ) -> list[StoreResult]:
        """STOW-RS: files, folders, data sets and bytes; a result for each instance, in the order in which they are
        sent. What is in a folder and no DICOM is passed over. Bodies are made while they go out.
        """
        return await self._all(studies.store(self._manner, items, StudyInstanceUID))

    async def delete(
        self, StudyInstanceUID: str, SeriesInstanceUID: str | None = None, SOPInstanceUID: str | None = None
    ) -> None:
        """Delete a study, a series or an instance, where the server lets us."""
        target = Target(StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID)
        await self._all(studies.delete(self._manner, target))

    # -- work items (UPS-RS) -------------------------------------------------------------------------------------------

    def workitems(
        self, *, limit: int | None = None, offset: int = 0, page: int = PAGE, **keys: Any
    ) -> AsyncIterator[Dataset]:
        """The work items that match."""
        return self._driver.run(workitems.search(self._manner, keys, limit, offset, page))

    async def workitem(self, uid: str) -> Dataset:
        """One work item."""
        found: Dataset = await self._one(workitems.retrieve(self._manner, uid))
        return found

    async def create_workitem(self, item: Dataset, uid: str | None = None) -> str:
        """Make a work item; its UID."""
        return str(await self._one(workitems.create(self._manner, item, uid)))

    async def update_workitem(self, uid: str, changes: Dataset, transaction: str | None = None) -> None:
        """Change attributes of a work item, with the Transaction UID of who works on it."""
        await self._all(workitems.update(self._manner, uid, changes, transaction))

    async def change_workitem_state(self, uid: str, state: str, transaction: str) -> None:
        """IN PROGRESS claims it under a Transaction UID of our making, COMPLETED and CANCELED end it."""
        await self._all(workitems.change_state(self._manner, uid, state, transaction))

    async def cancel_workitem(self, uid: str, reason: str = "") -> None:
        """Ask whoever works on it to stop."""
        await self._all(workitems.request_cancel(self._manner, uid, reason))

    async def subscribe(self, uid: str, aet: str, *, deletion_lock: bool = False) -> str:
        """Subscribe an AE title to a work item's events; where they come from (a WebSocket)."""
        return str(await self._one(workitems.subscribe(self._manner, uid, aet, deletion_lock)) or "")

    async def unsubscribe(self, uid: str, aet: str) -> None:
        """End a subscription."""
        await self._all(workitems.unsubscribe(self._manner, uid, aet))

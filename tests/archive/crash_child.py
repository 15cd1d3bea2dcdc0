"""The victim of the crash tests: four threads store, one deletes, each acknowledgement is a line on standard output."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from kerma.archive import Archive
from kerma.dataset import Dataset
from kerma.services.providers import StoreRequest

EXPLICIT = "1.2.840.10008.1.2.1"
CT = "1.2.840.10008.5.1.4.1.1.2"


def instance_bytes(uid: str) -> bytes:
    """The data set of a UID ``1.2.RUN.THREAD.NUMBER``: the same whoever makes it."""
    run, thread, number = (int(part) for part in uid.split(".")[2:])
    ds = Dataset()
    ds.SOPClassUID = CT
    ds.SOPInstanceUID = uid
    ds.StudyDate = "20260102"
    ds.Modality = "CT"
    ds.PatientID = f"P{run}"
    ds.StudyInstanceUID = f"1.2.{run}.{thread}"
    ds.SeriesInstanceUID = f"1.2.{run}.{thread}.0.{number // 10}"
    ds.InstanceNumber = number
    ds.add("PixelData", "OW", bytes([(run + thread + number) % 256]) * (20_000 + 997 * (number % 50)))
    return ds.to_bytes(EXPLICIT)


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def store(archive: Archive, run: int, thread: int) -> None:
    for number in range(100_000):
        uid = f"1.2.{run}.{thread}.{number}"
        view = memoryview(instance_bytes(uid))
        sink = archive.begin(StoreRequest(CT, uid, EXPLICIT))
        for at in range(0, len(view), 8192):
            sink.write([view[at : at + 8192]])
        sink.commit()
        say(f"stored {uid}")
        if thread == 3 and number % 5 == 4:
            gone = f"1.2.{run}.{thread}.{number - 2}"
            say(f"deleting {gone}")
            archive.delete("image", gone)
            say(f"deleted {gone}")


def main() -> None:
    folder, run = Path(sys.argv[1]), int(sys.argv[2])
    archive = Archive.open(folder)
    say("ready")
    threads = [threading.Thread(target=store, args=(archive, run, thread)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

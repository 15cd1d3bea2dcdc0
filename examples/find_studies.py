"""Ask an archive for studies and print them.

    python examples/find_studies.py AET@HOST:PORT [PATIENT NAME]

For instance beside ``kerma serve``: python examples/find_studies.py KERMA@127.0.0.1:11112 'DOE*'
"""

from __future__ import annotations

import datetime
import sys

import kerma
from kerma.values import DA


def main(peer: str, name: str) -> None:
    since = DA.between(datetime.date(1990, 1, 1), None)
    with kerma.connect(peer, aet="EXAMPLE") as archive:
        for study in archive.find(level="study", PatientName=name, StudyDate=since, ModalitiesInStudy=None):
            patient = study.PatientName
            shown = f"{patient.family_name}, {patient.given_name}" if patient else "nobody"
            modalities = study.get("ModalitiesInStudy") or "?"
            sys.stdout.write(f"{study.StudyDate}  {shown}  {modalities}  {study.StudyInstanceUID}\n")


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit("usage: python examples/find_studies.py AET@HOST:PORT [PATIENT NAME]")
    try:
        main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "*")
    except kerma.KermaError as error:
        sys.exit(str(error))

"""The document: data sets with keyword access, sequences, private blocks, walking (PS3.5 7, PS3.3, PS3.6).

A ``Dataset`` is an index over a buffer. Values are decoded when they are asked for; what was not changed is written
as it came.
"""

from kerma.dataset.columns import Column, column, per_frame
from kerma.dataset.dataset import Dataset
from kerma.dataset.element import Element
from kerma.dataset.sequence import Sequence

__all__ = ["Column", "Dataset", "Element", "Sequence", "column", "per_frame"]

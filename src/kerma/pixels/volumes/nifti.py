"""NIfTI-1 and -2 from volumes, and back to where they lie (nibabel, ``kerma[nifti]``).

May touch nibabel, which is imported when it is needed. Rules: voxels are stored as dcm2niix does: columns from the
patient's side that DICOM begins at, rows from the bottom to the top, slices in order of place. The affine is that of
scanner coordinates, as qform where it is no shear and always as sform.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from kerma.errors import KermaError, PixelError
from kerma.pixels.volumes.grid import Volume

Array = NDArray[Any]

_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT


def _nibabel() -> Any:
    try:
        import nibabel  # noqa: PLC0415 - an extra
    except ImportError:
        raise KermaError(
            "NIfTI is written by nibabel, which is not installed", hint="pip install 'kerma[nifti]'"
        ) from None
    return nibabel


def to_nifti(volume: Volume) -> Any:
    """A nibabel image of the volume: (column, row from the bottom, slice[, time]).

    Colour becomes NIfTI's RGB24. ``KermaError`` where nibabel is not installed.
    """
    nibabel = _nibabel()
    voxels, affine = voxels_and_affine(volume)
    if not volume.even:
        raise PixelError(
            "the slices are not evenly spaced, which no NIfTI can say", hint="take volume.evened(), or --even"
        )
    kind = nibabel.Nifti1Image if max(voxels.shape) <= 32_767 else nibabel.Nifti2Image
    image = kind(voxels, affine)
    header = image.header
    header.set_xyzt_units("mm", "sec" if volume.axis == "temporal position" else None)
    image.set_sform(affine, _SCANNER)
    if not volume.tilted:
        image.set_qform(affine, _SCANNER)
    else:
        image.set_qform(affine, 0, strip_shears=True)
    header.set_slope_inter(volume.slope, volume.intercept)
    return image


def voxels_and_affine(volume: Volume) -> tuple[Array, Array]:
    """The volume as NIfTI lays it out, a view where that can be, and its RAS affine."""
    array = volume.array
    if not volume.axis:
        array = array[None]
    rows = volume.shape[1]
    if volume.colour:
        if array.dtype != np.uint8 or array.shape[-1] != 3:
            raise PixelError("NIfTI has colour of 8 bits only")
        rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
        array = np.ascontiguousarray(array).view(rgb)[..., 0]
    flipped = array[:, :, ::-1, :]
    voxels = flipped.transpose(3, 2, 1, 0)
    affine = volume.affine_ras.copy()
    affine[:3, 3] += affine[:3, 1] * (rows - 1)
    affine[:3, 1] *= -1
    return (voxels if volume.axis else voxels[..., 0]), affine


def to_npy(volume: Volume, file: BinaryIO) -> None:
    """The array alone, as numpy writes it, with slope and intercept applied."""
    np.save(file, volume.values(), allow_pickle=False)

"""Why Kerma and a peer differ on an image, each settled by the standard: what the page of agreement prints.

A difference without a reason here fails ``tests/corpus/test_pixels``, a reason that no line needs does so too.
"""

from __future__ import annotations

from tests.pixels.oracle_table import Line, lossy, marks

WITHIN = 2
"""Steps of a sample between two decoders of a stream with loss: rounding of the transform and of the colours."""

REASONS = {
    "openjph": "OpenJPH, as it is wrapped for Python, lets samples of a stream with loss that overshoot their range "
    "wrap around: white becomes black. pylibjpeg and GDCM have what Kerma has.",
    "overshoot": "A stream of 12 bits with loss under Bits Stored 10 holds a few samples of 1024. GDCM and DCMTK cut "
    "the upper bits, so that the brightest samples become 0; Kerma keeps what was decoded.",
    "sign": "JPEG-LS has no sign; with 15 bits stored the highest of these is it (PS3.5 8.2.3). GDCM does not "
    "carry it up; pylibjpeg, pyjpegls and DCMTK have what Kerma has.",
    "JFIF": "The data set says RGB, the stream has a JFIF marker, by which its components are luma and chroma "
    "(ISO 10918-5). Kerma and pydicom believe the stream: its chroma lies around 128 and black is black "
    "only so. GDCM and DCMTK hand over the components as they are and call them RGB.",
    "upsampling": "The chroma has half the columns. How it is spread over the pixels is not said by ISO 10918-1. "
    "libjpeg interpolates, in Kerma, GDCM and DCMTK alike; pylibjpeg's libjpeg does not.",
    "labelled": "The transfer syntax says JPEG lossless, the stream is baseline, so two decoders may differ by "
    "rounding here as well. DCMTK and GDCM have what Kerma has.",
    "words": "32 bits in OW, big endian: words of 16 bits are turned, as PS3.5 7.3 says. GDCM and DCMTK have what "
    "Kerma has; pydicom turns 32 bits.",
    "frames": "More samples than Number of Frames says. The attribute decides (PS3.3 C.7.6.6); for Kerma the rest "
    "is a finding, pydicom and DCMTK make frames of it.",
    "one sample": "RGB with Samples per Pixel 1. The attribute says how samples lie (PS3.3 C.7.6.3.1.1); GDCM takes "
    "three.",
    "planes": "RLE of 16 and 32 bits and three samples: segments go sample by sample, in each from the highest "
    "byte down (PS3.5 G.2). GDCM mixes the bytes; pydicom, pylibjpeg and DCMTK have what Kerma has.",
    "zeros": "The pixel data end before the frame does. GDCM gives zeros for what is missing, Kerma an error that "
    "says how much it is (PS3.5 8.1.1).",
    "stored 0": "Bits Stored is 0, which is no layout (PS3.3 C.7.6.3). GDCM goes on.",
    "number": "Number of Frames is no number. GDCM goes on as if it were 1.",
    "size": "One stream has another size than the Image Pixel module says (PS3.5 8.2.1). DCMTK fills a part of "
    "the frame and leaves the rest black, without a word; with Kerma that frame is an error and the "
    "others can be read.",
    "meta": "The file meta information is damaged: where it ends cannot be told for certain. Kerma refuses the "
    "file and reads it when told to salvage.",
    "beyond": "An element goes beyond the end of the file: the data set itself is refused (PS3.5 7.1).",
}
_SHORT_OF_BYTES = (
    "ambiguous_vr.dcm",
    "getdcmtags/test_dcm",
    "RD.DICOMORIENT.Dose_FFDL.dcm",
    "TC0243_",
    "TC0285_",
    "TC0293_",
    "TC0313_",
    "TC0831_",
    "TC0951_",
    "TC0975_",
    "TC0977_",
    "TC0985_",
)
_JFIF = ("layer", "24-RGB-JpegLossy", "JPEGProcess2_4.dcm", "data/example-", "data/example2.dcm")
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *((name, ("gdcm", "dcmtk"), "JFIF") for name in _JFIF),
    *((name, ("gdcm",), "zeros") for name in _SHORT_OF_BYTES),
    ("HTJ2K_08_RGB", ("openjph",), "openjph"),
    ("RG3_JPLY", ("gdcm", "dcmtk"), "overshoot"),
    ("JLSL_16_15_1_1F", ("gdcm",), "sign"),
    ("sample-op.dcm", ("pydicom/pylibjpeg",), "labelled"),
    ("rtdose_expb", ("pydicom",), "words"),
    *((name, ("pydicom", "dcmtk"), "frames") for name in ("TC0287_", "TC0307_", "exclude123/MR000000.dcm")),
    ("TC0329_", ("gdcm",), "one sample"),
    ("SC_rgb_rle_16bit", ("gdcm",), "planes"),
    ("SC_rgb_rle_32bit", ("gdcm",), "planes"),
    ("TC0319_", ("gdcm",), "stored 0"),
    ("TC0933_", ("gdcm",), "stored 0"),
    ("badVR.dcm", ("gdcm",), "number"),
    ("Benchmark/Data/multiframe.dcm", ("dcmtk",), "size"),
    ("TC0397_", ("dcmtk",), "meta"),
    ("TC0469_", ("pydicom", "gdcm", "dcmtk"), "meta"),
    ("TC0689_", ("pydicom",), "beyond"),
)
_UPSAMPLED = 15
_SILENT = frozenset({"=", "refused", "crashed", "hung"})


def difference(line: Line, peer: str) -> str:
    """The peer's word where it differs; empty where it agrees, decodes nothing, or rounds."""
    word = marks(line)[peer]
    if word in _SILENT or (lossy(line["syntax"]) and word[0] == "~" and _steps(word) <= WITHIN):
        return ""
    return word


def why(line: Line, peer: str) -> str:
    """The key of the reason why the peer differs; empty where there is none."""
    for part, peers, reason in _RULES:
        if part in line["file"] and peer in peers:
            return reason
    word = marks(line)[peer]
    chroma = line["syntax"] in {".4.50", ".4.51"} and line["shape"].split()[0].endswith("x3")
    if chroma and peer == "pydicom/pylibjpeg" and word[0] == "~" and _steps(word) <= _UPSAMPLED:
        return "upsampling"
    return ""


def differences(lines: list[Line]) -> list[tuple[Line, str, str]]:
    """Every (line, peer, word) that needs a reason."""
    return [(line, peer, word) for line in lines for peer in marks(line) if (word := difference(line, peer))]


def agreed(line: Line) -> list[str]:
    """The peers that have the same samples."""
    return [peer for peer, word in marks(line).items() if word[0] in "=~" and not difference(line, peer)]


def _steps(word: str) -> float:
    return float(word[1:].split(maxsplit=1)[0])

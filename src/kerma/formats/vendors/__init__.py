"""What makers put into private elements, as mappings: Siemens CSA headers and protocols, GE protocols, Philips scaling.

Nothing here is in the standard; each module says what it knows and from where in the data set it takes it. A function
gives None where the data set has nothing of the kind, and raises ``FormatError`` where it has but it is broken.
"""

from kerma.formats.vendors import ge, philips, siemens

__all__ = ["ge", "philips", "siemens"]

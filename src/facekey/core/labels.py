"""Groups that people declare for bias monitoring, in words that the deployment fixed before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from facekey.core.errors import RequestInvalid

PURPOSE = "bias_monitoring"
"""The purpose that a consent must name before labels are stored."""

MOST_ATTRIBUTES, MOST_VALUES, LONGEST = 8, 32, 32

DEFAULT: Mapping[str, tuple[str, ...]] = {
    "age_band": ("under_18", "18_29", "30_44", "45_59", "60_plus"),
    "gender": ("woman", "man", "non_binary", "another"),
    "skin_tone": ("monk_1_3", "monk_4_6", "monk_7_10"),
}
"""Skin tone in bands of the Monk scale, as the person places themselves."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Attributes and the values each may have.

    Raises:
        ValueError: a name is empty, too long, not of `a-z 0-9 _`, or there are too many or one value only.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(DEFAULT))

    def __post_init__(self) -> None:
        """Names become labels of metrics and columns of tables: few, short and plain."""
        names = [*self.values, *(value for values in self.values.values() for value in values)]
        if not all(_plain(name) for name in names) or len(self.values) > MOST_ATTRIBUTES:
            raise ValueError("attributes and values are words of a-z, 0-9 and _, of 32 characters at most")
        if any(not 2 <= len(set(values)) == len(values) <= MOST_VALUES for values in self.values.values()):
            raise ValueError("an attribute has two or more values, each once")

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """`gender=woman|man|another;age_band=...`; empty takes the default.

        Raises:
            ValueError: it can't be read.
        """
        if not text.strip():
            return cls()
        values: dict[str, tuple[str, ...]] = {}
        for part in filter(None, (one.strip() for one in text.split(";"))):
            name, found, listed = part.partition("=")
            if not found or name.strip() in values:
                raise ValueError("a vocabulary reads: attribute=value|value;attribute=value|value")
            values[name.strip()] = tuple(value.strip() for value in listed.split("|"))
        return cls(values)

    def check(self, labels: Mapping[str, str]) -> None:
        """Return when each label is one of the deployment's.

        Raises:
            RequestInvalid: `label_unknown`; says what there is.
        """
        for attribute, value in labels.items():
            if value not in self.values.get(attribute, ()):
                known = "; ".join(f"{name}: {', '.join(some)}" for name, some in self.values.items())
                raise RequestInvalid("label_unknown", f"a label is not one of this deployment's: {known}")
        if not labels:
            raise RequestInvalid("labels_missing", "name at least one label, or delete them")


def _plain(name: str) -> bool:
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789_"
    return 0 < len(name) <= LONGEST and all(character in allowed for character in name)

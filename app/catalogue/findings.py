"""What is wrong with a file, or may not be meant; each finding is led by its place."""

from typing import Any, Final

from app.catalogue.place import Path, place_of

# A file of the greatest size could hold a million errors; nobody reads more than these.
FINDINGS_MAX: Final = 1_000


class Findings:
    """Errors and warnings of one document, in the order in which they were found."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._errors: list[str] = []
        self._warnings: list[str] = []
        self._left_out = 0

    @property
    def errors(self) -> tuple[str, ...]:
        """Every error; of more than 1,000 the first, and then how many were left out."""
        left_out = (f"and {self._left_out} more errors",) if self._left_out else ()
        return (*self._errors, *left_out)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not hinder, at most 1,000."""
        return tuple(self._warnings)

    def error(self, path: Path, sentence: str) -> None:
        """Remember what makes the file invalid."""
        if len(self._errors) < FINDINGS_MAX:
            self._errors.append(f"{place_of(path, self._document)}: {sentence}")
        else:
            self._left_out += 1

    def warn(self, path: Path, sentence: str) -> None:
        """Remember what has no effect, or not the one that its author may expect."""
        if len(self._warnings) < FINDINGS_MAX:
            self._warnings.append(f"{place_of(path, self._document)}: {sentence}")

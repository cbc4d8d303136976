"""What is found wrong with a file while it is read, each finding led by its place."""

# A file of the greatest size could hold a million errors; nobody reads more than these.
FINDINGS_MAX = 1_000


class Findings:
    """Errors and warnings in the order in which they were found."""

    def __init__(self) -> None:
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

    def error(self, place: str, sentence: str) -> None:
        """Remember what makes the file invalid."""
        if len(self._errors) < FINDINGS_MAX:
            self._errors.append(f"{place}: {sentence}")
        else:
            self._left_out += 1

    def warn(self, place: str, sentence: str) -> None:
        """Remember what has no effect, or not the one that its author may expect."""
        if len(self._warnings) < FINDINGS_MAX:
            self._warnings.append(f"{place}: {sentence}")

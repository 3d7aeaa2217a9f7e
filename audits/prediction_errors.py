"""The error that says which file, column and row of uploaded predictions is wrong, and why. Pure."""

from __future__ import annotations

from registry.errors import InvalidInput


class PredictionsError(InvalidInput):
    """Predictions that cannot be measured.

    Attributes
    ----------
    file, column
        Where it is wrong; ``None`` where no single place is.
    row
        1-based data row (the header does not count).
    line
        1-based line of a CSV file (the header is line 1), where it can be told.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message, field=column, file=file, column=column, row=row, line=line)
        self.file = file
        self.column = column
        self.row = row
        self.line = line

"""The one error of this folder."""


class EvidenceError(Exception):
    """Evidence that does not hold.

    code: stable, snake_case; message: a sentence for people that names what is wrong.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

"""The exceptions that reach a person as one line instead of a traceback."""


class UgaarError(Exception):
    """A problem the user can mend; its text says what was found, where, and what to do."""


class ConfigError(UgaarError):
    """A configuration key is unknown, missing or out of range."""


class ToolError(UgaarError):
    """An external program is missing, failed, hung or wrote nothing."""


class DiskFullError(UgaarError):
    """A file could not be written for lack of space."""


class DataError(UgaarError):
    """An input file or table does not hold what its declaration promises."""

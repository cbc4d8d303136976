"""What a person can put right: each is told in one line, and without a traceback."""


class Failure(Exception):
    """Something that the person who runs a command can put right."""


class CannotListen(Failure):
    """An address cannot be bound. The text names the setting to change."""


class CommandFailed(Failure):
    """A command could not do what it was asked for."""


class SchemaBehind(Failure):
    """The database lacks migrations that this release needs."""

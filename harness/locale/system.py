"""What the operating system says of a file or a connection, as messages of ours: it speaks the language of its own."""

import errno

from harness.locale import tr

_SAID = {
    errno.ENOENT: tr("no such file or folder"),
    errno.EACCES: tr("permission denied"),
    errno.EPERM: tr("not permitted"),
    errno.EROFS: tr("the file system is read-only"),
    errno.ENOSPC: tr("no space left on the device"),
    errno.EDQUOT: tr("the disk quota is used up"),
    errno.EIO: tr("the device reports an error"),
    errno.EISDIR: tr("it is a folder"),
    errno.ENOTDIR: tr("a part of its path is no folder"),
    errno.EEXIST: tr("it exists already"),
    errno.ENOTEMPTY: tr("the folder is not empty"),
    errno.ENAMETOOLONG: tr("the name is too long"),
    errno.EMFILE: tr("too many open files"),
    errno.EFBIG: tr("the file is too large"),
    errno.ELOOP: tr("a link that leads to itself"),
    errno.ECONNREFUSED: tr("nobody listens there"),
}


def system_said(error: OSError) -> str:
    """Return the reason of a system's error; what has no words here stays as the system says it.

    >>> system_said(OSError(errno.ENOSPC, "No space left on device"))
    'no space left on the device'
    >>> system_said(OSError("as it was said"))
    'as it was said'
    """
    if error.errno in _SAID:
        return _SAID[error.errno]
    return error.strerror or str(error)


_OF_A_DATABASE = {
    "file is not a database": tr("the file is not a database"),
    "unable to open database file": tr("it cannot be opened as a file"),
    "attempt to write a readonly database": tr("it is read-only"),
    "disk I/O error": tr("the disk does not take it: is it full, or is there a limit for files?"),
    "database disk image is malformed": tr("the file is damaged"),
}


def database_said(message: str) -> str:
    """Return what SQLite says of a file; what is unknown stays as it is.

    >>> database_said("file is not a database")
    'the file is not a database'
    """
    return _OF_A_DATABASE.get(message, message)


_NO_NAME = (
    "Name or service not known",
    "nodename nor servname",
    "Temporary failure in name",
    "getaddrinfo failed",
    "failed to resolve host",  # psycopg
)


def network_said(message: str) -> str:
    """Return why a connection did not come about; what is unknown stays as it is.

    >>> network_said("ConnectError: [Errno -2] Name or service not known")
    'the name of the server is not found: is there a network?'
    """
    if any(part in message for part in _NO_NAME):
        return tr("the name of the server is not found: is there a network?")
    if "timeout expired" in message:  # libpq
        return tr("it does not answer")
    return _SAID[errno.ECONNREFUSED] if "Connection refused" in message else message

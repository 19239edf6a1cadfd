"""Whether a server has the model that is going to be asked, found out in seconds and before anything is paid for."""

from harness.errors import UnknownNameError
from harness.locale import tr
from harness.remote.call import CallError, Client, Prompt
from harness.types import Message

_SMALLEST = Prompt(messages=(Message(role="user", content="1"),), max_tokens=1, temperature=None)


def look_up(client: Client, seconds: float) -> str | None:
    """Return None if the server has the model or does not say, else why it could not be asked.

    A list of models proves that one is there; one that is not on it is asked for the shortest reply, as servers answer
    to names that they do not list.

    Raises:
        UnknownNameError: it has no such model; the hint names the nearest.
        CallError: the key is rejected.
    """
    quick = client.hurried(seconds)
    try:
        names = [name.removeprefix("models/") for name in quick.models()]
        model = client.model.removeprefix("models/")
        if not names or model in names or f"{model}:latest" in names:
            return None
    except CallError as error:
        if error.trouble == "key":
            raise
        return error.said if error.trouble in {"network", "timeout"} else None
    try:
        quick.send(_SMALLEST)
    except CallError as error:
        if error.trouble == "model" or (error.trouble == "request" and "model" in error.detail.lower()):
            raise UnknownNameError(tr("model of this server"), model, names) from None
    return None

"""The pipe: messages arrive as they were, and one that was cut off is none."""

import io

from harness.locale import tr
from harness.models.child_process import Sender, received
from harness.models.hf.crew.channel import Answered, Finished, Told
from harness.notices import Notice
from harness.types import Generation


def test_messages_come_out_as_they_went_in_with_words_that_can_be_translated() -> None:
    notice = Notice("batch_halved", tr("a batch of {n} rows ran out of memory and was halved", n=4))
    sent = [
        Answered(generation=Generation(request_key="k", text="答え", error=None)),
        Told(text=tr("loading {name}", name="base")),
        Finished(notices=(notice,), stopped=None),
    ]
    pipe = io.BytesIO()
    for message in sent:
        Sender(pipe).send(message)
    pipe.seek(0)
    found = [received(pipe) for _ in range(4)]
    assert found == [*sent, None]
    assert found[1].text.values == {"name": "base"}
    assert found[2].notices[0].code == "batch_halved"

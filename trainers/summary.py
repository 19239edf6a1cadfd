"""What is said of a training before it begins: what is trained on what, and what is left out."""

from collections.abc import Iterator, Sequence

from harness.locale import Text, tr
from trainers.counts import samples_said, steps_said
from trainers.data.mixing import said_of_mixture
from trainers.encoding import preview
from trainers.items import item_lengths
from trainers.prepare import Prepared

_LISTED = 20  # rows that are named


def summary(prepared: Prepared) -> list[str]:
    """Return what will be trained on what, a line each, with every notice and the first rows that are left out."""
    recipe, record = prepared.recipe, prepared.record
    lengths = item_lengths(prepared.train.samples, recipe.each)
    where = f"{record.device}, {record.quantization} {record.dtype}"
    data = tr(
        "{samples} of {shortest} to {longest} tokens ({total:,} in all)",
        samples=samples_said(len(lengths), recipe.each),
        shortest=min(lengths),
        longest=max(lengths),
        total=sum(lengths),
    )
    if record.heldout:
        data = tr("{data}, {n:,} held out", data=data, n=record.heldout)
    named = tr("Recipe {name}", name=record.recipe_name)
    lines = [
        tr("{named}: {what}", named=named, what=tr(recipe.summary)) if recipe.summary else named,
        tr("Base {base} ({where}), prompt {prompt}", base=record.base, where=where, prompt=record.prompt),
        tr(
            "{data}; {steps} of {samples}",
            data=data,
            steps=steps_said(prepared.steps),
            samples=samples_said(recipe.batch_size, recipe.each),
        ),
    ]
    if (mixture := said_of_mixture(record.data)) is not None:
        lines.append(mixture)
    lines += [tr("Note: {notice}", notice=notice) for notice in prepared.notices]
    return [
        *lines,
        *_listed(tr("left out"), [row.said for row in prepared.bad]),
        *_listed(tr("refused"), prepared.refused),
    ]


def _listed(what: Text, rows: Sequence[Text]) -> Iterator[str]:
    yield from (tr("  {what}: {row}", what=what, row=row) for row in rows[:_LISTED])
    if len(rows) > _LISTED:
        yield tr("  {what}: {n:,} more", what=what, n=len(rows) - _LISTED)


def previews(prepared: Prepared, count: int) -> list[str]:
    """Return the first samples token by token, with what is learnt marked."""
    return [preview(sample, prepared.encoder) for sample in prepared.train.samples[:count]]

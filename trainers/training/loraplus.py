"""LoRA+: a higher learning rate for the B matrices (Hayou et al., "LoRA+", 2024), as peft divides the parameters."""

from typing import Any

from peft.optimizers import create_loraplus_optimizer

from trainers.recipe import Recipe


def use_loraplus(trainer: Any, recipe: Recipe) -> None:  # noqa: ANN401 - transformers is untyped
    """Give a trainer the recipe's optimizer with ``loraplus_lr_ratio`` times the learning rate for B; 0: leave it."""
    if not recipe.loraplus_lr_ratio:
        return
    kind, options = trainer.get_optimizer_cls_and_kwargs(trainer.args, trainer.model)
    trainer.optimizer = create_loraplus_optimizer(
        trainer.model,
        kind,
        loraplus_lr_ratio=recipe.loraplus_lr_ratio,
        loraplus_weight_decay=recipe.weight_decay,
        **options,
    )

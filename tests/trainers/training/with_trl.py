"""The same training with trl's own trainer, as an oracle."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.optimizers import create_loraplus_optimizer
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq
from trl import SFTConfig, SFTTrainer

from tests.trainers.training.conftest import Workbench


class PlainTrainer(SFTTrainer):  # type: ignore[misc]  # trl is untyped
    """trl's trainer as it comes, but for the order: samples are taken as they stand."""

    def _get_train_sampler(self, *_: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)


def trained_by_trl(
    bench: Workbench,
    ours: Any,
    order: Sequence[int],
    config: LoraConfig,
    settings: Mapping[str, Any],
    loraplus_lr_ratio: float | None = None,
) -> dict[str, torch.Tensor]:
    """Return the adapter that SFTTrainer makes of samples in an order, from the weights that ``ours`` begins with."""
    tokenizer = AutoTokenizer.from_pretrained(bench.base)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(bench.base, dtype=torch.float32), config)
    begin = dict(ours.model.named_parameters())
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data = begin[name].data.clone()
    optimizer = None
    if loraplus_lr_ratio is not None:
        optimizer = create_loraplus_optimizer(
            model,
            torch.optim.AdamW,
            lr=settings["learning_rate"],
            loraplus_lr_ratio=loraplus_lr_ratio,
            loraplus_weight_decay=settings["weight_decay"],
        )
    theirs = PlainTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(bench.data.parent / "trl"),
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
            optim="adamw_torch",
            gradient_checkpointing=True,
            use_cpu=True,
            bf16=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            **settings,
        ),
        train_dataset=Dataset.from_list(
            [{key: list(value) for key, value in ours._samples[index].items()} for index in order]
        ),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        processing_class=tokenizer,
        optimizers=(optimizer, None),
    )
    theirs.train()
    found: dict[str, torch.Tensor] = get_peft_model_state_dict(theirs.model)
    return found

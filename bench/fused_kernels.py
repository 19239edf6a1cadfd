"""What fused kernels change: loss and gradients with and without them, for each family that gets them.

    python bench/fused_kernels.py [--device cuda|cpu]

Per family a model of two layers with random weights, norms' too, and a LoRA adapter on every linear layer, in float32
and in bfloat16 under autocast, as training holds them. Prints JSON: how far the loss is from that without the kernels
(nats a token), how far the gradient of the adapter is (as a share of its length), and in bfloat16 how far both
gradients are from that of float32 without kernels, which is what the dtype itself costs.
"""

import argparse
import contextlib
import copy
import json
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from trainers.training.fused import FAMILIES, fuse, kernels_of, without_kernels

VOCABULARY, TOKENS = 1_024, 257  # an odd number of rows: no multiple of a kernel's block
SIZES: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 704,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def main() -> None:
    """Print one line for each family and dtype."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    device = parser.parse_args().device
    for family in FAMILIES:
        config = AutoConfig.for_model(family, **SIZES, attn_implementation="eager")
        exact = None
        for dtype in (torch.float32, torch.bfloat16):
            model = adapted(copy.deepcopy(config), dtype, device)
            with without_kernels(model):
                loss, gradient = learnt(model, dtype, device)
            exact = gradient if exact is None else exact
            found: dict[str, Any] = {"family": family, "dtype": str(dtype).removeprefix("torch."), "loss": loss}
            kernels = kernels_of(model)
            if kernels is not None and kernels.why is None:
                fused_loss, fused = learnt(model, dtype, device)
                found |= {"loss_apart": abs(fused_loss - loss), "gradient_apart": apart(fused, gradient)}
                if dtype != torch.float32:
                    found |= {"written_to_float32": apart(gradient, exact), "fused_to_float32": apart(fused, exact)}
            else:
                found["why_not"] = kernels.why if kernels else "none"
            print(json.dumps({key: shown(value) for key, value in found.items()}), flush=True)


def adapted(config: Any, dtype: torch.dtype, device: str) -> Any:
    """Return a model with kernels and an adapter, of the same numbers for every dtype."""
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if "norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    base = base.to(device=device, dtype=dtype)
    fuse(base)
    lora = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model = get_peft_model(base, lora)
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = (torch.randn(parameter.shape) * 0.05).to(device)
    return model.train()


def learnt(model: Any, dtype: torch.dtype, device: str) -> tuple[float, torch.Tensor]:
    """Return the loss of a row of tokens, and the adapter's gradient as one vector in float64."""
    ids = torch.randint(3, VOCABULARY, (1, TOKENS), generator=torch.Generator().manual_seed(2)).to(device)
    cast = torch.autocast(device, dtype=dtype) if dtype != torch.float32 else contextlib.nullcontext()
    model.zero_grad(set_to_none=True)
    with cast:
        logits = model(input_ids=ids, use_cache=False).logits
    loss = torch.nn.functional.cross_entropy(logits[0, :-1].float(), ids[0, 1:])
    torch.autograd.backward(loss)
    parts = [parameter.grad.double().flatten().cpu() for parameter in model.parameters() if parameter.requires_grad]
    return loss.item(), torch.cat(parts)


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the distance of two vectors as a share of the second's length."""
    return float((one - other).norm() / other.norm())


def shown(value: Any) -> Any:
    """Return a number with four digits."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()

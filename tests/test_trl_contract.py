"""Every name of TRL and transformers that we use, with the default or the signature we rely on.

It fails with the name when a new version moves one; read that version's source, then change the code and this table.
"""

from __future__ import annotations

import dataclasses
import inspect

import huggingface_hub.constants
import peft
import pytest
import torch
import transformers
import trl
from peft.tuners.lora import Linear, LoraLayer
from transformers.trainer_pt_utils import get_parameter_names
from trl.trainer import utils as trl_utils
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

SFT_FIELDS = (  # noqa: SIM905
    "output_dir num_train_epochs per_device_train_batch_size learning_rate weight_decay max_grad_norm "
    "train_sampling_strategy seed completion_only_loss max_length packing activation_checkpointing "
    "gradient_checkpointing bf16 use_cpu use_cache dataloader_pin_memory average_tokens_across_devices "
    "logging_strategy logging_steps logging_nan_inf_filter disable_tqdm report_to save_strategy eval_strategy"
).split()
# Not set by us: what we get must be what it was when we read the source.
RELIED_ON = {
    "gradient_accumulation_steps": 1,
    "loss_type": "nll",
    "label_smoothing_factor": 0.0,
    "neftune_noise_alpha": None,
    "dataset_kwargs": None,
    "dataset_num_proc": None,
    "padding_free": False,
    "assistant_only_loss": False,
    "eos_token": None,
    "pad_token": None,
    "chat_template_path": None,
    "push_to_hub": False,
    "remove_unused_columns": True,
    "dataloader_num_workers": 0,
    "dataloader_drop_last": False,
    "full_determinism": False,
}


GRPO_FIELDS = (  # noqa: SIM905
    "output_dir max_steps per_device_train_batch_size gradient_accumulation_steps num_generations num_iterations "
    "max_completion_length temperature top_p top_k loss_type beta epsilon epsilon_high scale_rewards "
    "use_bias_correction_kl mask_truncated_completions reward_weights learning_rate weight_decay max_grad_norm "
    "disable_dropout shuffle_dataset remove_unused_columns "
    "seed bf16 activation_checkpointing use_cpu dataloader_pin_memory average_tokens_across_devices logging_strategy "
    "logging_steps logging_nan_inf_filter disable_tqdm report_to save_strategy eval_strategy"
).split()
GRPO_RELIED_ON = {
    "steps_per_generation": None,
    "generation_batch_size": None,
    "use_vllm": False,
    "importance_sampling_level": "token",
    "delta": None,
    "multi_objective_aggregation": "sum_then_normalize",
    "sync_ref_model": False,
    "top_entropy_quantile": 1.0,
    "off_policy_mask_threshold": None,
    "cast_lm_head_to_fp32": False,
    "log_completions": False,
}


def parameters(function: object) -> set[str]:
    assert callable(function)
    return set(inspect.signature(function).parameters)


def test_versions() -> None:
    assert trl.__version__.startswith("1.16.")
    assert (5, 3) <= tuple(int(part) for part in transformers.__version__.split(".")[:2]) < (6, 0)
    assert tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2]) >= (2, 10)


@pytest.mark.parametrize("name", SFT_FIELDS)
def test_sft_config_has(name: str) -> None:
    assert name in {field.name for field in dataclasses.fields(trl.SFTConfig)}


@pytest.mark.parametrize(("name", "value"), RELIED_ON.items())
def test_sft_config_defaults_to(name: str, value: object) -> None:
    field = next(field for field in dataclasses.fields(trl.SFTConfig) if field.name == name)
    assert field.default == value


def test_sft_trainer_takes_what_we_give() -> None:
    names = {"model", "args", "train_dataset", "processing_class", "callbacks", "optimizers"}
    assert names <= parameters(trl.SFTTrainer.__init__)
    assert callable(trl.SFTTrainer.remove_callback)
    assert callable(trl.SFTTrainer.train)


@pytest.mark.parametrize("name", GRPO_FIELDS)
def test_grpo_config_has(name: str) -> None:
    assert name in {field.name for field in dataclasses.fields(trl.GRPOConfig)}


@pytest.mark.parametrize(("name", "value"), GRPO_RELIED_ON.items())
def test_grpo_config_defaults_to(name: str, value: object) -> None:
    field = next(field for field in dataclasses.fields(trl.GRPOConfig) if field.name == name)
    assert field.default == value


def test_grpo_trainer_is_as_we_override_it() -> None:
    names = {
        "model",
        "reward_funcs",
        "args",
        "train_dataset",
        "processing_class",
        "callbacks",
        "optimizers",
        "rollout_func",
    }
    assert names <= parameters(trl.GRPOTrainer.__init__)
    assert list(inspect.signature(trl.GRPOTrainer._generate_and_score_completions).parameters) == ["self", "inputs"]
    assert list(inspect.signature(trl.GRPOTrainer._compute_loss).parameters) == ["self", "model", "inputs"]
    scored = inspect.getsource(trl.GRPOTrainer._generate_and_score_completions)
    for name in ("advantages", "sampling_per_token_logps", "ref_per_token_logps", "completion_mask"):
        assert f'"{name}"' in scored
    # A prompt comes once for each of its answers, and what rollouts return beside tokens reaches the rewards.
    assert "rollout_func(prompts, self)" in inspect.getsource(trl.GRPOTrainer._generate)
    assert "inp[key] = values[i]" in scored
    # Rows of a batch are shuffled from torch's own generator, which we therefore seed at every step.
    assert "shuffle_sequence_dict" in inspect.getsource(trl.GRPOTrainer._prepare_inputs)


def test_adapters() -> None:
    fields = {field.name for field in dataclasses.fields(peft.LoraConfig)}
    assert {"r", "lora_alpha", "target_modules", "lora_dropout", "bias", "task_type"} <= fields
    for name in ("disable_adapter", "get_base_model", "save_pretrained", "from_pretrained"):
        assert callable(getattr(peft.PeftModel, name))
    assert issubclass(Linear, LoraLayer) and callable(Linear.get_delta_weight)
    # TRL gives the head to the model under the adapter, and asks the adapter away for the reference.
    source = inspect.getsource(trl.GRPOTrainer)
    assert "self.model.get_base_model() if is_peft_model(self.model) else self.model" in source
    assert "use_adapter(model, adapter_name=" in source


def test_the_fused_head_scores_what_the_labels_name() -> None:
    assert {"model", "temperature", "cast_lm_head_to_fp32", "outputs"} <= parameters(trl_utils.add_fused_lm_head)
    scored = inspect.getsource(trl.GRPOTrainer._generate_and_score_completions)
    for name in ("prompt_ids", "prompt_mask", "completion_ids"):
        assert f'"{name}"' in scored
    call = inspect.getsource(trl.GRPOTrainer._get_per_token_logps_and_entropies)
    assert "labels=labels, fused_lm_head=True" in call
    assert "labels[:, :-logits_to_keep] = -100" in call


def test_the_columns_of_the_loss_are_read_at_every_step() -> None:
    assert trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE == 32768
    assert "_CHUNKED_LOGPROB_CHUNK_SIZE" in inspect.getsource(trl_utils.add_fused_lm_head)


def test_the_collator_masks_padding_by_position() -> None:
    batch = DataCollatorForLanguageModeling(pad_token_id=7)(
        [{"input_ids": [7, 2, 7], "labels": [-100, 2, 7]}, {"input_ids": [4], "labels": [4]}]
    )
    assert batch["labels"].tolist() == [[-100, 2, 7], [4, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_callbacks_are_called_with_what_we_read() -> None:
    for name in ("on_train_begin", "on_step_end", "on_log"):
        assert {"args", "state", "control"} <= parameters(getattr(transformers.TrainerCallback, name))
    assert transformers.TrainerState().global_step == 0
    assert transformers.TrainerControl().should_log is False
    assert inspect.isclass(transformers.PrinterCallback)


def test_schedules_and_decay_groups() -> None:
    assert {"name", "optimizer", "num_warmup_steps", "num_training_steps"} <= parameters(transformers.get_scheduler)
    known = {kind.value for kind in transformers.SchedulerType}
    assert {"constant_with_warmup", "linear", "cosine"} <= known
    model = torch.nn.ModuleDict({"norm": torch.nn.Linear(2, 2), "proj": torch.nn.Linear(2, 2)})
    assert get_parameter_names(model, [torch.nn.LayerNorm], ["bias", r"(?:^|\.)norm(?:$|\.)"]) == ["proj.weight"]


def test_tokenizers() -> None:
    kind = transformers.PreTrainedTokenizerBase
    for name in ("apply_chat_template", "encode", "decode", "convert_ids_to_tokens", "save_pretrained"):
        assert callable(getattr(kind, name))
    for name in ("all_special_ids", "added_tokens_decoder"):
        assert isinstance(getattr(kind, name), property)
    assert {"tokenize", "add_generation_prompt"} <= parameters(kind.apply_chat_template)
    fast = transformers.PreTrainedTokenizerFast
    assert "split_special_tokens" in parameters(fast._encode_plus)


def test_models() -> None:
    for name in ("save_pretrained", "get_input_embeddings", "named_parameters"):
        assert callable(getattr(transformers.PreTrainedModel, name))
    assert {"eos_token_id", "pad_token_id"} <= set(transformers.GenerationConfig().to_dict())


def test_telemetry_can_be_switched_off() -> None:
    assert isinstance(huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY, bool)

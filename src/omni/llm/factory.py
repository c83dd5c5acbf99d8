"""Builds the judges that the settings name."""

from __future__ import annotations

from omni.base.errors import Rejected
from omni.base.settings import Settings
from omni.llm.ollama import OllamaJudge
from omni.llm.openai import OpenAIJudge
from omni.llm.pool import Pool
from omni.llm.ports import Judge
from omni.llm.rules import RulesJudge
from omni.llm.types import JUDGES, read_judge

NAMES = JUDGES


def build_pools(settings: Settings) -> tuple[Pool, ...]:
    """Return the judges of `OMNI_JUDGE` and `OMNI_JUDGE_FALLBACK`, in the order of preference.

    Nothing is connected before the first call. There is none where the model is turned off.

    Raises:
        Rejected: A fallback is none of `NAMES`, or stands twice.
    """
    if settings.judge == "off":
        return ()
    wanted = [settings.judge, *_names(settings.judge_fallback)]
    if len(set(wanted)) < len(wanted):
        raise Rejected("a judge stands twice: name each once", field="OMNI_JUDGE_FALLBACK")
    return tuple(Pool(build_judge(settings, name)) for name in wanted)


def build_judge(settings: Settings, name: str) -> Judge:
    """Return one judge, by its name.

    Raises:
        Rejected: There is none of that name, or a setting that it needs is missing.
    """
    if name == "rules":
        return RulesJudge()
    if name == "ollama":
        return OllamaJudge(
            settings.ollama_base_url,
            settings.ollama_model,
            timeout_s=settings.llm_timeout_s,
            max_tokens=settings.llm_max_tokens,
            concurrency=settings.llm_concurrency,
            api=settings.ollama_api,
            keep_alive=settings.ollama_keep_alive,
            images=settings.llm_images,
        )
    if name == "openai":
        if not settings.openai_model:
            raise Rejected("name the model that the server has", field="OMNI_OPENAI_MODEL")
        key = settings.openai_api_key
        return OpenAIJudge(
            settings.openai_base_url,
            settings.openai_model,
            api_key=key.get_secret_value() if key else None,
            timeout_s=settings.llm_timeout_s,
            max_tokens=settings.llm_max_tokens,
            concurrency=settings.llm_concurrency,
            images=settings.llm_images,
        )
    raise Rejected(f"{name!r} is no judge: use {', '.join(NAMES)}", field="OMNI_JUDGE_FALLBACK")


def build_named(settings: Settings, spec: str) -> Judge:
    """Return the judge that is written as `NAME` or `NAME:MODEL`; it is shown no pictures.

    Raises:
        Rejected: There is none, or a setting that it needs is missing.
    """
    name, model = read_judge(spec)
    changes: dict[str, object] = {"llm_images": 0}
    if model:
        changes[f"{name}_model"] = model
    settings = settings.model_copy(update=changes)
    return build_judge(settings, name)


def _names(listed: str) -> list[str]:
    return [name for part in listed.split(",") if (name := part.strip())]

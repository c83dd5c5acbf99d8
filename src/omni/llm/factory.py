"""Builds the judge that the settings name."""

from __future__ import annotations

from omni.base.settings import Settings
from omni.llm.ollama import OllamaJudge
from omni.llm.ports import Judge
from omni.llm.rules import RulesJudge


def build_judge(settings: Settings) -> Judge:
    """Return the judge of `OMNI_JUDGE`; nothing is connected before its first call."""
    if settings.judge == "ollama":
        return OllamaJudge(
            settings.ollama_base_url,
            settings.ollama_model,
            timeout_s=settings.llm_timeout_s,
            max_tokens=settings.llm_max_tokens,
            concurrency=settings.llm_concurrency,
        )
    return RulesJudge()

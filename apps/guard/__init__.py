"""The guard: a generated answer is sent only where every claim in it stands somewhere."""

from apps.guard.check import check
from apps.guard.finding import Entailment, Finding, Kind

__all__ = ["Entailment", "Finding", "Kind", "check"]

"""The admission core: who runs, who waits, who is told when to come back.

This package is pure: no clock, no dice, no I/O, no await. Moments are arguments, answers are
values.
"""

from middleware.admission.core import AdmissionCore
from middleware.admission.decision import (
    AdmissionEvent,
    AdmissionReason,
    Admitted,
    Arrival,
    Bound,
    Class,
    Decision,
    Outcome,
    Place,
    Promise,
    Refused,
    Share,
    Snapshot,
    Standing,
    Turn,
    Verdict,
    Vitals,
    Waiting,
)
from middleware.admission.settings import AdmissionSettings, Rate

__all__ = [
    "AdmissionCore",
    "AdmissionEvent",
    "AdmissionReason",
    "AdmissionSettings",
    "Admitted",
    "Arrival",
    "Bound",
    "Class",
    "Decision",
    "Outcome",
    "Place",
    "Promise",
    "Rate",
    "Refused",
    "Share",
    "Snapshot",
    "Standing",
    "Turn",
    "Verdict",
    "Vitals",
    "Waiting",
]

"""Tables of the governance package."""

from governance.models.dossier_export import DossierExport, DossierFile
from governance.models.notice import Notice, SavedView
from governance.models.policy import Policy, PolicyVersion
from governance.models.promotion import EnvironmentPointer, Promotion
from governance.models.review import Review, SignOff, Stage
from governance.models.token import ApiToken
from governance.models.verdict import GateDecision, Verdict, VerdictPicture

__all__ = [
    "ApiToken",
    "DossierExport",
    "DossierFile",
    "EnvironmentPointer",
    "GateDecision",
    "Notice",
    "Policy",
    "PolicyVersion",
    "Promotion",
    "Review",
    "SavedView",
    "SignOff",
    "Stage",
    "Verdict",
    "VerdictPicture",
]

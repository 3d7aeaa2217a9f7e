"""Tables of the governance package."""

from governance.models.dossier_export import DossierExport, DossierFile
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
    "Policy",
    "PolicyVersion",
    "Promotion",
    "Review",
    "SignOff",
    "Stage",
    "Verdict",
    "VerdictPicture",
]

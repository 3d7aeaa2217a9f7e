"""Tables of the audits package."""

from audits.models.evaluation import Evaluation, MeasurementRow, Trust
from audits.models.job import JobStatus, LeasedJob
from audits.models.what_if import WhatIf

__all__ = ["Evaluation", "JobStatus", "LeasedJob", "MeasurementRow", "Trust", "WhatIf"]

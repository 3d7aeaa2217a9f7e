"""Tables of the audits package."""

from audits.models.evaluation import Evaluation, MeasurementRow, Trust
from audits.models.job import JobStatus, LeasedJob

__all__ = ["Evaluation", "JobStatus", "LeasedJob", "MeasurementRow", "Trust"]

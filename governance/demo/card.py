"""The written sections of the mortgage model's card."""

from __future__ import annotations


def card(*, fair: bool, trained: int, tested: int) -> dict[str, str]:
    """The sections, for a model trained with or without regard to parity, on so many applications."""
    fairness = (
        "Race was used in training only, to weight the examples until approval rates came close (demographic parity, "
        "fairlearn's grid search); it is no input of the model."
        if fair
        else "No measure was taken to even out approval rates; race and sex are no inputs of the model."
    )
    return {
        "intended_use": (
            "Pre-screening of mortgage applications by loan officers of the bank. The score orders the queue; "
            "**an officer decides**, and no application is refused by the score alone."
        ),
        "out_of_scope": "Pricing, marketing, applications from outside the Boston area, and any automatic refusal.",
        "limitations": (
            "- The data are from 1990 and one metropolitan area.\n"
            "- The label is what the bank decided then, not whether the loan was repaid: past bias is in it.\n"
            "- 100 of the applicants held out are black, 57 hispanic: intervals for these groups are wide.\n"
            "- `unver` (information that could not be verified) is the officer's own judgement.\n"
            "- `chist` (no account delinquent) lowers the score a little where the other records of credit are held fixed: the "
            "records overlap, and single ones must not be read as causes."
        ),
        "training_data": (
            f"{trained:,} of the {trained + tested:,} applications of the *loanapp* data (Boston Fed study, 1990), of which the "
            "seed leaves one in ten out. Missing values are filled with medians. "
            f"The other {tested:,}, chosen by the digest of their number, were held out and are what is measured."
        ),
        "ethical_considerations": fairness,
        "oversight": "Applicants can ask for the reasons of a refusal and for a second officer; overrides are logged and reviewed monthly.",
        "owner": "Tony Hoare, Retail Credit",
    }

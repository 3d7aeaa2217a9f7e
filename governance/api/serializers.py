"""Shapes of governance's requests and answers, as the OpenAPI schema shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.signature_record import Meaning

ENVIRONMENT = r"^[a-z][a-z0-9_-]{0,49}$"


class SubmissionSerializer(serializers.Serializer[Any]):
    """A manifest, and the digest of each file that it names."""

    manifest = serializers.CharField(max_length=1_000_000, trim_whitespace=False)
    files = serializers.DictField(child=serializers.CharField(max_length=80))


class EvaluationStateSerializer(serializers.Serializer[Any]):
    """A planned evaluation in one line."""

    kind = serializers.CharField()
    status = serializers.CharField()


class SubmittedSerializer(serializers.Serializer[Any]):
    """What a submission became."""

    model = serializers.CharField()
    version = serializers.CharField()
    sha256 = serializers.CharField()
    url = serializers.CharField()
    created = serializers.BooleanField()
    evaluations = EvaluationStateSerializer(many=True)


class GateSubjectSerializer(serializers.Serializer[Any]):
    """Which version: by name or by digest."""

    model = serializers.CharField(max_length=100)
    version = serializers.CharField(max_length=100, required=False)
    digest = serializers.CharField(max_length=80, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either a version or a digest, or both."""
        if not attrs.get("version") and not attrs.get("digest"):
            raise serializers.ValidationError({"version": "name a version or a digest"})
        return attrs


class GateQuestionSerializer(serializers.Serializer[Any]):
    """The question that a pipeline asks: whether a version may go there."""

    subject = GateSubjectSerializer()
    context = serializers.DictField(required=False, default=dict)  # type: ignore[assignment] # shadows DRF's own


class EvidenceLinkSerializer(serializers.Serializer[Any]):
    """A piece of evidence."""

    sha256 = serializers.CharField()
    url = serializers.CharField()


class RuleResultSerializer(serializers.Serializer[Any]):
    """One rule of the policy, as judged."""

    id = serializers.CharField()
    title = serializers.CharField()
    check = serializers.CharField()
    status = serializers.ChoiceField(["pass", "fail", "inconclusive", "missing", "pending", "excepted", "error"])
    on_inconclusive = serializers.ChoiceField(["block", "review"])
    expected = serializers.CharField()
    observed = serializers.CharField()
    sentence = serializers.CharField()
    n = serializers.IntegerField(allow_null=True)
    fix = serializers.CharField()
    evidence = EvidenceLinkSerializer(many=True)


class PolicyReferenceSerializer(serializers.Serializer[Any]):
    """The policy version that was applied."""

    id = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()


class StageStateSerializer(serializers.Serializer[Any]):
    """A stage of the review."""

    name = serializers.CharField()
    role = serializers.CharField()
    state = serializers.ChoiceField(["signed", "current", "waiting"])
    signed = serializers.IntegerField()
    quorum = serializers.IntegerField()


class GateAnswerSerializer(serializers.Serializer[Any]):
    """The gate's answer. Deny is an answer, not an error."""

    id = serializers.CharField()
    result = serializers.ChoiceField(["allow", "deny", "pending"])
    reason = serializers.CharField()
    waiting_for = serializers.ListField(child=serializers.CharField())
    subject = serializers.DictField()
    environment = serializers.CharField()
    policy = PolicyReferenceSerializer(allow_null=True)
    rules = RuleResultSerializer(many=True)
    stages = StageStateSerializer(many=True)
    review_url = serializers.CharField(allow_null=True)
    version_url = serializers.CharField()
    attestation_url = serializers.CharField(allow_null=True)


class SignSerializer(serializers.Serializer[Any]):
    """One person's answer. The password proves that they are present; it is never kept."""

    meaning = serializers.ChoiceField([meaning.value for meaning in Meaning])
    subject_sha256 = serializers.CharField(max_length=80, help_text="The digest of what was shown to the signer.")
    password = serializers.CharField(max_length=500, trim_whitespace=False, write_only=True)
    acknowledged = serializers.ListField(child=serializers.CharField(max_length=100), required=False, default=list)
    comment = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True)


class SignOffSerializer(serializers.Serializer[Any]):
    """A signature that was recorded."""

    stage = serializers.CharField()
    person = serializers.CharField()
    meaning = serializers.CharField()
    state = serializers.CharField()
    record_sha256 = serializers.CharField()
    subject_sha256 = serializers.CharField()
    signed_at = serializers.DateTimeField()


class ReviewSerializer(serializers.Serializer[Any]):
    """A review with its stages and signatures."""

    id = serializers.CharField()
    model = serializers.CharField()
    version = serializers.CharField()
    environment = serializers.CharField()
    state = serializers.CharField()
    policy = PolicyReferenceSerializer()
    subject_sha256 = serializers.CharField()
    verdict_sha256 = serializers.CharField()
    to_acknowledge = serializers.ListField(child=serializers.CharField())
    stages = StageStateSerializer(many=True)
    sign_offs = SignOffSerializer(many=True)
    url = serializers.CharField()


class PromoteSerializer(serializers.Serializer[Any]):
    """What is to run where."""

    model = serializers.CharField(max_length=100)
    version = serializers.CharField(max_length=100)
    environment = serializers.RegexField(ENVIRONMENT)


class RollbackSerializer(serializers.Serializer[Any]):
    """Where to go back."""

    model = serializers.CharField(max_length=100)
    environment = serializers.RegexField(ENVIRONMENT)


class LedgerReceiptSerializer(serializers.Serializer[Any]):
    """Where in the ledger it stands: keep it, and hold us to it."""

    seq = serializers.IntegerField()
    hash = serializers.CharField()


class PromotionSerializer(serializers.Serializer[Any]):
    """A promotion with its attestation."""

    id = serializers.CharField()
    kind = serializers.CharField()
    model = serializers.CharField()
    version = serializers.CharField()
    environment = serializers.CharField()
    replaced = serializers.CharField(allow_null=True)
    attestation_sha256 = serializers.CharField()
    attestation_url = serializers.CharField()
    ledger = LedgerReceiptSerializer()
    valid_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class PolicyVersionSerializer(serializers.Serializer[Any]):
    """A registered policy version; ``content`` is the YAML, exactly as registered."""

    id = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    environment = serializers.CharField()
    risk_tiers = serializers.ListField(child=serializers.CharField())
    content = serializers.CharField()
    created_at = serializers.DateTimeField()


class DossierRequestSerializer(serializers.Serializer[Any]):
    """For which environment."""

    environment = serializers.RegexField(ENVIRONMENT)


class DossierFileSerializer(serializers.Serializer[Any]):
    """One document."""

    name = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    media_type = serializers.CharField()
    url = serializers.CharField()


class DossierSerializer(serializers.Serializer[Any]):
    """An export and its files."""

    id = serializers.CharField()
    status = serializers.CharField()
    progress = serializers.FloatField()
    progress_note = serializers.CharField()
    error = serializers.CharField(allow_null=True)
    files = DossierFileSerializer(many=True)


class AttestationStatusSerializer(serializers.Serializer[Any]):
    """Whether a promotion still stands: stock verifiers check neither expiry nor revocation."""

    sha256 = serializers.CharField()
    status = serializers.ChoiceField(["current", "superseded", "expired", "non-compliant"])
    environment = serializers.CharField()
    valid_until = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(help_text="Why it would not be let in again; empty otherwise.")


class CardSerializer(serializers.Serializer[Any]):
    """The written sections of a model card, in Markdown."""

    sections = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=50_000, trim_whitespace=False)
    )
    revision = serializers.IntegerField(read_only=True)
    sha256 = serializers.CharField(read_only=True)


class PageSerializer(serializers.Serializer[Any]):
    """One page of a list; ``next`` and ``previous`` are addresses, or null at the ends."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ReviewPageSerializer(PageSerializer):
    """Reviews."""

    results = ReviewSerializer(many=True)


class PolicyPageSerializer(PageSerializer):
    """Policy versions."""

    results = PolicyVersionSerializer(many=True)

"""Addresses of the REST API, below ``/api/v1/``. Every view authenticates by itself, through DRF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.views import APIView

from audits.api import evaluations
from governance.api import (
    bills_of_materials,
    decisions,
    files,
    impact,
    inventory,
    measuring,
    nothing,
    openapi,
    versions,
    what_ifs,
)
from registry.api import (
    artifacts,
    datasets,
    external_registries,
    intakes,
    lineage,
    lineage_imports,
    lineage_queries,
    manifests,
    models,
    risk,
    use_cases,
)


def _view(view: type[APIView], **options: Any) -> Callable[..., Any]:
    """DRF answers 401 itself; Django's redirect to the sign-in page is for browsers."""
    return login_not_required(view.as_view(**options))


# Importing the module registers its schemes with drf-spectacular.
assert openapi

_VERSION = "versions/<str:model>/<str:version>"

urlpatterns: list[URLPattern] = [
    path("schema", _view(SpectacularAPIView), name="api-schema"),
    path("docs", _view(SpectacularSwaggerSplitView, url_name="api-schema"), name="api-docs"),
    path("manifests", _view(manifests.ManifestView), name="api-manifests"),
    path("artifacts/missing", _view(artifacts.MissingArtifactsView), name="api-artifacts-missing"),
    path("artifacts/<str:sha256>", _view(artifacts.ArtifactView), name="api-artifact"),
    path("use-cases", _view(use_cases.UseCaseListView), name="api-use-cases"),
    path("use-cases/<slug:slug>", _view(use_cases.UseCaseView), name="api-use-case"),
    path("use-cases/<slug:slug>/roles", _view(use_cases.UseCaseRolesView), name="api-use-case-roles"),
    path("use-cases/<slug:slug>/risk", _view(risk.RiskView), name="api-risk"),
    path("use-cases/<slug:slug>/risk/override", _view(risk.RiskOverrideView), name="api-risk-override"),
    path("use-cases/<slug:slug>/risk/override/answer", _view(risk.RiskOverrideAnswerView), name="api-risk-answer"),
    path("intakes", _view(intakes.IntakeListView), name="api-intakes"),
    path("intakes/<uuid:intake>", _view(intakes.IntakeView), name="api-intake"),
    path("intakes/<uuid:intake>/submit", _view(intakes.IntakeSubmissionView), name="api-intake-submit"),
    path("scorecard", _view(risk.ScorecardView), name="api-scorecard"),
    path("datasets", _view(datasets.DatasetListView), name="api-datasets"),
    path("datasets/<slug:slug>", _view(datasets.DatasetView), name="api-dataset"),
    path("datasets/<slug:slug>/versions", _view(datasets.DatasetVersionsView), name="api-dataset-versions"),
    path("datasets/<slug:slug>/datasheets", _view(datasets.DatasheetListView), name="api-datasheets"),
    path("datasets/<slug:slug>/datasheets/<int:number>", _view(datasets.DatasheetView), name="api-datasheet"),
    path("datasets/<slug:slug>/withdraw", _view(datasets.WithdrawView), name="api-dataset-withdraw"),
    path("datasets/<slug:slug>/restore", _view(datasets.RestoreView), name="api-dataset-restore"),
    path("datasets/<slug:slug>/addresses", _view(datasets.AddressesView), name="api-dataset-addresses"),
    path("datasets/<slug:slug>/croissant", _view(datasets.DatasetCroissantView), name="api-dataset-croissant"),
    path("croissant", _view(datasets.CroissantView), name="api-croissant"),
    path("datasets/<slug:slug>/dependents", _view(impact.DependentsView), name="api-dataset-dependents"),
    path("lineage/imports", _view(lineage_imports.LineageImportsView), name="api-lineage-imports"),
    path("lineage", _view(lineage.LineageView), name="api-lineage"),
    path("lineage/batch", _view(lineage.LineageBatchView), name="api-lineage-batch"),
    path("lineage/upstream", _view(lineage_queries.UpstreamView), name="api-lineage-upstream"),
    path("lineage/downstream", _view(lineage_queries.DownstreamView), name="api-lineage-downstream"),
    path("models", _view(models.ModelListView), name="api-models"),
    path("models/<str:model>", _view(models.ModelView), name="api-model"),
    path("models/<str:model>/deployments", _view(inventory.DeploymentsView), name="api-deployments"),
    path("deployments/<int:deployment>/end", _view(inventory.EndDeploymentView), name="api-deployment-end"),
    path("registries", _view(external_registries.RegistryListView), name="api-registries"),
    path("registries/<slug:name>", _view(external_registries.RegistryView), name="api-registry"),
    path("registries/<slug:name>/poll", _view(external_registries.RegistryPollView), name="api-registry-poll"),
    path(
        "registries/<slug:name>/versions",
        _view(external_registries.ExternalVersionListView),
        name="api-registry-versions",
    ),
    path("registries/<slug:name>/imports", _view(external_registries.RegistryImportsView), name="api-registry-imports"),
    path("registries/<slug:name>/links", _view(external_registries.RegistryLinksView), name="api-registry-links"),
    path("versions", _view(versions.VersionsView), name="api-versions"),
    path(_VERSION, _view(versions.VersionView), name="api-version"),
    path(f"{_VERSION}/card", _view(versions.CardView), name="api-card"),
    path(f"{_VERSION}/components", _view(inventory.ComponentsView), name="api-components"),
    path(f"{_VERSION}/what-ifs", _view(what_ifs.WhatIfsView), name="api-what-ifs"),
    path(f"{_VERSION}/what-ifs/<uuid:what_if>", _view(what_ifs.WhatIfView), name="api-what-if"),
    path(f"{_VERSION}/evaluations", _view(evaluations.VersionEvaluationsView), name="api-version-evaluations"),
    path(f"{_VERSION}/ml-bom", _view(bills_of_materials.BillOfMaterialsView), name="api-ml-bom"),
    path(f"{_VERSION}/dossier", _view(versions.VersionDossierView), name="api-version-dossier"),
    path("evaluations/<uuid:evaluation>", _view(evaluations.EvaluationView), name="api-evaluation"),
    path("evidence/<str:sha256>", _view(evaluations.EvidenceView), name="api-evidence"),
    path("evaluations/<uuid:evaluation>/repeat", _view(measuring.RepeatEvaluationView), name="api-evaluation-repeat"),
    path("evaluations/<uuid:evaluation>/cancel", _view(measuring.CancelEvaluationView), name="api-evaluation-cancel"),
    path("gates/<slug:environment>/decisions", _view(decisions.GateDecisionsView), name="api-gate"),
    path("decisions/<uuid:decision>", _view(decisions.GateDecisionView), name="api-decision"),
    path("reviews", _view(decisions.ReviewListView), name="api-reviews"),
    path("reviews/<uuid:review>", _view(decisions.ReviewView), name="api-review"),
    path("reviews/<uuid:review>/sign-offs", _view(decisions.SignOffsView), name="api-sign-offs"),
    path("reviews/<uuid:review>/adopt-policy", _view(decisions.AdoptPolicyView), name="api-adopt-policy"),
    path("promotions", _view(decisions.PromotionsView), name="api-promotions"),
    path("rollbacks", _view(decisions.RollbacksView), name="api-rollbacks"),
    path("policies", _view(decisions.PoliciesView), name="api-policies"),
    path("policies/<slug:name>/<int:number>", _view(decisions.PolicyVersionView), name="api-policy"),
    path("dossiers/<uuid:export>", _view(versions.DossierView), name="api-dossier"),
    path("dossiers/<uuid:export>/files/<str:name>", _view(files.DossierFileView), name="api-dossier-file"),
    path("attestations/<str:sha256>", _view(files.AttestationView), name="api-attestation"),
    path("attestations/<str:sha256>/status", _view(files.AttestationStatusView), name="api-attestation-status"),
    path("ledger", _view(files.LedgerView), name="api-ledger"),
    path("ledger/checkpoint", _view(files.CheckpointView), name="api-ledger-checkpoint"),
    path("keys/verification.pem", _view(files.VerificationKeyView), name="api-verification-key"),
    path("<path:rest>", _view(nothing.NothingView)),
]

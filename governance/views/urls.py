"""Addresses of the pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, path

from governance.views import (
    account,
    deployments,
    documents,
    inbox,
    inventory,
    ledger,
    lineage,
    models,
    policies,
    registries,
    reviews,
    versions,
)
from governance.views.page import View, page

_VERSION = "models/<str:model>/versions/<str:version>"


def _page(route: str, view: View, name: str) -> URLPattern:
    return path(route, page(view), name=name)


urlpatterns: list[URLPattern] = [
    _page("", inbox.inbox, "inbox"),
    _page("notices", inbox.notices, "notices"),
    _page("notices/read", inbox.read_notices, "read-notices"),
    path("sign-in", account.SignIn.as_view(), name="login"),
    path("sign-out", LogoutView.as_view(), name="logout"),
    _page("models", inventory.inventory, "models"),
    _page("inventory/export.csv", inventory.export_csv, "export-csv"),
    _page("inventory/export.xlsx", inventory.export_xlsx, "export-xlsx"),
    _page("inventory/views", inventory.keep_view, "keep-view"),
    _page("inventory/views/<int:view>", inventory.saved_view, "saved-view"),
    _page("models/<str:model>", models.model, "model"),
    _page("models/<str:model>/rollback", models.rollback, "rollback"),
    _page("models/<str:model>/deployments/new", deployments.record, "record-deployment"),
    _page("models/<str:model>/deployments/<int:deployment>/end", deployments.end, "end-deployment"),
    _page("connect-registry", registries.add, "add-registry"),
    _page("registries", registries.registries, "registries"),
    _page("registries/<slug:name>", registries.registry, "registry"),
    _page("registries/<slug:name>/import", registries.import_file, "import-registry"),
    _page("registries/<slug:name>/models/<int:version>", registries.external_model, "external-model"),
    _page("registries/<slug:name>/models/<int:version>/link", registries.link, "link-external"),
    _page("use-cases/<slug:slug>", models.use_case, "use-case"),
    _page(_VERSION, versions.version, "version"),
    _page(f"{_VERSION}/progress", versions.progress, "version-progress"),
    _page(f"{_VERSION}/promote", versions.promote, "promote"),
    _page(f"{_VERSION}/evaluations/<uuid:evaluation>/repeat", versions.repeat, "repeat"),
    _page(f"{_VERSION}/evaluations/<uuid:evaluation>/cancel", versions.cancel, "cancel"),
    _page(f"{_VERSION}/card", documents.card, "card"),
    _page(f"{_VERSION}/dossier", documents.dossier, "dossier"),
    _page(f"{_VERSION}/dossier/progress", documents.dossier_progress, "dossier-progress"),
    _page("reviews/<uuid:review>", reviews.review, "review"),
    _page("reviews/<uuid:review>/sign", reviews.sign, "sign"),
    _page("reviews/<uuid:review>/adopt-policy", reviews.adopt_policy, "adopt-policy"),
    _page("reviews/<uuid:review>/renew", reviews.renew, "renew-review"),
    _page("policies", policies.policies, "policies"),
    _page("policies/new", policies.register, "register-policy"),
    _page("policies/<slug:name>/<int:number>", policies.policy, "policy"),
    _page("ledger", ledger.ledger, "ledger"),
    _page("ledger/verify", ledger.verify, "verify-ledger"),
    _page("ledger/<int:seq>", ledger.entry, "ledger-entry"),
    _page("lineage", lineage.lineage, "lineage"),
    _page("lineage/place/<int:place>", lineage.place, "lineage-place"),
    _page("lineage/column/<int:column>", lineage.column, "lineage-column"),
    _page(f"{_VERSION}/lineage", lineage.version, "version-lineage"),
    _page("account", account.account, "account"),
    _page("account/tokens", account.create_token, "create-token"),
    _page("account/tokens/<int:token>/revoke", account.end_token, "end-token"),
    _page("account/password", account.new_password, "new-password"),
]

"""Every page by day, by night and on a phone: nothing that axe-core objects to, nothing wider than the screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from registry.datasheet import TEXTS
from tests.registry.intake_cases import OVERDRAFT, QUIET
from tests.scenario import POLICY, predictions_csv

BROKEN = b"approve,predicted,score,race\n1,1,0.9,a\n0,0,1.7,b\n1,0,0.2,a\n"


@pytest.fixture
def pages(world, monkeypatch):
    """``[(person, address)]`` of every page, in a world where everything occurs."""
    from governance.services.dossier_exports import request_dossier
    from governance.services.policies import register_policy
    from governance.services.tokens import issue_token
    from tests.scenario import run_tasks

    first = world.submit("1")
    world.approve(first)
    world.promote(first)
    review = world.assess(first).review
    text = POLICY.replace(b"version: 1", b"version: 2").replace(
        b"at_least: 0.80, confidence: 0.95", b"at_least: 0.80, confidence: 0.95, on_inconclusive: review"
    )
    register_policy(actor=world.edsger, content=text)
    undecided = world.submit("2", predictions=predictions_csv(ratio=0.82))
    world.submit("3", predictions=BROKEN)
    request_dossier(actor=world.grace, version=undecided, environment="production")
    run_tasks()
    world.submit("4", measured=False)
    issue_token(actor=world.grace, person=world.grace, issued_by=world.grace, name="ci", scopes=["read"], days=9)
    world.sign(world.tony, undecided, acknowledged=["impact-ratio"])
    now = world.assess(undecided).review
    unfinished, finished = _use_cases(world)
    inventory = _inventory(world, first)
    held = _datasets(world)
    at = "/models/mortgage-approval/versions"
    return {
        None: ["/sign-in"],
        world.grace: [
            "/", "/?box=fix", "/models", "/models?q=nothing", "/models/mortgage-approval",
            "/use-cases/mortgage-underwriting", f"{at}/1", f"{at}/2", f"{at}/3", f"{at}/4", f"/reviews/{review.pk}",
            f"/reviews/{now.pk}", f"/reviews/{now.pk}/sign?meaning=approve&subject_sha256={now.subject_sha256}",
            f"/reviews/{now.pk}/sign?meaning=reject&subject_sha256={now.subject_sha256}", "/policies",
            "/policies/consumer-credit/2", "/ledger", "/account", "/lineage", f"{at}/1/lineage",
            f"{at}/1/comparison", f"{at}/2/comparison", f"{at}/3/comparison", f"{at}/4/comparison",
        ],
        world.edsger: [
            "/policies/new?policy=consumer-credit", "/ledger/3", "/models/mortgage-approval/rollback?environment=production",
            f"{at}/1/promote", "/use-cases", f"/intakes/{unfinished.pk}", f"/intakes/{unfinished.pk}/submit",
            f"/intakes/{unfinished.pk}/discard", f"/intakes/{finished.pk}/submit", "/use-cases/overdraft-limits",
            "/use-cases/overdraft-limits/risk", "/use-cases/overdraft-limits/risk/1", *inventory,
        ],
        world.ada: [f"{at}/2/card", f"{at}/1/explanation", *_explained(world, monkeypatch)],
        world.tony: [
            "/data", "/data?q=nothing", "/data/hmda", "/data/hmda/edit", "/data/hmda/datasheets/2", "/data/hmda/withdraw",
            "/data/hmda/settings", f"/data/hmda/classes/{held.pk}/end", "/data/hmda-boston", "/data/clicks",
            "/data/hmda-boston/impact", "/data/hmda-boston/impact?column=income", "/data/hmda-boston/records",
            "/data/clicks/impact", "/data/clicks/records",
            "/data/clicks/restore", "/register-dataset",
        ],
    }  # fmt: skip


def _explained(world, monkeypatch):
    """A version that was asked about a row and a changed one, and its pages."""
    from audits.services.what_ifs import ask_what_if
    from tests.audits.what_if_cases import ROW, run_instead_of_the_sandbox, submit_with_test_data
    from tests.scenario import run_tasks

    run_instead_of_the_sandbox(monkeypatch)
    version = submit_with_test_data(world, version="8")
    asked = ask_what_if(actor=world.ada, version=version, row=ROW, change={"income": 55, "race": "a" * 60})
    run_tasks()
    ask_what_if(actor=world.ada, version=version, row=ROW)
    at = "/models/mortgage-approval/versions/8"
    return [f"{at}/explanation", f"{at}/what-ifs/{asked.pk}", f"{at}/what-ifs/{asked.pk}/delete"]


def _inventory(world, version):
    """A composite, deployments that were promoted and were not, another registry with a linked model, a kept view; their pages."""
    from governance.services.saved_views import save_view
    from registry.ledger import SYSTEM
    from registry.services.deployments import record_deployment
    from registry.services.external_imports import import_csv
    from registry.services.external_registries import add_registry, link_model
    from registry.services.people import grant_duty

    grant_duty(actor=SYSTEM, person=world.edsger, permission="registry.add_external_registry")
    parts = "components: [{model: mortgage-approval, version: '1'}, {model: unheard-of, version: '9'}]\n"
    whole = world.submit("7", model="affordability", measured=False, extra=parts)
    told = {"environment": "production", "kind": "service", "location": "https://score.bank.example/v1", "region": "EU"}
    deployment = record_deployment(actor=world.ada, version=version, **told)
    record_deployment(actor=world.ada, version=whole, **told)
    sheet = add_registry(actor=world.edsger, name="sheet", kind="csv")
    import_csv(actor=world.edsger, registry=sheet, data=b"model,version,owner,tag:team\nchurn,1,Tony,risk\n")
    link_model(actor=world.edsger, registry=sheet, model_name="churn", model=whole.model)
    view = save_view(actor=world.edsger, page="models", name="Europe", query="region=EU")
    at = "/models/mortgage-approval/deployments"
    return [
        "/models", "/models?region=EU", "/models?source=elsewhere&sort=-newest", "/models/affordability",
        "/models/affordability/versions/7", f"{at}/new", f"{at}/{deployment.pk}/end", "/registries", "/registries/sheet",
        f"/registries/sheet/models/{sheet.versions.get().pk}", "/registries/sheet/import", "/connect-registry",
        f"/inventory/views/{view.pk}",
    ]  # fmt: skip


def _use_cases(world):
    """An intake with answers missing and wrong, a finished one, and a use case whose tier somebody wants to lower."""
    from registry.ledger import SYSTEM
    from registry.roles import Role
    from registry.services.intake import start_intake, submit_intake
    from registry.services.people import assign_role
    from registry.services.risk import assess_use_case

    submitted = start_intake(actor=world.ada, answers=OVERDRAFT)
    use_case = submit_intake(actor=world.edsger, intake=submitted.pk, revision=0)
    assign_role(actor=SYSTEM, person=world.edsger, role=Role.COMPLIANCE_OFFICER, on=use_case)
    assess_use_case(actor=world.tony, use_case=use_case, answers=QUIET)
    wrong = {"name": "Card fraud", "regions": "Europe", "risk": {"people": "many"}}
    finished = start_intake(actor=world.ada, answers={**OVERDRAFT, "slug": "cards"})
    return start_intake(actor=world.edsger, answers=wrong), finished


def _datasets(world):
    """One with all that a datasheet can say, and one that is withdrawn; a classification of the first."""
    from registry.models import LineageColumn
    from registry.services.classifications import classify_column
    from registry.services.dataset_addresses import add_address
    from registry.services.dataset_standing import withdraw_dataset
    from registry.services.datasets import register_dataset, register_dataset_version
    from registry.services.datasheets import revise_datasheet

    dataset = register_dataset(
        actor=world.tony, slug="hmda", name="HMDA Boston", source="Federal Reserve Bank of Boston"
    )
    revise_datasheet(actor=world.tony, dataset=dataset, sheet={"description": "Applications."}, base=0)
    sheet = {
        **{key: f"{title}. {hint}" for key, title, hint in TEXTS},
        "licence": {"name": "Public domain", "url": "https://fed.example/licence", "until": "2090-06-30"},
        "purposes": ["mortgage-underwriting"],
        "prohibited": [{"purpose": "*", "columns": ["race"], "reason": "Equal Credit Opportunity Act"}],
        "columns": {
            "applicant_email_address": {"type": "character varying(320)", "description": "As typed"},
            "race": {},
        },
    }
    revise_datasheet(actor=world.tony, dataset=dataset, sheet=sheet, base=1)
    register_dataset_version(
        actor=world.tony,
        dataset=dataset,
        label="1990",
        sha256="a" * 64,
        rows=2380,
        columns=[{"name": "race"}, {"name": "x" * 60}],
    )
    add_address(
        actor=world.tony,
        dataset=dataset,
        namespace="postgres://warehouse.example:5432",
        name="prod.public.hmda_boston_1990",
    )
    clicks = register_dataset(actor=world.tony, slug="clicks", name="Clicks", source="Our site")
    withdraw_dataset(actor=world.tony, dataset=clicks, reason="Consent was not asked for.")
    column = LineageColumn.objects.get(place__dataset=dataset, name="race")
    return classify_column(actor=world.tony, column=column, label="special-category", detail="ethnic origin")


def test_axe_would_object(chromium):
    page = chromium.new_page()
    page.set_content("<html lang=en><title>t</title><main><h1>t</h1><img src=x><p style='color:#aaa'>pale</p></main>")
    ids = {found.split(":")[0] for found in violations(page)}
    page.close()
    assert ids == {"image-alt", "color-contrast"}


COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


def violations(page, only=None) -> list[str]:
    options = {"resultTypes": ["violations"], **({"runOnly": only} if only else {})}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"]]


LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


def test_every_page_is_accessible_and_fits(visit, pages):
    """All looks in one test: to make a world with something on every page takes as long as to look at it."""
    faults = {}
    for look, options in LOOKS.items():
        for person, addresses in pages.items():
            page = visit(person, **options)
            for address in addresses:
                if found := faults_of(page, address, look):
                    faults[look, address] = found
            page.context.close()
    assert faults == {}


def faults_of(page, address, look) -> list[str]:
    """By night only colours differ from those by day, and on a phone only the width: all else is asked once."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [] if look == "phone" else violations(page, COLOURS if look == "dark" else None)
    return found + ([f"{wide} px too wide"] if wide > 0 else [])

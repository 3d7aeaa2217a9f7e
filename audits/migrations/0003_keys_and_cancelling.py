"""Evaluations get a key and the roles of their data, can be cancelled, and can be replaced once they are too old."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def _name_by_kind(apps, schema_editor):
    """What there was before read the test predictions, and was the only one of its kind."""
    evaluations = apps.get_model("audits", "Evaluation").objects
    evaluations.update(key=F("kind"), roles=["test-predictions"])
    evaluations.filter(kind="comparison").update(roles=["test-predictions", "champion/test-predictions"])


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0002_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="evaluation", name="one_live_evaluation_per_question"),
        migrations.AddField(
            model_name="evaluation",
            name="key",
            field=models.CharField(
                default="", help_text="The kind and, where they are not the usual ones, its data.", max_length=200
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="evaluation",
            name="roles",
            field=models.JSONField(default=list, help_text="Roles of the data that it reads, in order."),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="cancelled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="replaced",
            field=models.BooleanField(default=False, help_text="Too old for policy, and asked again."),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="inputs",
            field=models.JSONField(
                default=list,
                help_text="[{path, sha256}] of the files it reads, [{path, url, role}] of tables elsewhere.",
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="status",
            field=models.CharField(
                choices=[
                    ("queued", "queued"),
                    ("running", "running"),
                    ("succeeded", "succeeded"),
                    ("error", "error"),
                    ("cancelled", "cancelled"),
                ],
                default="queued",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["error", "cancelled"]), _negated=True), ("replaced", False)
                ),
                fields=("version", "question", "code_version"),
                name="one_answer_per_question",
            ),
        ),
        migrations.RunPython(_name_by_kind, migrations.RunPython.noop, elidable=True),
    ]

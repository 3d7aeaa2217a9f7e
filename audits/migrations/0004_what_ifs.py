"""What-ifs: questions to a model about one row, which expire."""

from __future__ import annotations

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audits", "0003_keys_and_cancelling"),
        ("registry", "0005_lineage_of_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WhatIf",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
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
                ("progress", models.FloatField(default=0.0, help_text="Share done, 0 to 1.")),
                ("progress_note", models.CharField(blank=True, max_length=200)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.JSONField(blank=True, help_text="{message, file, column, row}", null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "row",
                    models.JSONField(
                        default=dict, help_text="Feature to value; empty where a row of the test data is named."
                    ),
                ),
                ("key", models.JSONField(default=dict, help_text="Key column to value of a row of the test data.")),
                (
                    "change",
                    models.JSONField(default=dict, help_text="Feature to value that is different in the changed row."),
                ),
                (
                    "options",
                    models.JSONField(default=dict, help_text="{counterfactual, background, background_rows, seed}"),
                ),
                ("result", models.JSONField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="what_ifs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="what_ifs", to="registry.modelversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "default_permissions": (),
            },
        ),
    ]

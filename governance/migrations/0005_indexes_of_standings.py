"""Indexes that tell where versions stand without reading the verdicts and subjects themselves."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_notices_and_compliance")]

    operations = [
        migrations.AddIndex(
            model_name="verdict",
            index=models.Index(fields=["version", "environment", "id", "outcome"], name="verdict_standing"),
        ),
        migrations.RemoveIndex(model_name="verdict", name="governance__version_f11ce3_idx"),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["version", "environment", "state"], name="review_standing"),
        ),
    ]

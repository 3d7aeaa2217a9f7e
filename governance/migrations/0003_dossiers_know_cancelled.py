"""The list of states that jobs share has a new one; nothing changes in the database."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_initial")]

    operations = [
        migrations.AlterField(
            model_name="dossierexport",
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
    ]

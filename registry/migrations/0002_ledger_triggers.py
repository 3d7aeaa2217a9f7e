"""Make the ledger append-only in the database itself."""

from django.db import migrations


def install(apps, schema_editor):
    from registry import ledger_triggers

    ledger_triggers.install(schema_editor)


def remove(apps, schema_editor):
    from registry import ledger_triggers

    ledger_triggers.remove(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]

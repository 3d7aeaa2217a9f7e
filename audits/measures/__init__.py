"""The measures, a package or module per noun: functions of counts and sums. Pure of Django."""

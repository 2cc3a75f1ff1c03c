"""Parses OpenMetrics from standard input as strictly as the specification is, and counts what it has."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
samples = [sample for family in families for sample in family.samples]
exemplars = [sample for sample in samples if sample.exemplar is not None]
print(len(families), len(samples), len(exemplars))

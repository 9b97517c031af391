"""Sends metrics to Application Insights by OpenTelemetry. The exporter is imported at the first measurement.

Measurements are sent at once: an instance of the app may be frozen or stopped before a timer fires. The exporter reads
its identity from APPLICATIONINSIGHTS_AUTHENTICATION_STRING, as the host does.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.reporting.metrics import METRICS, Measurement

if TYPE_CHECKING:
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter
    from opentelemetry.metrics import Meter

log = logging.getLogger("dr.metrics")

_CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_SECONDS = 10
# Telemetry of the exporter about itself, and its remote configuration: calls to addresses outside the configuration.
_SWITCHED_OFF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
)


class Metrics:
    """The metrics exporter of a process."""

    def __init__(self) -> None:
        self._exporter: AzureMonitorMetricExporter | None = None
        self._one_at_a_time = threading.Lock()

    async def send(self, measurements: Iterable[Measurement]) -> None:
        """Sends the measurements; no-op without a connection string. A failure is logged, and its measurements are
        dropped."""
        taken = list(measurements)
        if not taken or not os.environ.get(_CONNECTION):
            return
        try:
            await asyncio.to_thread(self._send, taken)
        except Exception as fault:
            log.warning("%d measurements were not sent: %s", len(taken), fault)

    def _send(self, measurements: list[Measurement]) -> None:
        """Uses a new meter provider each time: a shared one would repeat the gauges of the previous sweep."""
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
        from opentelemetry.sdk.resources import Resource

        with self._one_at_a_time:
            reader = InMemoryMetricReader()
            # The role under which the host's own telemetry goes in Azure.
            role = Resource.create({"service.name": os.environ.get("WEBSITE_SITE_NAME", "local")})
            _record(MeterProvider([reader], role, shutdown_on_exit=False).get_meter("dr"), measurements)
            data = reader.get_metrics_data()
            if data and self._ready().export(data) is not MetricExportResult.SUCCESS:
                log.warning("%d measurements were not sent", len(measurements))

    def _ready(self) -> "AzureMonitorMetricExporter":
        """The exporter, created at the first call. Raises ValueError for an invalid connection string."""
        if self._exporter is None:
            for name in _SWITCHED_OFF:
                os.environ.setdefault(name, "true")
            from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter

            self._exporter = AzureMonitorMetricExporter(
                disable_offline_storage=True, retry_total=1, timeout=_SECONDS, read_timeout=_SECONDS
            )
        return self._exporter

    def close(self) -> None:
        """Closes connections: for tests."""
        if self._exporter is not None:
            self._exporter.client.close()
            self._exporter = None


def _record(meter: "Meter", measurements: list[Measurement]) -> None:
    for measurement in measurements:
        metric = METRICS[measurement.metric]
        about = (measurement.metric, metric.unit, metric.means)
        if metric.kind == "gauge":
            meter.create_gauge(*about).set(measurement.value, measurement.attributes)
        elif metric.kind == "counter":
            meter.create_counter(*about).add(measurement.value, measurement.attributes)
        else:
            meter.create_histogram(*about).record(measurement.value, measurement.attributes)

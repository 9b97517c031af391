"""A strict local Azure Resource Manager: real Azure clients talk to it over HTTPS as if it were Azure."""

from local.simulator.server import Simulator

__all__ = ["Simulator"]

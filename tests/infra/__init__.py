"""The checks of infra/: what a Bicep compiler and Azure would refuse, as far as it can be reported without either."""

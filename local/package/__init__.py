"""Builds the deployment package as Azure's remote build does, and checks that it is complete, minimal and works."""

"""What is deployed, made as Azure's remote build makes it, and proved: complete, nothing beside it, and it works."""

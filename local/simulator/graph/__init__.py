"""Azure Resource Graph: a subset of Kusto, interpreted over what exists."""

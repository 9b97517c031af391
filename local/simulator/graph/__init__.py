"""Azure Resource Graph: a subset of Kusto, interpreted over the resources of the world."""

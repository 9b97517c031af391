"""The resource providers around Site Recovery: as much of each as protecting a VM touches."""

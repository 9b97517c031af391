"""The resource providers around Site Recovery: the part of each that protecting a VM uses."""

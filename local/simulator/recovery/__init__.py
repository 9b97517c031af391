"""Site Recovery, Azure to Azure: the part of Microsoft.RecoveryServices that replicates VMs."""

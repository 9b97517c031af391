"""What the app knows about VMs, their protection and its own rules. Plain and typed; nothing here talks to Azure."""

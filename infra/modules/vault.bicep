// A Recovery Services vault in the target region.
param name string
param location string
param tags object
param immutability string
param isLocked bool
param workspaceId string

resource vault 'Microsoft.RecoveryServices/vaults@2025-02-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'RS0'
    tier: 'Standard'
  }
  // Site Recovery writes to cache accounts without keys as this identity.
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publicNetworkAccess: 'Enabled'
    securitySettings: {
      immutabilitySettings: {
        state: immutability
      }
      softDeleteSettings: {
        softDeleteState: 'Enabled'
        softDeleteRetentionPeriodInDays: 14
      }
    }
    monitoringSettings: {
      azureMonitorAlertSettings: {
        alertsForAllJobFailures: 'Enabled'
        alertsForAllReplicationIssues: 'Enabled'
        alertsForAllFailoverIssues: 'Enabled'
      }
      classicAlertSettings: {
        alertsForCriticalOperations: 'Disabled'
        emailNotificationsForSiteRecovery: 'Disabled'
      }
    }
  }
}

// Of Site Recovery's categories these have tables of their own; the events have not, and are lost in that mode.
resource records 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'site-recovery'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      for category in ['AzureSiteRecoveryJobs', 'ASRReplicatedItems']: {
        category: category
        enabled: true
      }
    ]
  }
}

resource events 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'events'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AzureSiteRecoveryEvents'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (isLocked) {
  name: 'keep'
  scope: vault
  properties: {
    level: 'CanNotDelete'
    notes: 'Without this vault nothing can be failed over.'
  }
}

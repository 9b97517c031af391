// The identity of the automation account that updates the mobility agents. It has to have one.
param name string

resource account 'Microsoft.Automation/automationAccounts@2024-10-23' existing = {
  name: name
}

output principalId string = account.identity.principalId

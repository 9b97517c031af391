// The custom roles in one subscription, and nothing else: for whoever owns role definitions there, where the deployment
// itself may not write them (defineRoles=false).
targetScope = 'subscription'

@description('The name of the environment, as in main.bicep.')
param environmentName string

module definitions 'modules/role.bicep' = [
  for role in items(loadJsonContent('permissions.json')): {
    name: 'role-${role.key}'
    params: {
      environmentName: environmentName
      role: role.value
    }
  }
]

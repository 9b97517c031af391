// One custom role, as permissions.json describes it.
targetScope = 'subscription'

import { roleName } from 'role-list.bicep'

param environmentName string

@description('name, description and actions: an object of actions with the reason for each.')
param role object

var scope = subscription().id
var actions = [for action in items(role.actions): action.key]

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: roleName(subscription().subscriptionId, environmentName, role.name)
  properties: {
    // A role's name is unique in a tenant, and each subscription has roles of its own.
    roleName: '${role.name} (${environmentName}, ${subscription().subscriptionId})'
    description: role.description
    type: 'CustomRole'
    permissions: [
      {
        actions: actions
        notActions: []
      }
    ]
    assignableScopes: [scope]
  }
}

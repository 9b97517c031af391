// Who holds which role on what: the one list of it. What is assigned here, and what is written for a platform team that
// assigns it (assignRoles=false), are made from it.

import { scopeId } from 'lists.bicep'

@export()
@description('Azure\'s own roles that are used.')
var builtIn = {
  Contributor: 'b24988ac-6180-42a0-ab88-20f7382dd24c'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
  'EventGrid Data Sender': 'd5a91429-5739-47e2-a06b-3470a27159e7'
  'Role Based Access Control Administrator': 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  'Durable Task Data Contributor': '0ad04412-c4d5-4796-b79c-f76d14c8d402'
}

@export()
@description('On the app\'s own storage account. Durable Functions needs tables as well as blobs and queues; the host takes leases.')
var storageRoles = ['Storage Blob Data Owner', 'Storage Queue Data Contributor', 'Storage Table Data Contributor']

@export()
@description('The ID of a role definition.')
func definitionId(subscriptionId string, name string) string =>
  '/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${name}'

@export()
@description('The name of a custom role\'s definition.')
func roleName(subscriptionId string, environmentName string, name string) string =>
  guid('/subscriptions/${subscriptionId}', environmentName, name)

@export()
@description('The ID of a custom role, which each subscription has for itself.')
func roleId(subscriptionId string, environmentName string, name string) string =>
  definitionId(subscriptionId, roleName(subscriptionId, environmentName, name))

@export()
@description('One assignment. `holder` is app, vault or automation: whose identity it is.')
func held(holder string, role string, roleDefinitionId string, scope string, group string) object => {
  holder: holder
  role: role
  roleDefinitionId: roleDefinitionId
  scope: scope
  group: group
}

@export()
@description('One of Azure\'s own roles on a resource or a resource group.')
func heldBuiltIn(holder string, role string, subscriptionId string, scope string, group string) object =>
  held(holder, role, definitionId(subscriptionId, builtIn[role]), scope, group)

func onGroups(subscriptionId string, environmentName string, role object, groups array) array =>
  map(
    groups,
    group =>
      held('app', role.name, roleId(subscriptionId, environmentName, role.name), scopeId(subscriptionId, group), group)
  )

@export()
@description('All of one subscription: on it (no group), on resource groups in it and on storage accounts. `about` has lists of groups, one without a name for the whole subscription.')
func rolesIn(subscriptionId string, environmentName string, roles object, about object) array =>
  flatten([
    flatten(map(
      items({
        estateReader: ['']
        sourceTagger: about.sourceGroups
        targetWriter: about.targetGroups
        targetCleaner: about.cleanup ? about.targetGroups : []
        drillReader: about.drills ? about.targetGroups : []
        drillNetworkWriter: about.drills ? about.targetGroups : []
        // Of a group that is named the deployment makes it, and it stays.
        groupCreator: filter(about.targetGroups, group => empty(group))
        groupCleaner: filter(about.targetGroups, group => about.cleanup && empty(group))
        cacheUser: about.cacheGroups
        cacheCreator: about.cacheGroups
        cacheCleaner: about.cleanup ? about.cacheGroups : []
      }),
      each => onGroups(subscriptionId, environmentName, roles[each.key], each.value)
    ))
    map(
      about.cacheAccounts,
      account =>
        held(
          'app',
          roles.cacheUser.name,
          roleId(subscriptionId, environmentName, roles.cacheUser.name),
          account,
          split(account, '/')[4]
        )
    )
    // Cache accounts are created at run time, and Site Recovery must reach them at once: so its roles are on the groups.
    // On standard accounts it asks for the first two, on premium ones for the data's owner too.
    flatten(map(
      about.vaultHasIdentity ? about.cacheGroups : [],
      group =>
        map(
          concat(['Contributor', 'Storage Blob Data Contributor'], about.highChurn ? ['Storage Blob Data Owner'] : []),
          role => heldBuiltIn('vault', role, subscriptionId, scopeId(subscriptionId, group), group)
        )
    ))
  ])

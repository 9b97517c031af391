// The condition of a role that may assign roles: which, and to whom.

func onlyThese(action string, from string, roles array, principalId string) string =>
  '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/${action}\'}) OR (@${from}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${join(roles, ', ')}} AND @${from}[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${principalId}}))'

@export()
@description('Only these roles (GUIDs), only to this principal; assignments that exist likewise.')
func mayAssign(roles array, principalId string) string =>
  '${onlyThese('write', 'Request', roles, principalId)} AND ${onlyThese('delete', 'Resource', roles, principalId)}'

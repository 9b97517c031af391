// The condition of a role that may assign roles: which, and to whom.

func onlyTo(action string, from string, extra string, principals array) string =>
  '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/${action}\'}) OR (${extra}@${from}[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {${join(principals, ', ')}}))'

func onlyThese(action string, from string, roles array, principalId string) string =>
  onlyTo(
    action,
    from,
    '@${from}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${join(roles, ', ')}} AND ',
    [principalId]
  )

@export()
@description('Only these roles (GUIDs), only to this principal; assignments that exist likewise.')
func mayAssign(roles array, principalId string) string =>
  '${onlyThese('write', 'Request', roles, principalId)} AND ${onlyThese('delete', 'Resource', roles, principalId)}'

@export()
@description('Any role, only to these principals; assignments that exist likewise.')
func mayAssignTo(principals array) string =>
  '${onlyTo('write', 'Request', '', principals)} AND ${onlyTo('delete', 'Resource', '', principals)}'

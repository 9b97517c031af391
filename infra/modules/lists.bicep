// Lists are strings with commas, which azd, the az CLI and a workflow's variables can all hold.

@export()
@description('The entries of a list. An empty one is refused: a comma too many must not mean the whole subscription.')
func parts(list string, parameter string) string[] =>
  empty(list)
    ? []
    : map(
        split(list, ','),
        part => empty(trim(part)) ? fail('${parameter}: an entry is empty: is there a comma too many?') : trim(part)
      )

@export()
@description('Resource groups, or if there are none the whole subscription, as one without a name.')
func orWhole(groups string[]) string[] => empty(groups) ? [''] : groups

@export()
@description('The ID of a resource group, or of the subscription for one without a name.')
func scopeId(subscriptionId string, group string) string =>
  empty(group) ? '/subscriptions/${subscriptionId}' : '/subscriptions/${subscriptionId}/resourceGroups/${group}'

// The alert rules, over the app's own metrics and log lines, and their action group. (Site Recovery's replicated items reach a workspace
// once a day, so they are no base for an alert on the RPO.)
import { parts } from 'lists.bicep'

param token string
param location string
param tags object
param workspaceId string
param emails string

@minValue(5)
param rpoMinutes int

param sweepWindow string

var receivers = parts(emails, 'alertEmails')

// A gauge tells how things stand, once a sweep: its last value counts. A counter tells what has happened: its sum does.
var rules = [
  {
    name: 'drifted'
    displayName: 'DR: VMs are not protected as they should be'
    description: 'The last sweep found VMs that differ from what is asked for. See the runbook: drifted VMs.'
    query: 'let newest = toscalar(AppMetrics | where Name == "dr.vms.required" | summarize max(TimeGenerated)); AppMetrics | where Name == "dr.vms.drifted" and TimeGenerated > newest - 5m and tostring(Properties.silent) != "yes" | summarize Value = sum(Sum)'
    severity: 2
    window: 'PT2H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'rpo'
    displayName: 'DR: the recovery point objective is breached'
    description: 'A VM would lose more than is allowed if it failed over now. See the runbook: RPO.'
    query: 'AppMetrics | where Name == "dr.rpo.seconds" and tostring(Properties.silent) != "yes" | summarize Value = max(Max)'
    severity: 1
    window: 'PT2H'
    operator: 'GreaterThan'
    threshold: rpoMinutes * 60
  }
  {
    name: 'enables-failed'
    displayName: 'DR: enabling failed'
    description: 'VMs could not be protected. See the runbook: failed enables.'
    query: 'AppMetrics | where Name == "dr.enables.failed" | summarize Value = sum(Sum)'
    severity: 2
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'sweep-missing'
    displayName: 'DR: the estate was not swept'
    description: 'No sweep has ended for two intervals. See the runbook: missing sweeps.'
    query: 'AppMetrics | where Name == "dr.sweep.completed" and tostring(Properties.outcome) != "failed" | summarize Value = count()'
    severity: 1
    window: sweepWindow
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'drill-failed'
    displayName: 'DR: a drill failed'
    description: 'The test VM of a drill did not come up as it should. See the runbook: failed drills.'
    query: 'AppTraces | where Message startswith \'{"decision": "drill failed"\' | summarize Value = count()'
    severity: 2
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'drill-not-cleaned-up'
    displayName: 'DR: a drill is not cleaned up'
    description: 'A test VM is still there, and costs money. See the runbook: drills that are not cleaned up.'
    query: 'AppTraces | where Message startswith \'{"decision": "drill not cleaned up"\' | summarize Value = count()'
    severity: 1
    window: 'PT2H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'archive-not-writable'
    displayName: 'DR: the archive cannot be written'
    description: 'What the app finds and does is not kept: a gap in the evidence. See the runbook: archive not writable.'
    query: 'AppTraces | where Message startswith "ArchiveNotWritable: " | summarize Value = count()'
    severity: 2
    window: 'PT2H'
    operator: 'GreaterThan'
    threshold: 0
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'dr-protect'
    enabled: true
    emailReceivers: [
      for (email, i) in receivers: {
        name: 'email-${i}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'dr-${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.displayName
      description: rule.description
      enabled: true
      severity: rule.severity
      scopes: [workspaceId]
      evaluationFrequency: 'PT15M'
      windowSize: rule.window
      // The table is made with the first metric that arrives.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            metricMeasureColumn: 'Value'
            timeAggregation: 'Maximum'
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [actionGroup.id]
      }
    }
  }
]

output actionGroupId string = actionGroup.id

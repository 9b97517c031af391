// The workbook "DR compliance", over the app's metrics and its log of decisions.
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'dr-compliance')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'DR compliance'
    category: 'workbook'
    sourceId: workspaceId
    version: 'Notebook/1.0'
    serializedData: loadTextContent('../workbook.json')
  }
}

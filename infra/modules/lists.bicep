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

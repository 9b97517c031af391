// What Microsoft's own parser of Kusto says of queries. Each line of standard input is an object of `tables`, each with its
// columns as Kusto writes a schema, and of `queries`, each by a name; the line of standard output that answers it has for
// each name the `problems`, and the names of the `columns` of its result.
const { createInterface } = require("node:readline");
const { dirname, join } = require("node:path");

const library = dirname(require.resolve("@kusto/language-service-next/package.json"));
require(join(library, "bridge.min.js"));
require(join(library, "Kusto.Language.Bridge.min.js"));

const { GlobalState, KustoCode, Symbols } = Kusto.Language;
const items = (list) => Array.from({ length: list?.Count ?? 0 }, (_, i) => list.getItem(i));

function parse(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  return {
    problems: items(code.GetDiagnostics()).map(
      (each) => `${each.Severity} ${each.Code} at ${JSON.stringify(text.substr(each.Start, each.Length))}: ${each.Message}`,
    ),
    columns: items(code.ResultType?.Columns).map((each) => each.Name),
  };
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { tables, queries } = JSON.parse(line);
  const known = Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(columns).WithName(name));
  const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("logs", known));
  const answers = Object.entries(queries).map(([name, text]) => [name, parse(text, globals)]);
  console.log(JSON.stringify(Object.fromEntries(answers)));
});

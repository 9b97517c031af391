// Reads a list of cards from stdin, and writes for each what Microsoft's own parser and its validation have against it.
const { AdaptiveCard, SerializationContext } = require("adaptivecards/dist/adaptivecards.min.js");

const cards = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = cards.map((body) => {
  const context = new SerializationContext();
  const card = new AdaptiveCard();
  card.parse(body, context);
  const parsed = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
  const validated = card.validateProperties().validationEvents.map((event) => event.message);
  return [...parsed, ...validated];
});
process.stdout.write(JSON.stringify(found));

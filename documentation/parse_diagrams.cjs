// Parses diagrams with the site's own copy of Mermaid. Standard input: a JSON list of texts.
// Standard output: a JSON list of their errors, null for each that is well formed.
const fs = require("fs");
const vm = require("vm");

// Mermaid cleans labels with DOMPurify, which looks for a document and, if that cannot do what it
// needs, leaves texts as they are. Nothing is drawn here, so that is enough.
globalThis.window = {
  addEventListener() {},
  document: { nodeType: 9, createElement: () => ({}) },
  Element: class {},
  Node: class {},
};
vm.runInThisContext(fs.readFileSync(process.argv[2], "utf8"));

async function errorOf(text) {
  try {
    await globalThis.mermaid.parse(text);
    return null;
  } catch (error) {
    return String(error.message ?? error).split("\n").slice(0, 3).join(" ");
  }
}

(async () => {
  const errors = [];
  for (const text of JSON.parse(fs.readFileSync(0, "utf8"))) {
    errors.push(await errorOf(text));
  }
  console.log(JSON.stringify(errors));
})();

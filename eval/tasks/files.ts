/** Files that several tasks have. */

/** A package of modules without dependencies, whose tests run with `npm test`. */
export function packageJson(name: string, more: object = {}): string {
  const content = { name, version: '1.0.0', private: true, type: 'module', scripts: { test: 'node --test' }, ...more };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** A script that prints the value of an expression as JSON; `import` statements may come before it. */
export function printing(statements: string, expression: string): string {
  return `${statements}\nconst or = (body) => { try { return body(); } catch (error) { return String(error.code ?? error.name); } };\nconsole.log(JSON.stringify(${expression}));\n`;
}

/** Makes JSON Schemas of the answers from their TypeScript types, by TypeScript's own compiler. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = ['src/contract/index.ts', 'src/client/index.ts'].map((file) => join(ROOT, file));

/** The types that endpoints answer with. Those that they refer to are added. */
const ANSWERS = [
  ...[
    'ThreadView',
    'ThreadSummary',
    'ThreadEvent',
    'PartialEvent',
    'TreeEvent',
    'ThreadRequest',
    'OpenRequests',
    'Item',
    'QueuedTurnView',
    'ImageInput',
  ],
  ...['ApprovalRule', 'RepositoryRules', 'UndoPreview', 'WorkspaceMove', 'BatchView', 'BatchSummary', 'RowsPage'],
  ...[
    'ScheduleView',
    'ScheduleSummary',
    'ScheduleRun',
    'ScheduleFiring',
    'LedgerView',
    'LedgerSummary',
    'AccountIdentity',
    'CleaningScheduleView',
  ],
];

/** By name. */
type Schemas = Record<string, object>;

/** The text of `contract-schemas.ts`. */
export function writeContractSchemas(): string {
  const schemas = toSchemas(ANSWERS);
  const members = Object.keys(schemas)
    .sort()
    .map((name) => `  ${name}: ${JSON.stringify(schemas[name])},`);
  return [
    '/** Written by `npm run generate:http` from the types of the contract. Do not edit. */',
    'export const CONTRACT_SCHEMAS = {',
    ...members,
    '} as const satisfies Record<string, object>;',
    '',
    'export type ContractName = keyof typeof CONTRACT_SCHEMAS;',
    '',
  ].join('\n');
}

function toSchemas(names: readonly string[]): Schemas {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram(SOURCES, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const exported = new Map<string, ts.Type>();
  for (const source of SOURCES) {
    const file = program.getSourceFile(source);
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    for (const symbol of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const own = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
      if ((own.flags & ts.SymbolFlags.Type) !== 0) exported.set(symbol.name, checker.getDeclaredTypeOfSymbol(own));
    }
  }
  const found: Schemas = {};
  const named = new Map([...exported].map(([name, type]) => [type, name]));
  const wanted = [...names];
  const refer = (name: string): object => {
    if (!(name in found)) wanted.push(name);
    return { $ref: `#/components/schemas/${name}` };
  };
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const type = exported.get(name);
    if (type === undefined) throw new Error(`The contract has no type ${name}`);
    found[name] ??= createWriter(checker, (used) => {
      const known = named.get(used) ?? used.aliasSymbol?.name;
      return known !== undefined && known !== name && exported.get(known) === used ? refer(known) : undefined;
    })(type, true);
  }
  return found;
}

/** @param refer gives the reference to a type that has its own schema */
function createWriter(checker: ts.TypeChecker, refer: (type: ts.Type) => object | undefined) {
  const write = (type: ts.Type, isTop = false): object => {
    const reference = isTop ? undefined : refer(type);
    if (reference !== undefined) return reference;
    if (type.isUnion()) return writeUnion(type.types.filter((one) => (one.flags & ts.TypeFlags.Undefined) === 0));
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if ((type.flags & ts.TypeFlags.BooleanLiteral) !== 0) return { const: checker.typeToString(type) === 'true' };
    if ((type.flags & ts.TypeFlags.Null) !== 0) return { type: 'null' };
    if ((type.flags & ts.TypeFlags.StringLike) !== 0) return { type: 'string' };
    if ((type.flags & ts.TypeFlags.NumberLike) !== 0) return { type: 'number' };
    if ((type.flags & (ts.TypeFlags.Unknown | ts.TypeFlags.Any)) !== 0) return {};
    if ((type.symbol as ts.Symbol | undefined)?.name === 'Date') return { type: 'string', format: 'date-time' };
    if (checker.isArrayType(type)) {
      const [member] = checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', ...(member === undefined ? {} : { items: write(member) }) };
    }
    return writeObject(type);
  };
  const writeUnion = (types: readonly ts.Type[]): object => {
    const [only, ...more] = types;
    if (only !== undefined && more.length === 0) return write(only);
    const isBoolean = (one: ts.Type) => (one.flags & ts.TypeFlags.BooleanLiteral) !== 0;
    const literals = types.flatMap((one) => (one.isStringLiteral() || one.isNumberLiteral() ? [one.value] : []));
    const booleans = types.filter(isBoolean);
    const rest = types.filter((one) => !isBoolean(one) && !one.isStringLiteral() && !one.isNumberLiteral());
    const parts = [
      ...(literals.length === 0 ? [] : [{ enum: literals.sort() }]),
      ...(booleans.length === 2 ? [{ type: 'boolean' }] : booleans.map((one) => write(one))),
      ...rest.map((one) => write(one)),
    ];
    // The compiler's own order depends on what else it has read.
    const sorted = parts.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
    return sorted.length === 1 ? (sorted[0] ?? {}) : { anyOf: sorted };
  };
  const writeObject = (type: ts.Type): object => {
    const members = checker.getPropertiesOfType(type);
    const index = checker.getIndexTypeOfType(type, ts.IndexKind.String);
    const isOptional = (member: ts.Symbol) => (member.flags & ts.SymbolFlags.Optional) !== 0;
    const properties = members.map((member) => {
      const says = ts.displayPartsToString(member.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();
      return [
        member.name,
        { ...write(checker.getTypeOfSymbol(member)), ...(says === '' ? {} : { description: says }) },
      ];
    });
    const required = members.filter((member) => !isOptional(member)).map(({ name }) => name);
    return {
      type: 'object',
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) as object }),
      ...(required.length === 0 ? {} : { required }),
      ...(index === undefined ? {} : { additionalProperties: write(index) }),
    };
  };
  return write;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'contract-schemas.ts'), writeContractSchemas());

/** Imports point one way: interfaces -> client -> workflows -> activities -> ports <- adapters; the contract under all. */
const WORKFLOW_VALUES = '^(workflows/|src/contract/plain/|node_modules/@temporalio/(workflow|common)/)';

/** Of a thread, the lowest first: a floor imports itself and lower ones. */
const FLOORS = [
  ...['state', 'approvals', 'budget', 'agent-task', 'turns', 'agents', 'tools', 'tasks', 'past', 'machine', 'view'],
  ...['guards', 'shell'],
];
const threadFloors = FLOORS.slice(0, -1).map((floor, index) => ({
  name: 'thread-floors',
  comment: 'What a floor needs lies below it.',
  severity: 'error',
  from: { path: `^workflows/thread/${floor}/`, pathNot: '\\.test\\.ts$' },
  to: { path: `^workflows/thread/(${FLOORS.slice(index + 1).join('|')})/` },
}));

export default {
  forbidden: [
    {
      name: 'contract-imports-nothing-of-ours',
      comment: 'The wire stands alone.',
      severity: 'error',
      from: { path: '^src/contract/' },
      to: { path: '^(src|workflows|activities)/', pathNot: '^src/contract/' },
    },
    {
      name: 'the-plain-contract-imports-nothing',
      comment: 'The only part of the contract that runs in the sandbox, too.',
      severity: 'error',
      from: { path: '^src/contract/plain/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^src/contract/plain/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-take-values-only-from-the-sandbox',
      comment: 'Whatever else is imported by value would be bundled and run inside the sandbox.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: '\\.test\\.ts$|/testing\\.ts$|/testing/' },
      to: { pathNot: WORKFLOW_VALUES, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'workflows-know-activities-by-contract',
      comment: 'Types of activities/contract.ts and ports.ts; no implementation.',
      severity: 'error',
      from: { path: '^workflows/', pathNot: '\\.test\\.ts$' },
      to: { path: '^activities/', pathNot: '^activities/(contract|ports)\\.ts$' },
    },
    ...threadFloors,
    {
      name: 'only-the-shell-is-impure',
      comment: 'Everything that decides knows nothing of Temporal.',
      severity: 'error',
      from: {
        path: '^workflows/(thread/(?!shell/)|review-ledger/|batch-review/)',
        pathNot: '^workflows/[a-z-]+/(workflow|messages|open-target|target-review)\\.ts$|\\.test\\.ts$',
      },
      to: { path: '^node_modules/' },
    },
    {
      name: 'activities-reach-out-through-ports',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^(src/(?!contract/)|workflows/)' },
    },
    {
      name: 'adapters-know-nothing-of-temporal',
      severity: 'error',
      from: { path: '^src/adapters/' },
      to: { path: '^(node_modules/@temporalio/|workflows/|src/(client|interfaces|worker)/)' },
    },
    {
      name: 'adapters-know-ports-and-failures-only',
      severity: 'error',
      from: { path: '^src/adapters/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(activities/|src/dev/)', pathNot: '^activities/(ports|failures)\\.ts$' },
    },
    {
      name: 'only-the-client-uses-the-temporal-client',
      comment: 'The embedded stack may ask whether its service is up.',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/', pathNot: '^src/(client|dev|worker/directories)/|\\.test\\.ts$' },
      to: { path: '^node_modules/@temporalio/client/' },
    },
    {
      name: 'the-client-knows-no-adapter-and-no-door',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^src/(adapters|interfaces|worker|dev)/' },
    },
    {
      name: 'client-knows-no-activities',
      comment: 'What the worker asks of the service lies in src/worker/directories.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^activities/' },
    },
    {
      name: 'doors-go-through-the-client',
      comment: "Parse, call src/client, render. The embedded stack is a door's own business.",
      severity: 'error',
      from: { path: '^src/interfaces/' },
      to: { path: '^(workflows|activities|src/adapters|src/worker)/' },
    },
    {
      name: 'the-page-runs-in-a-browser',
      comment: 'It knows the HTTP API. Of the rest it takes only types and what is pure.',
      severity: 'error',
      from: { path: '^src/interfaces/page/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot:
          '^(src/interfaces/page/|src/interfaces/running-steps\\.ts$|src/contract/plain/|src/reports/(trend|trend-shape|selection|outcome|finding-words|repository)\\.ts$|node_modules/(preact|marked|eventsource-parser)/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'reports-know-the-contract-alone',
      comment: 'A report is made from one record; where that comes from and where the text goes is not its business.',
      severity: 'error',
      from: { path: '^src/reports/', pathNot: '\\.test\\.ts$|/test-[a-z-]+\\.ts$' },
      to: { pathNot: '^(src/(reports|contract)/|node_modules/@types/sarif/)' },
    },
    {
      name: 'private-keys-stay-in-their-folder',
      comment: "Only the adapter's own door is open to others.",
      severity: 'error',
      from: { pathNot: '^src/adapters/identity/|^test/|\\.test\\.ts$' },
      to: { path: '^src/adapters/identity/', pathNot: '/identity-adapter\\.ts$' },
    },
    {
      name: 'nothing-ships-what-only-tests-use',
      severity: 'error',
      from: { path: '^(src|workflows|activities)/', pathNot: '\\.test\\.ts$|/test-[a-z-]+\\.ts$|/testing(\\.ts$|/)' },
      to: { path: '^(test|bench|eval|examples)/|\\.test\\.ts$|/test-[a-z-]+\\.ts$|/testing(\\.ts$|/)' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|bench/peers)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};

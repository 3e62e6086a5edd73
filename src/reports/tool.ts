/** The tool in a report. */
export const TOOL = { name: 'Bobbin', semanticVersion: '0.1.0' } as const;

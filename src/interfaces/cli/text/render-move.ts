/** What a move has brought along, for people. */
import type { WorkspaceMove } from '../../../contract/index.ts';
import { type Part, line } from './terminal-text.ts';

export function renderReceipt({ asOf, receipt }: Pick<WorkspaceMove, 'asOf' | 'receipt'>): Part[] {
  const { restored, notRestored, quiescent } = receipt;
  return [
    ...(restored === null
      ? []
      : [
          line`restored and verified: ${String(restored.files)} files as of ${new Date(asOf).toISOString()}, commit ${restored.commit}, tree ${restored.tree}`,
        ]),
    ...notRestored.map((one) => line`${one}`),
    ...(quiescent ? [] : ['commands of the thread may still run on the former host']),
  ];
}

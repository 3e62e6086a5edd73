/** Reads a ledger for the record of a batch. Idempotent: it only reads. */
import type { LedgerRead, LedgerReading } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';

export async function readLedger(ports: Ports, reading: LedgerReading): Promise<LedgerRead> {
  return runStep<{ type: 'target'; doing: string }, LedgerRead>(
    { ...ports, ...reading },
    { type: 'target', doing: 'closing its record' },
    async ({ signal }) => ({ type: 'read', ledger: await ports.ledgers.read(reading.targetId, signal) }),
  );
}

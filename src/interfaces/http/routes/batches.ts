/** Batches of reviews, and their reports. */
import { z } from 'zod';
import type { BatchRow } from '../../../contract/index.ts';
import { BatchIdSchema, StartBatchSchema } from '../../../contract/index.ts';
import { optional } from '../../../contract/shapes.ts';
import { REPORT_FORMATS, type ReportFormat, toReport } from '../../../reports/report.ts';
import { SELECTIONS } from '../../../reports/selection.ts';
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { LimitSchema, PageSchema, listOf, ref } from '../schemas.ts';

const NewBatchSchema = z.object({ batchId: BatchIdSchema.max(150), batch: StartBatchSchema });
const ReportSchema = z.object({
  format: z.enum(REPORT_FORMATS as [ReportFormat, ...ReportFormat[]]).default('markdown'),
  only: optional(z.enum(SELECTIONS)).describe('Default: `all` in sarif and html, else `open`.'),
});
const MEDIA_TYPES: Record<ReportFormat, string> = {
  sarif: 'application/sarif+json',
  rdjson: 'application/json',
  junit: 'application/xml',
  markdown: 'text/markdown; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
};
const EXTENSIONS: Record<ReportFormat, string> = {
  ...{ sarif: 'sarif', rdjson: 'rdjson.json', junit: 'junit.xml', markdown: 'md', html: 'html', json: 'json' },
};

export const BATCH_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'post',
    path: '/v1/batches',
    tag: 'Batches',
    summary: 'Start a batch of reviews',
    description: 'Returns the running batch with that id if there is one.',
    scope: 'drive',
    withoutOwner: true,
    body: NewBatchSchema,
    answers: [{ status: 201, says: 'The batch.', schema: ref('BatchStarted') }],
    problems: ['batchExists', 'inputTooLarge'],
    async run({ bobbin, body: { batch, batchId } }) {
      await bobbin.batches.start(batch, { batchId });
      return json({ batchId }, 201);
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/batches',
    tag: 'Batches',
    summary: 'List batches, newest first',
    scope: 'read',
    withoutOwner: true,
    query: z.object({ limit: LimitSchema }),
    answers: [{ status: 200, says: 'The batches.', schema: listOf('batches', 'BatchSummary') }],
    problems: [],
    run: async ({ bobbin, query }) => json({ batches: await bobbin.batches.list(query) }),
  }),
  endpoint({
    method: 'get',
    path: '/v1/batches/{batchId}',
    tag: 'Batches',
    summary: 'Read the state of a batch',
    scope: 'read',
    withoutOwner: true,
    answers: [{ status: 200, says: 'The state.', schema: ref('BatchView') }],
    problems: ['batchNotFound', 'batchRefused'],
    run: async ({ bobbin, params: { batchId } }) => json(await bobbin.batches.get(batchId).view()),
  }),
  endpoint({
    method: 'get',
    path: '/v1/batches/{batchId}/rows',
    tag: 'Batches',
    summary: 'Read the result of each target, in the order of the list',
    scope: 'read',
    withoutOwner: true,
    query: PageSchema,
    answers: [{ status: 200, says: 'A page of rows.', schema: ref('RowsPage') }],
    problems: ['batchNotFound', 'batchRefused'],
    async run({ bobbin, params: { batchId }, query: { after, limit } }) {
      const rows: BatchRow[] = [];
      for await (const row of bobbin.batches.get(batchId).rows()) {
        if (rows.length === limit) return json({ rows, next: after + limit, more: true });
        if (row.index >= after) rows.push(row);
      }
      return json({ rows, next: after + rows.length, more: false });
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/batches/{batchId}/cancel',
    tag: 'Batches',
    summary: 'Start no further review and stop the running ones',
    scope: 'drive',
    withoutOwner: true,
    answers: [{ status: 202, says: 'It is being stopped.', schema: ref('BatchStarted') }],
    problems: ['batchNotFound', 'batchEnded'],
    async run({ bobbin, params: { batchId } }) {
      await bobbin.batches.get(batchId).cancel();
      return json({ batchId }, 202);
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/batches/{batchId}/report',
    tag: 'Batches',
    summary: 'Read the findings of a batch as a report',
    scope: 'read',
    withoutOwner: true,
    query: ReportSchema,
    answers: Object.values(MEDIA_TYPES)
      .filter((type, index, all) => all.indexOf(type) === index)
      .map((mediaType) => ({ status: 200, says: 'The report.', mediaType, schema: {} })),
    problems: ['batchNotFound', 'batchRefused'],
    async run({ bobbin, params: { batchId }, query: { format, only } }) {
      const text = toReport(await bobbin.batches.get(batchId).record(), format, only);
      return { type: 'file', mediaType: MEDIA_TYPES[format], name: `report.${EXTENSIONS[format]}`, text };
    },
  }),
];

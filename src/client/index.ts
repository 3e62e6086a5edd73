/** `bobbin/client`: start and drive coding-agent threads from a service. */
export type * from '../contract/index.ts';
export { type Bobbin, connectBobbin } from './bobbin.ts';
export type { BatchHandle, BatchSummary, Batches } from './batches/batches.ts';
export { BobbinError, type BobbinErrorCode } from './bobbin-error.ts';
export type { EventStreamOptions } from './threads/event-stream.ts';
export type { StepProgress } from './threads/progress.ts';
export type { NewThread } from './threads/thread-ids.ts';
export type { ListOptions } from './threads/list.ts';
export type { ForkOptions } from './threads/fork.ts';
export type { ResumeChanges, ResumedThread } from './threads/resume.ts';
export type { LedgerHandle, LedgerSummary, Ledgers } from './ledgers/ledgers.ts';
export { type ReviewEnd, type ReviewOptions, followReview } from './threads/review.ts';
export type { ScheduleHandle } from './schedules/schedule-handle.ts';
export type { ScheduleCreated, Schedules } from './schedules/schedules.ts';
export type { ServiceAddress, ServiceOptions } from './service.ts';
export type { ThreadHandle, Undone } from './threads/thread-handle.ts';
export { type ReportFormat, toReport } from '../reports/report.ts';
export type { Selection as ReportSelection } from '../reports/selection.ts';

/** The message that contains the summary of a compaction. `activities/instructions/compaction.ts` asks for it. */

const SUMMARY_OPEN = '<context_summary>';
const SUMMARY_CLOSE = '</context_summary>';

/** The summary as a message that replaces the conversation. */
export function toSummaryMessage(summary: string): string {
  return `${SUMMARY_OPEN}
The conversation up to here was longer than this and has been replaced by the summary below, written by the model that
held it. Take what it says as done, look at the workspace where you need to know more, and go on from there.

${summary}
${SUMMARY_CLOSE}`;
}

/** Whether a message is such a summary. */
export function isSummaryMessage(text: string): boolean {
  return text.startsWith(SUMMARY_OPEN);
}

/** Replaces a summary that only another provider can read. */
export const UNREADABLE_SUMMARY = `${SUMMARY_OPEN}
The conversation up to here was longer than this. Another provider keeps the summary of it in a form that only it can read,
so what was said and done is not known here beyond the person's messages above. Look at the workspace, and ask.
${SUMMARY_CLOSE}`;

/** The texts of a compaction: the request for a summary, and the message that contains it later. */

/** Enclose the request, to distinguish it from messages of a person. */
export const SUMMARY_REQUEST = `<context_summary_request>
This conversation is about to be replaced by a summary of it, which another model will go on from without having seen
anything else but the person's latest messages. Write that summary now, in plain text, and call no tool. Put in:
- what the person wants, with every condition, preference and decision that still holds;
- what has been done, and with what result: files changed, commands that matter, errors and how they were dealt with;
- where the work stands at this moment, and which steps are left;
- names, paths, values and short quotations without which the work cannot go on.
Leave out what no longer matters. Be exact rather than long, and say where you are not sure.
</context_summary_request>`;

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

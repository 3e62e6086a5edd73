/**
 * The machine's decisions that changed since the first release, the newest first. They apply to runs that this release begins; a run of
 * an earlier release continues as it began. 2: the size of waiting input is bounded in bytes (`waiting.ts`), a patch
 * that is given to the shell is answered and not run, a patch may not write to /tmp, and without a sandbox no git
 * command counts as read-only. 3: a command outlives its worker, so later attempts of its step wait for it, and an
 * aborted turn waits for its clean-up if its worker could not report the end. 4: a thread that its parent holds says so
 * at whatever it would begin next. 5: a command whose end is not waited for is left running, the summary of a patch
 * names its paths, and the lists show the folder of a fork in all its runs. 6: a turn that failed because its host is
 * away ends without a snapshot. 7: a thread leaves its agents behind if its host is lost, and a
 * turn whose outcome is known ends with the move. 8: the end of sessions and a move come before the next run, a
 * host is lost only after the whole grace time, the files of a clone are stored as they are then, not as the last
 * turn left them, also when an agent or a command that was left running has ended, whole if earlier packs are gone,
 * and at once if the thread begins in files that are there, what has not run when a thread moves to another folder
 * ends, no warning about a workspace or a host follows the end of a thread, and an answer of a model may take a day. 9: a
 * thread that closes while its host is lost does not wait for that host, what is typed into a command is asked for each
 * time, all that is below a turn stops with it, also by the answer `cancel`, every report of an agent reaches its
 * parent's model, and only turns that its parent gave count as its work.
 */
export const ALL_DECISIONS = [9, 8, 7, 6, 5, 4, 3, 2] as const;
export type Decisions = (typeof ALL_DECISIONS)[number];
export const [DECISIONS] = ALL_DECISIONS;

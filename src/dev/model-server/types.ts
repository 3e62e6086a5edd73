/** What is read from a request, and what answers are made from. */
import type { Rule } from './rules.ts';

export interface ToolUse {
  callId: string;
  name: string;
  /** What was called: arguments, patch text, or a command. */
  input: string;
  output: string;
}

export interface Conversation {
  /** The user text that is being worked on. */
  text: string;
  /** Its rules; none if it is plain words. */
  rules: Rule[];
  /** User texts that came while it was being worked on, oldest first. */
  additions: string[];
  /** Calls since that text, in order. */
  uses: ToolUse[];
  /** Every user text, oldest first. */
  texts: string[];
  /** Whether it ends with a request for a summary of it. */
  summarising: boolean;
  work: WorkState;
}

/** Where the work on a text stood when the conversation was summarised. */
export interface WorkState {
  /** How many user texts came after the one being worked on. */
  behind: number;
  /** Whether that work was not at its end. */
  unfinished: boolean;
  /** Calls since that text, in order. */
  uses: ToolUse[];
}

/** Image files on the machine of a workspace. */
import type { SandboxMode } from '../../src/contract/index.ts';

export interface ImagePlace {
  /** The thread whose temporary folders its commands see. */
  threadId: string;
  /** Absolute. */
  cwd: string;
  /** The real path of the workspace; left out for threads of earlier releases. */
  root?: string;
  sandbox: SandboxMode;
}

export interface ImageFilesPort {
  /**
   * The bytes of a file that commands of the thread may read, at most one more than an image may have. A path is as
   * commands see it: relative to `cwd`, or absolute. Says why there is nothing to read instead of failing.
   */
  read(path: string, place: ImagePlace, signal: AbortSignal): Promise<{ bytes: Uint8Array } | { fault: string }>;
}

/** What a model can do. */
export interface ModelAbilities {
  /** It sees images. */
  images: boolean;
}

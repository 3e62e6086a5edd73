/** What an agent is given about the machine that it works on. */
export interface MachineFacts {
  /** Name, version and architecture of the operating system. */
  system: string;
  /** The name of the shell that runs commands. */
  shell: string;
  /** The local day, `2026-11-28, Saturday`. */
  date: string;
  /** An IANA name. */
  timeZone: string;
}

export interface MachinePort {
  /** @param cwd absolute; programs in it do not count as the machine's */
  describe(cwd: string): MachineFacts;
}

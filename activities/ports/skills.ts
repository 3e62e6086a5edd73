/** Skills: folders with a SKILL.md that say how a kind of task is done. */

export interface SkillPlace {
  /** Absolute; the folder of the thread. */
  cwd: string;
  /** Its real path; left out for threads of earlier releases. */
  root?: string;
}

export interface ListedSkill {
  name: string;
  /** One of the person's own, or one of the workspace that the person has trusted. */
  from: 'person' | 'workspace';
  /** As its author wrote it, on any number of lines. */
  description: string;
}

export interface SkillText {
  /** Absolute; commands of the thread find the files of the skill here. */
  folder: string;
  text: string;
  /** The first files of the folder, relative to it. Only with SKILL.md. */
  files: string[];
  moreFiles: boolean;
}

export interface SkillsPort {
  /**
   * The skills that a model may read, by name. `warnings` says which others there are, and why they are left out. Never
   * rejects because of what is in a folder.
   */
  list(place: SkillPlace, signal: AbortSignal): Promise<{ skills: ListedSkill[]; warnings: string[] }>;
  /**
   * A text file of such a skill. @param path relative to its folder; null: SKILL.md. Returns why there is nothing to
   * read instead of failing, in words for the model.
   */
  read(
    skill: { name: string; path: string | null },
    place: SkillPlace,
    signal: AbortSignal,
  ): Promise<SkillText | { fault: string }>;
}

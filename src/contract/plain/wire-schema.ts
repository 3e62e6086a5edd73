/**
 * How a workflow reads one value of a message. `src/contract/generate-wire.ts` generates it from the schema of the
 * message.
 */
export interface WireSchema extends WireNotes {
  /** The value may be left out; null counts as left out. */
  optional?: true;
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  /** For an object; members that are not named are dropped. */
  properties?: Record<string, WireSchema>;
  /** For an object whose members may have any name. */
  propertyNames?: WireSchema;
  additionalProperties?: WireSchema;
  items?: WireSchema;
  minItems?: number;
  maxItems?: number;
  /** In UTF-16 code units, as the schemas count. */
  minLength?: number;
  maxLength?: number;
  pattern?: RegExp;
  /** For a string. */
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  /** Objects that are distinguished by their first member. */
  oneOf?: readonly WireSchema[];
}

/** Notes that a schema gets by `.meta()`. */
export interface WireNotes {
  /** A value that is left out is read as null. */
  orNull?: true;
  /** The reason for refusing a string that does not match its pattern. */
  says?: string;
  /** White space at the ends is removed first. */
  trims?: boolean;
  /** The rejection of a list with too many entries; `malformed` if it is left out. */
  code?: 'inputTooLarge';
  /** A refinement, by its name in `workflows/sandbox/message-rules.ts`. */
  rule?: 'input' | 'turn' | 'edit' | 'start' | 'path' | 'ref' | 'repository' | 'targets' | 'workspace';
}

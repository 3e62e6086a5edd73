/** How a workflow reads one value of a message. `src/contract/generate-wire.ts` writes it from the schema of the message. */
export interface WireSchema extends WireNotes {
  /** Null counts as left out, and may be. */
  optional?: true;
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  /** Of an object; members that are not named are dropped. */
  properties?: Record<string, WireSchema>;
  /** Of an object whose members may have any name. */
  propertyNames?: WireSchema;
  additionalProperties?: WireSchema;
  items?: WireSchema;
  minItems?: number;
  maxItems?: number;
  /** In UTF-16 code units, as the schemas count. */
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  /** Of a string. */
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  /** Objects that the first member tells apart. */
  oneOf?: readonly WireSchema[];
}

/** Notes that a schema gets by `.meta()`. */
export interface WireNotes {
  /** What a string that does not match its pattern needs. */
  says?: string;
  /** White space at the ends is cut off first. */
  trims?: boolean;
  /** The rejection of a list with too many entries; `malformed` if it is left out. */
  code?: 'inputTooLarge';
  /** A refinement, by its name in `workflows/sandbox/message-rules.ts`. */
  rule?: 'input' | 'turn' | 'edit' | 'start' | 'ref' | 'repository' | 'targets';
}

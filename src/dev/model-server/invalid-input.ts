/** An input that the real API refuses with status 400 and this message. */
export class InvalidInput extends Error {}

/** Whether the system takes the text as a path as it is: it refuses NUL, and reads half a character as another one. */
export function isPath(text: string): boolean {
  return !/[\0\p{Surrogate}]/u.test(text);
}

export const NO_PATH = 'a path has no NUL and no half of a character in it';

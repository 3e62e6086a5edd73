import type { ZodError } from 'zod';

/** Each thing that is wrong, behind where it is: `targets.0.repository: an absolute path or a URL is needed`. */
export function describeZod(error: ZodError): string {
  return error.issues
    .map((issue) => [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': '))
    .join('; ');
}

import type { ZodError } from 'zod';

/** Each problem after its path: `targets.0.repository: an absolute path or a URL is needed`. */
export function describeZod(error: ZodError): string {
  return error.issues
    .map((issue) => [issue.path.join('.'), issue.message].filter((part) => part !== '').join(': '))
    .join('; ');
}

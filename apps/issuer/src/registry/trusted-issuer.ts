import { z } from 'zod';

/** A subject pattern: literal text in which `*` matches any characters; it must contain something literal. */
export const subjectPatternSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((pattern) => /[^*]/.test(pattern), 'must not match every subject; name at least one character besides *');

/**
 * Whether a subject matches a pattern. The literal parts are searched from left to right, so the work is bounded for any pattern.
 * @param pattern literal text, with `*` for any characters, including none
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return subject === head;
  if (subject.length < head.length + tail.length) return false;
  if (!subject.startsWith(head) || !subject.endsWith(tail)) return false;
  let from = head.length;
  const end = subject.length - tail.length;
  for (const part of rest) {
    const at = subject.indexOf(part, from);
    if (at === -1 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

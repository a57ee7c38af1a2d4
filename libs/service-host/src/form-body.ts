import { Problem } from './problem.js';

/** Parses `application/x-www-form-urlencoded`; a parameter given twice is refused (RFC 6749, section 3.2). */
export function parseForm(body: string, done: (error: Error | null, value?: unknown) => void): void {
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) {
      done(new Problem(400, 'PARAMETER_REPEATED', `The parameter ${JSON.stringify(name)} is given more than once.`));
      return;
    }
    form.set(name, value);
  }
  done(null, Object.fromEntries(form));
}
